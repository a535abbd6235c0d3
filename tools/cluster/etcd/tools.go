//go:build tools

// Package tools names the store of the tests' control plane.
package tools

import _ "go.etcd.io/etcd/server/v3"
