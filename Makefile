# Needs only Python 3.11 to 3.13 with venv, on Linux x86_64. Everything else comes from requirements.lock, by hash, into .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PATIENTS ?= 200
SEED ?= 7
WORKERS ?= 3
READY := $(VENV)/.ready
PACKAGES := telemetry_platform telemetry_platform_tests bench dashboards

# A program of Debian's, with the package that brings it: installed where that is possible, else it is said what is missing.
debian = { command -v $(1) >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; } || \
  { echo "$(1) is missing: install the package $(2)"; exit 1; }; }

.PHONY: help install demo up down doctor test lint types imports unit engines browser alerts screenshots bench docs snapshots lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(READY) ## the environment in .venv, from the lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, this is {v[0]}.{v[1]}: try  make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: on Debian and Ubuntu, install the package python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) (about two minutes, once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## a simulated day through the whole platform, with a reconciliation (PATIENTS=200 SEED=7)
	@$(BIN)/telemetry demo --patients $(PATIENTS) --seed $(SEED)

up: $(READY) ## start the platform and keep it running
	@$(BIN)/telemetry up

down: $(READY) ## stop it
	@$(BIN)/telemetry down

doctor: $(READY) ## each part, its state, and what to do when it is broken
	@$(BIN)/telemetry doctor

test: lint types imports unit engines ## everything that must be green

lint: $(READY) ## ruff: all rules, and the format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	@$(BIN)/mypy $(PACKAGES)

imports: $(READY) ## the direction of imports
	@$(BIN)/lint-imports

unit: $(READY) ## contracts and processing: no services, seconds
	@$(BIN)/pytest -q telemetry_platform_tests/contracts telemetry_platform_tests/processing

engines: $(READY) ## tests on the real engines; each process of WORKERS has engines of its own
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --ignore telemetry_platform_tests/contracts --ignore telemetry_platform_tests/processing --ignore telemetry_platform_tests/browser

browser: $(READY) ## the browser client in a real browser, playing a real video (as root it installs Chromium and ffmpeg)
	@$(call debian,chromium,chromium) && $(call debian,ffmpeg,ffmpeg)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-browser.lock
	@$(BIN)/pytest -q telemetry_platform_tests/browser

alerts: ## alert rules and their own tests, read by Prometheus itself (as root it installs promtool)
	@$(call debian,promtool,prometheus)
	@promtool check rules dashboards/prometheus/*.rules.yml && promtool test rules dashboards/prometheus/tests/*.yml

screenshots: $(READY) ## write docs/images/ anew from the platform that is running (`make up`, `telemetry simulate`)
	@$(call debian,chromium,chromium)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-browser.lock
	@$(BIN)/python docs/take_screenshots.py

bench: $(READY) ## figures with their floors, one JSON object a line
	@$(BIN)/python -m bench

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/telemetry docs
	@$(BIN)/python -m dashboards.build

snapshots: $(READY) ## accept the asset graph as it is now
	@$(BIN)/pytest -q --disable-warnings telemetry_platform_tests/defs/test_definitions.py -k asset_graph_is_as_it_was --snapshot-update

lock: ## resolve requirements.lock anew from pyproject.toml (needs `uv` on the path)
	@rm -f requirements.lock
	@uv pip compile pyproject.toml --extra embedded --extra dev --universal --python-version 3.11 --no-strip-extras \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock
	@# One platform: the markers that say so on every line would hide the few that matter.
	@uv pip compile --group browser --universal --python-version 3.11 --no-strip-extras --constraint requirements.lock \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-browser.lock
	@sed -i -E "s/ and (implementation_name == 'cpython'|platform_machine == 'x86_64'|platform_python_implementation != 'PyPy'|sys_platform == 'linux')//g; s/ ; (implementation_name == 'cpython'|platform_python_implementation != 'PyPy')//" requirements.lock requirements-browser.lock

clean: ## stop everything, remove state and environment
	@if [ -x $(BIN)/telemetry ]; then $(BIN)/telemetry clean; fi
	@rm -rf $(VENV) .telemetry build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
