# `make help` lists what there is. Nothing but Python 3.11+, git and make has to be on the machine.
PY ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
DEMO_HOME ?= $(CURDIR)/.demo
PORT := 3000
export UV_PYTHON_DOWNLOADS = never
# Many containers set it. Without bytecode every process compiles Dagster anew, which takes longer than all else it
# does at its start; demo and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo dev test test-all azurite check fix lock bench bench-sources bench-connectors bench-polls \
	bench-contributions clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# pip would advise root against it, which concerns folders that others use. A variable, not the option of that
# name: a pip that does not know it (before 22.1) takes no notice.
$(UV):
	@PIP_ROOT_USER_ACTION=ignore $(PY) -m pip install -q --disable-pip-version-check --target .tools uv==0.13.9

# Two environments in one folder: `demo` and `dev` need only what runs; tests and checks need the rest as well.
.venv/runtime: requirements.lock pyproject.toml | $(UV)
	@$(UV) venv -q --allow-existing --python $(PY) .venv
	@VIRTUAL_ENV=.venv $(UV) pip install -q --require-hashes -r requirements.lock
	@VIRTUAL_ENV=.venv $(UV) pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements-dev.lock requirements.lock pyproject.toml | $(UV)
	@$(UV) venv -q --allow-existing --python $(PY) .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync -q --require-hashes requirements-dev.lock
	@VIRTUAL_ENV=.venv $(UV) pip install -q --no-deps --no-build-isolation -e .
	@touch $@ .venv/runtime

demo: .venv/runtime ## the main job on real data; DEMO_HOME=<folder> says where
	@$(BIN)/export-pipeline demo --home "$(DEMO_HOME)"

dev: .venv/runtime ## the Dagster UI and daemon on the demo's data; PORT=<number> if 3000 is taken
	@$(BIN)/export-pipeline dev --home "$(DEMO_HOME)" --port "$(PORT)"

# Two at a time, a file to each: most of a test is waiting for a process or a server. Files are taken in order,
# so that the long ones (acceptance, cli) come first and the short ones fill what is left.
test: .venv/dev ## every test but the slow matrices
	@$(BIN)/pytest -m "not slow" -n 3 --dist loadfile --no-loadscope-reorder

test-all: .venv/dev ## every test
	@$(BIN)/pytest

azurite: .venv/dev ## the Azure server of the tests, which the first of them installs otherwise
	@$(BIN)/python -m export_pipeline_tests.servers.azure

check: .venv/dev ## formatter, linter, strict types, import layers, lock file: the definition of clean
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m export_pipeline_tests.lock_is_current

fix: .venv/dev ## let the formatter and linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(UV) ## resolve the dependencies anew; releases younger than a week are not taken
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group build pyproject.toml -o requirements.lock
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group build --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

bench: .venv/dev ## rows per second, CPU seconds, peak memory; prints, never fails on a number
	@$(BIN)/python -m export_pipeline_tests.benchmarks $(ROWS)

bench-sources: .venv/dev ## the same of each database's reader alone
	@$(BIN)/python -m export_pipeline_tests.benchmarks.sources $(ROWS)

bench-connectors: .venv/dev ## CPU per megabyte and peak memory of an upload of 2 GB, of each connector
	@$(BIN)/python -m export_pipeline_tests.benchmarks.connectors $(MEGABYTES)

bench-polls: .venv/dev ## how often a second the API says how far a task is, and how soon
	@$(BIN)/python -m export_pipeline_tests.benchmarks.polls $(POLLS)

bench-contributions: .venv/dev ## 100,000 records contributed in sessions of 250, and their export
	@$(BIN)/python -m export_pipeline_tests.benchmarks.contributions $(RECORDS)

clean: ## remove the environment and the demo's data
	rm -rf .venv .tools .demo export_pipeline_tests/servers/azurite/node_modules
