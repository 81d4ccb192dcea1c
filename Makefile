# The words everyone uses; CI calls the same ones.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BENCH := .venv-bench
BIN := $(VENV)/bin

.PHONY: setup check test acceptance soak mutants demo serve bench clean

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

# In full, and on PostgreSQL too what the suite shows on SQLite alone.
acceptance: setup
	$(BIN)/pytest -n 2 -m acceptance --timeout 3600

soak: setup
	$(BIN)/pytest -n 2 -m soak --timeout 0

mutants: setup
	$(BIN)/python -m tests.mutants

demo: setup
	$(BIN)/evenkeel demo

serve: setup
	$(BIN)/evenkeel serve

bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks.kernels
	$(BENCH)/bin/python -m benchmarks.sweep

# The project beside its peers, in an environment of their own.
$(BENCH)/.installed: pyproject.toml constraints.txt benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . \
		--requirement benchmarks/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) $(BENCH) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
