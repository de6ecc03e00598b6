# The entry points. `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
SOURCES := server sidecar dashboards loadtests tests

.DEFAULT_GOAL := help
.PHONY: help install servers run test test-long compatibility bench bench-quick bench-relay strategies check format requirements docs dashboards pictures secrets clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: .venv/.installed ## Make .venv with everything from the pinned files; does nothing when nothing changed

.venv/.installed: requirements/all.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Outrigger needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	    || { rm -rf .venv; echo "Could not make .venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --compile-bytecode --require-hashes requirements/all.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q server sidecar dashboards loadtests
	@touch $@

servers: ## Install the Redis, PostgreSQL, Prometheus, Alertmanager, nginx, kubectl, Node.js and Chromium that the tests start; does nothing when they are there
	@sh tests/harness/install_servers.sh

run: install ## Start server and sidecar with the example graph; Ctrl-C stops both
	@$(BIN)/outrigger up --config server/langgraph.json

test: install servers ## Run all tests but the long ones
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not long" tests

test-long: install servers ## Run the tests that take minutes
	@$(BIN)/python -m pytest -q -m long tests

compatibility: install ## Compare every endpoint with the official server's and write docs/compatibility.md
	@WRITE_COMPATIBILITY=1 $(BIN)/python -m pytest -q tests/end_to_end/differential
	@$(BIN)/python docs/generate.py

bench: install servers ## Compare with the official server and LangGraph's limits, then their capacity; 14 minutes, writes docs
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.engine --output .bench/engine.json
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.capacity servers --output .bench/capacity.json
	@cp .bench/engine.json docs/performance.json
	@cp .bench/capacity.json docs/capacity.json
	@$(BIN)/python docs/generate.py

bench-quick: install servers ## The same in a minute, to see that it works: prints, writes nothing into docs
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.engine --quick --output .bench/quick.json

bench-relay: install ## Run operations a second that one core of the trace relay takes in; half a minute
	@$(BIN)/python -m benchmarks.relay

strategies: install servers ## Measure what each strategy costs; half an hour, writes docs/strategies.md
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.capacity strategies --output .bench/strategies.json
	@cp .bench/strategies.json docs/strategies.json
	@$(BIN)/python docs/generate.py

check: install ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "Run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m outrigger_dashboards.cli check

format: install ## Format and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix $(SOURCES) || true
	@$(BIN)/ruff format --quiet $(SOURCES)

dashboards: install ## Write boards, rules, alerts and the facts in the runbooks anew
	@$(BIN)/python -m outrigger_dashboards.cli build
	@$(BIN)/python -m outrigger_dashboards.cli lint

pictures: install servers ## Draw the previews of the boards from a busy system; 5 minutes, needs npm and Chromium
	@PYTHONPATH=tests $(BIN)/python -W ignore -m harness.picture_session

docs: install ## Write the generated parts of the documents anew
	@$(BIN)/python docs/generate.py

secrets: ## Make the passwords and the API key of docker-compose.yml in deploy/secrets; keeps those that are there
	@sh deploy/secrets.sh

requirements: install ## Pin the newest allowed dependencies anew
	@sh requirements/compile.sh

clean: ## Remove what can be made again; keeps .outrigger (your data)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench .official .javascript
