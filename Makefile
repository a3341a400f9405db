# Everything works from a bare clone: the first target that needs Python packages makes .venv.

PYTHON := .venv/bin/python
BIN := .venv/bin
# Tests have servers of their own: a service that is running keeps its data to itself.
TEST := DATA_DIR=$(CURDIR)/.data/test
ARGS ?=
# Tests run on so many processes, each with servers of its own; 0 for one that can be looked into.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint types contracts migrations pytest windows schema bench chaos fuzz clean

help:  ## Show this
	@grep -hE '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*  ## (.*)/\1\t\2/' | expand -t 14

setup:  ## Make .venv (all other targets do so when needed)
	@scripts/setup

demo: setup  ## Start everything, patch real package roots on this machine, and show it
	@$(PYTHON) -m demo $(ARGS)

run: setup  ## Serve until Ctrl-C; prints the address and the first sign-in
	@$(PYTHON) -m embedded run $(ARGS)

test: lint types contracts migrations pytest  ## Lint, types, import contracts, migrations, tests

lint: setup  ## Style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

# mypy's Django plugin reads settings, which need an environment, but no server.
types: setup
	@$(TEST) $(PYTHON) -m embedded exec --no-servers $(BIN)/mypy .

contracts: setup
	@$(BIN)/lint-imports

migrations: setup
	@$(TEST) $(PYTHON) manage.py makemigrations --check --dry-run

pytest: setup
	@$(TEST) $(PYTHON) -m embedded exec $(PYTHON) -m pytest -p tests.workers -n $(WORKERS) $(ARGS)

windows: setup  ## Test the agent on Windows: on Wine, which root installs where it is missing
	@WITH_WINE=1 $(TEST) $(PYTHON) -m embedded exec $(PYTHON) -m pytest tests/hostagent/test_windows.py tests/journeys/test_windows.py $(ARGS)

schema: setup  ## Write schema/openapi.yaml
	@mkdir -p schema
	@$(TEST) $(PYTHON) manage.py spectacular --validate --file schema/openapi.yaml

bench:  ## Measure, side by side with bare implementations (ARGS=--write for docs/benchmarks.md)
	@scripts/setup requirements-bench.lock .venv-bench
	@.venv-bench/bin/python -m benchmarks $(ARGS)

chaos: setup  ## Kill schedulers over simulated months, then all processes of a service, and count what is lost or doubled
	@$(PYTHON) -m chaos schedulers
	@$(PYTHON) -m chaos processes $(ARGS)

# The property tests come first, which take less: ARGS is for what comes after.
fuzz: setup  ## Draw many more examples, and send the service all that its document allows and forbids
	@scripts/setup requirements-fuzz.lock .venv-fuzz
	@HYPOTHESIS_PROFILE=fuzz $(TEST) $(PYTHON) -m embedded exec $(BIN)/pytest -m hypothesis -q
	@$(PYTHON) -m fuzz $(ARGS)

clean:  ## Remove .venv, all local data and caches
	@rm -rf .venv .venv-fuzz .venv-bench .setup .data .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
