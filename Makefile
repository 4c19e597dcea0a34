# Everything runs from here; `make` alone lists it. The first call sets up .venv and node_modules.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help setup demo stack chaos test lint infra-check fix lock clean

VENV := .venv
PY := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready node_modules/.ready  ## Install Python packages into .venv and Azurite into node_modules

$(VENV)/.ready: requirements-dev.txt .python-version
	@python=""
	for candidate in "$${PYTHON:-}" python3.13 python3 python; do
	  if [ -n "$$candidate" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then python=$$candidate; break; fi
	done
	if [ -z "$$python" ]; then
	  echo "Python 3.13 was not found. Install it (pyenv install 3.13, or your system's package), or name it: make PYTHON=/path/to/python3.13" >&2
	  exit 1
	fi
	echo "Setting up $(VENV) with $$($$python --version) ..."
	"$$python" -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@

node_modules/.ready: package-lock.json
	@if ! command -v npm >/dev/null; then
	  echo "npm was not found. Azurite, the storage emulator, runs on Node: install Node.js 20 or later, with npm." >&2
	  exit 1
	fi
	echo "Setting up Azurite ..."
	npm ci --loglevel=error
	touch $@

demo: setup  ## Show an image travel dev -> staging -> prod and back, on this machine, in under a minute
	@$(PY) -m localhost.demo

stack: setup  ## The same stack, kept up until Ctrl-C; RELOAD=1 takes up changes and shows the app's log
	@$(PY) -m localhost.stack $(if $(RELOAD),--reload) $(ARGS)

.PHONY: docs
docs: setup  ## Write docs/cli.md's reference and recorded session anew, by running them
	@$(PY) -m localhost.docs

.PHONY: debian-packages
debian-packages:
	@missing=""
	for program in skopeo docker-registry jq shellcheck chromium; do
	  command -v $$program >/dev/null || missing="$$missing $$program"
	done
	if [ -n "$$missing" ]; then
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then
	    echo "Installing$$missing ..."
	    apt-get update -qq
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
	    # Debian starts docker-registry on port 5000 when it installs it; the tests start their own.
	    if [ -d /run/systemd/system ]; then systemctl disable --quiet --now docker-registry || true; fi
	  else
	    echo "Not found:$$missing. The tests that need them will fail. Install them: sudo apt-get install$$missing" >&2
	  fi
	fi

chaos: setup  ## 300 images on a stack under blows; SEED=n repeats a run
	@$(PY) -m localhost.chaos $(if $(SEED),--seed $(SEED)) $(ARGS)

test: setup debian-packages  ## Run every test
	@$(PY) -m pytest $(ARGS)

.PHONY: docs-emulator bench-emulator
docs: docs-emulator
docs-emulator: setup debian-packages  ## Write the sessions in docs/emulator.md anew, by running them
	@$(PY) -m localhost.emulator_docs

bench-emulator: setup debian-packages  ## Measure the emulator against docker-registry and skopeo; write docs/emulator.md
	@$(PY) -m benchmarks.emulator --page docs/emulator.md

.PHONY: conformance
conformance: setup  ## Run the tests of the OCI distribution specification; write the counts into docs/emulator.md
	@$(PY) -m pytest -q -m spec -p tests.integration.emulator.conformance --conformance docs/emulator.md \
	  tests/integration/emulator

.venv-az/.ready: tests/az/requirements.txt .python-version | setup
	@echo "Setting up .venv-az, with az from PyPI ..."
	$(PY) -m venv --clear .venv-az
	$(PY) -m uv pip install --quiet --python .venv-az/bin/python --require-hashes -r tests/az/requirements.txt
	touch $@

.PHONY: test-az
test-az: setup .venv-az/.ready  ## Drive the emulator with the real az, which is set up for it (700 MB)
	@$(PY) -m pytest -m slow tests/az $(ARGS)

.PHONY: az-if-possible bench bench-compare soak docs-performance
az-if-possible: setup
	@$(MAKE) -s --no-print-directory .venv-az/.ready || echo "az could not be set up: there will be no comparison with it." >&2

bench: setup debian-packages az-if-possible  ## Measure, print a table, write benchmarks/results.json; about six minutes
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m benchmarks $(ARGS)

bench-compare: setup  ## The last results beside the committed ones
	@$(PY) -m benchmarks --compare $(ARGS)

soak: setup  ## Half an hour of promotions with faults; draws docs/soak.svg
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m benchmarks.soak $(ARGS)

docs: docs-performance
docs-performance: setup  ## Write the tables in docs/performance.md anew, of the results that there are
	@$(PY) -m benchmarks --page

lint: setup  ## Style, types, import contracts
	@$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo

.venv-infra/.ready: infra/requirements.txt .python-version | setup
	@echo "Setting up .venv-infra ..."
	$(PY) -m venv --clear .venv-infra
	$(PY) -m uv pip install --quiet --python .venv-infra/bin/python --require-hashes -r infra/requirements.txt
	touch $@

infra-check: setup debian-packages .venv-infra/.ready  ## Bicep files and pipelines, without Azure; TYPES=bicep-types-az checks each property
	@$(PY) -m infra.check --checkov .venv-infra/bin/checkov $(if $(TYPES),--types $(TYPES))
	schema() { .venv-infra/bin/check-jsonschema --quiet --builtin-schema "vendor.$$@"; }
	schema github-workflows pipelines/github/*.yml
	schema github-actions pipelines/github/*/action.yml
	schema azure-pipelines --regex-variant nonunicode pipelines/azure-devops/*.yml
	shellcheck --external-sources --source-path=SCRIPTDIR pipelines/scripts/*.sh infra/*.sh infra/entra/*.sh
	echo "pipelines: in order"

fix: setup  ## Mend what the linter can mend
	@$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: schema
schema: setup  ## Write the JSON Schemas of the files that people write
	@$(PY) -m promoter.simulation.schemas

lock: setup  ## Lock pyproject.toml's dependencies anew
	@lock="$(PY) -m uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.13"
	$$lock $(ARGS) --group app -o requirements.txt
	$$lock $(ARGS) pyproject.toml --group app --group dev -c requirements.txt -o requirements-dev.txt
	$$lock $(ARGS) tests/az/requirements.in -o tests/az/requirements.txt
	$$lock $(ARGS) infra/requirements.in -o infra/requirements.txt

clean:  ## Remove what was set up and what ran
	@rm -rf $(VENV) .venv-az .venv-infra node_modules .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
