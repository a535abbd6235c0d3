//go:build tools

// Package tools names the endpoint picker of the tests' data path.
package tools

import _ "sigs.k8s.io/gateway-api-inference-extension/cmd/epp"
