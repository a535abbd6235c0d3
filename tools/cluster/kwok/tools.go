//go:build tools

// Package tools names the program that plays the nodes of the tests' cluster.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
