# The words everyone uses; CI calls the same ones.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup check test acceptance mutants demo serve bench clean

setup: $(VENV)/.installed

# The exact set from constraints.txt, installed once and again when it changes.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest -n 2

acceptance: setup
	$(BIN)/pytest -n 2 -m acceptance --timeout 3600

mutants: setup
	$(BIN)/python -m tests.mutants

demo: setup
	$(BIN)/evenkeel demo

serve: setup
	$(BIN)/evenkeel serve

bench: setup
	$(BIN)/python -m benchmarks.sweep

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
