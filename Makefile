# One command per verb. `make` alone lists them. Everything runs on the sandbox: no cloud account, no login.
# For a real account: `pulumi login`, then plain `pulumi preview`.

PYTHON ?= python3
STACK  ?= dev
BASE   ?= main
ARGS   ?=
JOBS   ?= 2
BIN    := .venv/bin
RUN     = $(BIN)/python -m tools.run
OUTLAY  = $(BIN)/python -m tools.run_outlay

.DEFAULT_GOAL := help
.PHONY: help setup preview up destroy cost diff comment audit test test-fast test-cluster test-dataplane test-host lint lint-workflows format accuracy bench scenarios clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: STACK=$(STACK)  BASE=$(BASE)  PYTHON=$(PYTHON)  ARGS='more arguments', for instance ARGS=--diff"

setup: ## Install what is needed: .venv and a Pulumi engine (a no-op when both are there)
	@$(PYTHON) -m tools.setup

preview: setup ## Show what a stack would buy and cost, on the sandbox
	@$(RUN) preview --stack $(STACK) $(ARGS)

up: setup ## Buy it, on the sandbox
	@$(RUN) up --stack $(STACK) $(ARGS)

destroy: setup ## Give it all back, on the sandbox
	@$(RUN) destroy --stack $(STACK) $(ARGS)

cost: setup ## Show what a stack has and what that costs, on the sandbox
	@$(OUTLAY) cost --stack $(STACK) $(ARGS)

diff: setup ## Show what the change since BASE costs a stack, on the sandbox
	@$(OUTLAY) diff --stack $(STACK) --base $(BASE) --policy-pack policies $(ARGS)

comment: setup ## Print the pull request's comment for a stack, on the sandbox
	@$(OUTLAY) comment --stack $(STACK) --base $(BASE) --policy-pack policies --dry-run $(ARGS)

audit: setup ## Hold what a stack has to its budget and policies, on the sandbox
	@$(OUTLAY) audit --stack $(STACK) --policy-pack policies $(ARGS)

test: setup ## Run every test that a change must pass
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

test-fast: setup ## Run the tests that need neither the engine nor much time
	@$(BIN)/python -m pytest -m "not engine and not slow and not cluster and not datapath" $(ARGS)

test-cluster: setup ## Try what is rendered on a real control plane (built once: about 13 CPU-minutes)
	@$(BIN)/python -m tools.cluster $(ARGS)

test-dataplane: setup ## Send requests through the rendered router to simulated engines (built once: 8 CPU-minutes more)
	@$(BIN)/python -m tools.cluster --data-path $(ARGS)

test-host: ## Test the language host (needs Go; shares the compiler's cache with the engine's build)
	@$(PYTHON) -m tools.test_host

lint: setup ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

lint-workflows: ## Check .github/workflows with actionlint (needs Go)
	@go -C tools/actionlint tool actionlint $(CURDIR)/.github/workflows/*.yaml

format: setup ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

accuracy: setup ## Write docs/accuracy.md: the sizing model against published measurements
	@$(BIN)/python -m tools.accuracy $(ARGS)

bench: setup ## Measure the times that the README states
	@$(BIN)/python -m tools.bench $(ARGS)
	@$(BIN)/python -m tools.planning_times --most 10

scenarios: setup ## Compare plans with what people do instead, in thirty scenarios
	@$(BIN)/python -m tools.scenarios $(ARGS)

clean: ## Delete the sandbox, its stacks and all caches inside the repository; keep .venv
	@rm -rf .outlay/state .outlay/config .outlay/pulumi-home .outlay/sandbox.db* \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache rendered
