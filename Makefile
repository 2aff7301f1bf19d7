# Everything runs in .venv, which the first command makes: there is nothing to prepare.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
# torch by itself first: its exact pin picks a build that exists for this machine before anything else asks for it.
# Bytecode is compiled at first use: most of what Jupyter and torch bring is never imported here. So it must be kept, which
# images of containers like to forbid: without it each process compiles torch anew, for as long again as it takes to load.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lab lint lint-js check docs lite bench mutants format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.installed ## separate the bundled song: stems, levels, files, what to open next
	@$(BIN)/musiclab demo --out out

test: $(VENV)/.developing ## every test: units, notebooks, a minute of the fuzzer, and (where Chromium is) the browser
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder \
		--benchmark-disable --seconds 60 tests notebooks

lab: $(VENV)/.installed ## JupyterLab, open on the first notebook, in copies of your own
	@$(BIN)/musiclab lab

lint: $(VENV)/.developing ## lint, format, spelling, types, and the floors of the house
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/codespell
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo | grep --quiet ' 0 broken' || { $(BIN)/lint-imports --no-logo; exit 1; }
	@$(BIN)/python scripts/measures.py
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-js; \
		else echo "There is no Node.js (npm) here: JavaScript is not linted."; fi

lint-js: node_modules/.installed
	@node_modules/.bin/eslint eslint.config.mjs musiclab docs tests/browser

check: lint ## lint and the quick tests, in a few minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quiet --numprocesses $(JOBS) \
		-m "not slow and not browser and not real and not notebook" tests/unit

docs: $(VENV)/.developing ## the documentation as pages that need no network: build/docs/index.html
	@$(BIN)/python docs/build.py

lite: $(VENV)/.developing ## a site for classrooms without a server, in build/lite: make lite PYODIDE=folder-or-address of a full Pyodide
	@test -n "$(PYODIDE)" || { echo "Name a full Pyodide distribution: make lite PYODIDE=folder-or-address"; exit 1; }
	@$(BIN)/python scripts/lite.py --pyodide "$(PYODIDE)"

bench: $(VENV)/.developing ## how long everything takes that a user waits for
	@for script in tests/benchmarks/bench_*.py; do echo "$$script"; \
		if grep --quiet __main__ $$script; then $(BIN)/python $$script; \
		else $(BIN)/python -m pytest --quiet --capture=no $$script; fi || exit 1; done

mutants: $(VENV)/.developing ## small random bugs, and how many of them the tests notice: an hour or more for 200; it goes on where it was stopped
	@$(INSTALL) --editable ".[mutants]"
	@$(BIN)/python scripts/mutants.py --jobs $(JOBS) $(if $(NUMBER),--number $(NUMBER)) $(if $(SEED),--seed $(SEED))

format: $(VENV)/.developing ## put the code into the house's shape, and empty the notebooks' outputs
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .
	@$(BIN)/nbstripout notebooks/*.ipynb

release-check: $(VENV)/.developing ## build wheel and sdist, look into both, use the wheel away from here
	@$(BIN)/python scripts/release_check.py

lock: $(VENV)/.developing ## write the tested versions into constraints.txt
	@$(BIN)/python scripts/lock.py

clean: ## remove the environment and everything that was made
	@rm -rf $(VENV) node_modules build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "musiclab needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "This Python can't make virtual environments: on Debian, apt install python3-venv."; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing musiclab into $(VENV): a few minutes, once."
	@$(INSTALL) torch
	@$(INSTALL) --editable .
	@touch $@

node_modules/.installed: package.json
	@npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@

$(VENV)/.developing: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing musiclab with all that its tests need into $(VENV): a few minutes, once."
	@$(INSTALL) torch
	@$(INSTALL) --editable ".[dev]"
	@touch $(VENV)/.installed $@
