# Everything runs from .venv, which is made here; nothing but Python 3.11+ and make has to be there before.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One for each core: many tests start processes, which need the cores too.
JOBS ?= auto
# COVERAGE=1 adds to what earlier runs have covered. It takes half as long again, so only `make check` asks for it.
COVER := $(if $(COVERAGE),--cov --cov-append --cov-report=)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-outside demo check lint types coverage bench docs clean help
.DEFAULT_GOAL := help

help:
	@echo "make run     a hub on http://127.0.0.1:5000"
	@echo "make test    the tests, in a few minutes (HUBINFO_TEST_DATABASE_URL=postgresql://…: on PostgreSQL too)"
	@echo "make demo    a hub and five parties on loopback: one drops out and comes back (STAY=1 leaves them running)"
	@echo "make check   lint, types, all tests, those with servers, browser and proxies too, coverage"
	@echo "make bench   timings, as ratios"
	@echo "make docs    the table of settings in docs/configure.md"
	@echo "make clean   remove .venv and caches; instance/ stays"

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hubinfo needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	@echo "installing into $(VENV) …"
	@$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed pyproject.toml
	@echo "installing what the tests need …"
	@$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

run: $(VENV)/installed
	@$(BIN)/flask run

test: $(VENV)/installed-dev
	@$(BIN)/pytest -n $(JOBS) $(COVER) -m "not outside"

test-outside: $(VENV)/installed-dev
	@$(BIN)/pytest -n $(JOBS) $(COVER) -m outside

demo: $(VENV)/installed
	@$(BIN)/python -m demo $(if $(STAY),--stay)

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	@$(BIN)/mypy

coverage: $(VENV)/installed-dev
	@$(BIN)/coverage report --fail-under=95

check: lint types
	@$(BIN)/coverage erase
	@$(MAKE) test COVERAGE=1
	@$(MAKE) test-outside coverage COVERAGE=1

bench: $(VENV)/installed-dev
	@for each in bench/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

docs: $(VENV)/installed
	@$(BIN)/python docs/settings.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build *.egg-info
