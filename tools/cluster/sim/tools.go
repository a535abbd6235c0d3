//go:build tools

// Package tools names the simulated engine of the tests' data path.
package tools

import _ "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim"
