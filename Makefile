# `make help` explains the targets. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PROMPT ?= a serene sunset over a futuristic city
SEED ?= 0
OUTPUT_DIR ?= outputs

.DEFAULT_GOAL := help
.PHONY: help install run lab test test-all lint notebooks screenshots bench train-tiny clean

help: ## Show this list
	@echo "synthviz: from a prompt to feature maps"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make run PROMPT='a forest at night' SEED=7 OUTPUT_DIR=outputs/forest"

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "python3 was not found; install Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "synthviz needs Python 3.11 or newer; try: make PYTHON=python3.12 ..."; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV); the first time this downloads a lot (see README.md)."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

install: $(INSTALLED) ## Create .venv and install the pinned packages and synthviz

run: $(INSTALLED) ## Run the three notebooks headless on PROMPT; results in OUTPUT_DIR
	@$(BIN)/python -m synthviz run --output-dir '$(OUTPUT_DIR)' -p prompt '$(subst ','\'',$(PROMPT))' -p seed '$(SEED)'

lab: $(INSTALLED) ## Open JupyterLab on the notebooks
	$(BIN)/python -m jupyterlab --notebook-dir=notebooks

test: $(INSTALLED) ## Run the tests (minutes)
	$(BIN)/python -m pytest

test-all: $(INSTALLED) ## Run every test, the long ones too
	$(BIN)/python -m pytest -m ''

lint: $(INSTALLED) ## Check style, types and which room imports which
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

notebooks: $(INSTALLED) ## Run the notebooks in place, so that they are committed with their outputs
	$(BIN)/python notebooks/refresh_outputs.py

screenshots: $(INSTALLED) ## Take the README's pictures of the explorers, in Chromium
	$(BIN)/python tests/browser/take_screenshots.py

bench: $(INSTALLED) ## Measure against the alternatives, with nothing else running (an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks

train-tiny: $(INSTALLED) ## Train every model at toy size, to see how it goes (minutes)
	$(BIN)/python -m training.tiny

clean: ## Remove .venv and caches; what the runs made stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache
