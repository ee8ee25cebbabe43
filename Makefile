# Everything runs in .venv, which is made from pyproject.toml the first time and whenever that changes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Two processes even on one core: most tests wait for a server or a checker.
WORKERS ?= auto
BENCHMARKS := import_time calls generate help_time server_requests agent packs_throughput packs_memory large_schemas scaling checking
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test tests check format generate bench stress docs clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "penstock needs Python 3.11 or newer; $(PYTHON) is older. Run: make PYTHON=python3.12 …" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

install: $(INSTALLED) ## Make the virtual environment

demo: $(INSTALLED) ## Generate the SDK, start a local server, and run PIN-15's story against it
	@penstock generate
	@python examples/demo.py

test: check tests ## All checks and all tests

tests: $(INSTALLED)
	@python -m pytest -n $(WORKERS) --dist worksteal -q

check: $(INSTALLED) ## Types, lint, formatting, and drift of generated/
	@penstock generate --check
	@ruff check .
	@ruff format --check .
	@mypy
	@pyright --pythonpath $(BIN)/python

format: $(INSTALLED) ## Format the code
	@ruff check --fix --quiet .
	@ruff format --quiet .

generate: $(INSTALLED) ## Generate the SDK from schema.graphql and queries/
	@penstock generate

bench: $(INSTALLED) ## Measure, as ratios in one run; add RECORD=1 to keep the figures in benchmarks/RESULTS.md
	@for name in $(BENCHMARKS); do echo; echo "== $$name"; python -m benchmarks.$$name $(if $(RECORD),--record) || exit 1; done

stress: $(INSTALLED) ## The long campaigns: kills, chaos, fuzz by thousands
	@PENSTOCK_STRESS=1 python -m pytest -n $(WORKERS) --dist worksteal -q --timeout=3600

docs: $(INSTALLED) ## Build the documentation into site/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@$(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

clean: ## Remove the environment and what tools leave behind
	@rm -rf .venv site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
