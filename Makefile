# laba: everything a person types. `make demo` and `make test` set up what they need by themselves.

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
CLIENTS := tests/clients/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help install demo serve test browser check fix cover bench bench-million bench-push bench-tags bench-devices compliance docs clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

install: .venv/installed  ## Create .venv with everything laba needs (Python 3.11 or newer)

.venv/installed: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "laba needs Python 3.11 or newer; name one with: make install PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv ..."; $(PYTHON) -m venv .venv; }
	@echo "Installing the locked packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv sync --frozen --inexact --quiet --compile-bytecode
	@touch $@

$(CLIENTS): tests/clients/package-lock.json
	@command -v npm >/dev/null || { echo "The tests run the official JavaScript clients: install Node.js 20 with npm."; exit 1; }
	@echo "Installing the official JavaScript clients for the tests ..."
	@npm ci --prefix tests/clients --no-audit --no-fund --loglevel=error
	@touch $@

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { echo "The tests run a browser: install Chromium, for instance with apt-get install chromium."; exit 1; }

demo: install  ## Start a server with 1,000 real clients, broadcast to them, and stay up
	@$(BIN)/laba demo

serve: install  ## Serve on port 8080 with the data in laba-data
	@$(BIN)/laba serve

test: check $(CLIENTS) browser  ## Check, then run every test, file by file on every core
	@$(BIN)/python -m compileall -q src tests  # the tests start hundreds of processes, each of which would compile them
	@$(BIN)/pytest --numprocesses auto --dist loadfile

check: install  ## Lint, types and floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache 2>&1 | tail -n +2

fix: install  ## Mend what the linter can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

cover: install $(CLIENTS) browser  ## Run the tests and show what they do not reach
	@$(BIN)/coverage run -m pytest && $(BIN)/coverage report --skip-covered

# To put new plots beside the figures: make bench PLOTS=docs/performance
PLOTS := bench/out

bench: .venv/benching  ## Measure laba beside a bare C loop and others, and draw it (needs a C compiler; six minutes)
	@$(BIN)/python bench/run.py --plots $(PLOTS)

bench-million: .venv/benching  ## Measure logins and growth with a million users, and draw it (a minute)
	@$(BIN)/python bench/million.py --plots $(PLOTS)

bench-push: .venv/benching  ## Measure pushes to 200,000 of a million users, and a kill in one (a C compiler; two minutes)
	@$(BIN)/python bench/pushing.py --plots $(PLOTS)

bench-tags: .venv/benching  ## Measure broadcasts to members chosen by their tags (a C compiler; a minute)
	@$(BIN)/python bench/tags.py

bench-devices: .venv/benching  ## Measure pushes to 200,000 devices by a fake APNs, and two kills in one (three minutes)
	@$(BIN)/python bench/devices.py

.venv/benching: .venv/installed
	@echo "Installing what draws the plots ..."
	@$(BIN)/uv sync --frozen --inexact --quiet --group bench
	@touch $@

compliance: install  ## Run the Autobahn WebSocket cases against laba's framing (half a minute)
	@$(BIN)/python compliance/autobahn/run.py

clean:  ## Remove what can be made again
	rm -rf .venv tests/clients/node_modules bench/out compliance/work .mypy_cache .ruff_cache .pytest_cache .hypothesis

docs: install  ## Write docs/reference from the code
	@$(BIN)/python docs/generate.py
