# Two commands: `make run` and `make test`. Everything they need is made or installed by them.
.DEFAULT_GOAL := run
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRONTEND := web/frontend
STAMPS := .make
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# variables of an outer Python or of the hub must not leak into tests
PYTEST := $(BIN)/python -m pytest -q

.PHONY: run demo check test test-static test-unit test-service test-browser test-long bench bench-room bench-webrtc build lint fmt types clean setup setup-test setup-long setup-bench

run: setup build
	@exec $(BIN)/venuecast serve

demo: setup build
	@exec $(BIN)/venuecast demo

check: setup
	@$(BIN)/venuecast check

# --- set-up ---

setup: $(STAMPS)/debian $(STAMPS)/venv
setup-test: $(STAMPS)/debian-test $(STAMPS)/venv-dev $(STAMPS)/chromium69
setup-long: setup-test $(STAMPS)/debian-long
setup-bench: $(STAMPS)/debian-bench $(STAMPS)/venv-dev $(STAMPS)/peers

$(STAMPS):
	@mkdir -p $@

$(STAMPS)/debian: deploy/debian-packages.sh | $(STAMPS)
	@deploy/debian-packages.sh run
	@touch $@

$(STAMPS)/debian-test: deploy/debian-packages.sh | $(STAMPS)
	@deploy/debian-packages.sh run test
	@touch $@

$(STAMPS)/debian-long: deploy/debian-packages.sh | $(STAMPS)
	@deploy/debian-packages.sh run test long
	@touch $@

$(STAMPS)/debian-bench: deploy/debian-packages.sh | $(STAMPS)
	@deploy/debian-packages.sh run test bench
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/venv: requirements.txt pyproject.toml | $(STAMPS) $(BIN)/python
	@test -f $(STAMPS)/venv-dev || $(BIN)/python -m pip install --quiet -r requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . 2>/dev/null || $(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

$(STAMPS)/venv-dev: requirements-dev.txt pyproject.toml | $(STAMPS) $(BIN)/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

$(STAMPS)/npm: $(FRONTEND)/package-lock.json | $(STAMPS)
	cd $(FRONTEND) && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

$(STAMPS)/peers: bench/peers/package-lock.json | $(STAMPS)
	cd bench/peers && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

$(STAMPS)/chromium69: tests/e2e/chromium69/package-lock.json | $(STAMPS)
	cd tests/e2e/chromium69 && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

FRONTEND_SOURCES := $(shell find $(FRONTEND)/src $(FRONTEND)/*.html $(FRONTEND)/vite.config.ts -type f 2>/dev/null)

build: $(STAMPS)/frontend
$(STAMPS)/frontend: $(STAMPS)/npm $(FRONTEND_SOURCES)
	cd $(FRONTEND) && npm run build --silent
	@touch $@

# --- checks ---

lint: setup-test $(STAMPS)/npm
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd $(FRONTEND) && npm run check --silent

fmt: setup-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup-test build lint
	$(PYTEST) -n 2 --dist loadfile -m "not long"

test-unit: setup-test
	$(PYTEST) -n 2 --dist loadfile -m "not long and not service and not browser"

test-service: setup-test
	$(PYTEST) -n 2 --dist loadfile -m "service and not long"

test-browser: setup-test build
	$(PYTEST) -n 2 --dist loadfile -m "browser and not long"

test-long: setup-long build
	$(PYTEST) -m long

bench: setup-bench build
	$(BIN)/python -m bench --markdown docs/performance-run.md --json build/bench.json

bench-room: setup-bench
	$(BIN)/python -m bench.room --markdown docs/bench-room-run.md --json build/bench-room.json

bench-webrtc: setup-bench
	$(BIN)/python -m bench.webrtc --markdown docs/bench-webrtc-run.md --json build/bench-webrtc.json

types: setup-test $(STAMPS)/npm
	$(BIN)/python -m tests.support.openapi build/openapi.json
	cd $(FRONTEND) && npx openapi-typescript ../../build/openapi.json -o src/shared/api/types.ts

clean:
	rm -rf $(STAMPS) $(VENV) $(FRONTEND)/node_modules $(FRONTEND)/dist build
