# What to do with this repository. Every target sets up what it needs; nothing is done twice.

VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: help setup packages run test check bench docs clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: packages $(VENV)/.developer ## Make the virtual environment, and install the Debian packages that tests need

packages:
	@tools/packages.sh

# The stamps lie inside the environment, so that they are gone when it is. What a user needs comes first: `make run`
# takes nothing but that, and no Debian package.
$(VENV)/.user: pyproject.toml
	@tools/environment.sh $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.user
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(VENV)/.user ## Start a node with sample APIs, and say what to try
	@$(BIN)/python examples/quickstart/run.py

test: setup ## Run all tests; ARGS="-k name" passes options on to pytest
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.developer ## Check format, lint, types, import layers and the rules of the house
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.house

bench: setup ## Measure the CPU a request costs, next to nginx and HAProxy; ARGS="--help" says what else
	@$(BIN)/python -m benchmarks.yardstick $(ARGS)

docs: $(VENV)/.user ## Write the generated pages anew
	@$(BIN)/python -m sluicegate.settings.reference > docs/reference/settings.md
	@$(BIN)/python -m sluicegate.analytics.reference > docs/reference/metrics.md

clean: ## Remove all that can be made again
	rm -rf $(VENV) .run build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
