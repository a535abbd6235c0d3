module outlay.invalid/tools/cluster/sim

go 1.26.0

require github.com/llm-d/llm-d-inference-sim v0.10.2
