# Every command sets up what it needs first: uv in .tools, the locked environment in .venv. No activation needed.
#
#   make demo      the platform with the 500-lead demonstration, until Ctrl-C    ONCE=1: no server, exits    LLM=stub: with a stand-in for a language model
#   make up        the platform with the Dagster UI, until Ctrl-C
#   make test      all tests but the soak tests      make coverage   how much of the package they run: at least 90 %
#   make check     format, lint, types, import rules, dependencies, lock, security
#   make bench-check   has a step of the chain become slower than it was recorded to be?
#   make bench     the benchmarks      make soak   the tests that take longer
#   make format    write the format    make lock   resolve the dependencies again (UPGRADE=1: to the newest)
#   make evaluate-names   how right the name classifier is      make name-model   builds its model and weights anew
#   make image     the container image, where there is Docker: docs/deployment.md    make scan   known vulnerabilities of the locked packages
#   make setup     only the environment    make clean   removes .tools, .venv and caches, never data
#
# PYTHON=python3.12 make test   takes another Python (3.11 to 3.13); .venv is made again when the version changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first that exists and is supported, so that a newer python3 does no harm beside an older one.
PYTHON ?= python3
CANDIDATES := $(PYTHON) $(if $(filter python3,$(PYTHON)),python3.13 python3.12 python3.11)
ASK := import sys; print("%d.%d" % sys.version_info[:2]) if (3, 11) <= sys.version_info[:2] <= (3, 13) else sys.exit(1)
# "PYTHON VERSION", or nothing.
FOUND := $(shell for p in $(CANDIDATES); do v=$$($$p -c '$(ASK)' 2>/dev/null) && echo "$$p $$v" && break; done)
VERSION := $(word 2,$(FOUND))
NEEDS_PYTHON = $(if $(FOUND),,$(error LeadScout needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is none of them. \
	Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)))

UV := .tools/bin/uv
BIN := .venv/bin
READY := .venv/.ready-$(VERSION)

# Nothing asks, nothing is fetched but what the lock names, and the first start finds compiled modules.
export UV_NO_PROGRESS := 1
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
export UV_HTTP_TIMEOUT := 180
export PIP_NO_INPUT := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Another activated environment must not be written to.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH

.PHONY: help setup demo up test coverage soak check scan bench bench-check format lock clean evaluate-names name-model image \
	check-format check-lint check-types check-imports check-dependencies check-lock check-security

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

demo: $(READY)
	$(BIN)/leadscout demo $(if $(filter 1 true yes,$(ONCE)),--once) $(if $(LLM),--llm $(LLM))

up: $(READY)
	$(BIN)/leadscout up

# A file's tests stay on one worker, and so do all that start a platform (tests/conftest.py): two at once starve each other.
# Each worker would write every assertion anew to explain it if it fails: the few that do fail are run again for that, and
# tests/second_go.py says which of them may pass then.
# Where Python may not write bytecode, each of hundreds of processes would compile what was edited since the set-up.
test: $(READY)
	@$(BIN)/python -m compileall -q leadscout_assets tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --assert plain $(TESTS) || \
		$(BIN)/python -m pytest --last-failed --last-failed-no-failures none -p tests.second_go $(TESTS)

# Where an error loses or doubles data, or keeps a person's against their will.
CRITICAL := leads/* names/* identity/* forgetting/* governance/* recovery/* reports/* defs/* database/*.py \
	pipeline.py scoring.py contract_check.py arrivals.py tables.py table_files.py lead_tables.py known_leads.py undoing.py kept_steps.py
comma := ,
space := $(subst ,, )

# Apart from `make test`, because tracing makes Python a third slower. Other processes are not traced: their tests are left out.
coverage: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak and not processes" --cov --cov-report term:skip-covered $(TESTS)
	@echo "Of these, where an error loses or doubles data, or keeps a person's against their will: at least 95 %."
	$(BIN)/python -m coverage report --fail-under 95 --include "$(subst $(space),$(comma),$(CRITICAL:%=leadscout_assets/%))"

soak: $(READY)
	$(BIN)/python -m pytest -m soak --timeout 3600 $(TESTS)

bench: $(READY)
	$(BIN)/python -m benchmarks

# In a minute and in one process; `make bench` takes forty and measures what is promised.
bench-check: $(READY)
	$(BIN)/python -m benchmarks.check

evaluate-names: $(READY)
	$(BIN)/python -m leadscout_assets.names.evaluation tests/names/cases.csv --card docs/model-card.md

# After any change to the lexicon, the weights or the thresholds; commit what it writes.
name-model: $(READY)
	$(BIN)/python -m leadscout_assets.names.building tests/names/cases.csv

# `make -k check` shows what every tool has to say instead of stopping at the first.
check: check-format check-lint check-types check-imports check-dependencies check-lock check-security

check-format: $(READY)
	$(BIN)/ruff format --check .

check-lint: $(READY)
	$(BIN)/ruff check .

check-types: $(READY)
	$(BIN)/mypy

check-imports: $(READY)
	$(BIN)/lint-imports --no-cache

check-dependencies: $(READY)
	$(BIN)/deptry .

# Compares the lock with pyproject.toml instead of resolving again, so that it works without a network.
check-lock: $(READY)
	$(BIN)/python -m pytest -q --no-header -m "" -k lock tests/test_project.py

check-security: $(READY)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive leadscout_assets

# Needs the advisories of the package index, which not every mirror offers: --strict fails where they cannot be had.
scan: $(UV)
	$(UV) tool run pip-audit==2.10.1 --requirement requirements.lock --require-hashes --disable-pip --strict

image: RELEASE = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image:
	docker build --file docker/Dockerfile --tag leadscout:$(RELEASE) \
		$(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) .

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

# One lock for every platform and supported Python; hashes and versions only, no address of any index.
lock: $(UV)
	$(UV) pip compile pyproject.toml --universal --generate-hashes --all-extras --python-version 3.11 \
		$(if $(UPGRADE),--upgrade) --quiet --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock

clean:
	rm -rf .tools .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks htmlcov
	rm -f .coverage .coverage.*

# --- set-up ---------------------------------------------------------------------------------------------------------

$(UV):
	@$(NEEDS_PYTHON):
	@echo "Setting up uv in .tools ..."
	@mkdir -p .tools/bin; \
	if $(word 1,$(FOUND)) -m pip --version >/dev/null 2>&1; then \
		$(word 1,$(FOUND)) -m pip install --quiet --upgrade --target .tools 'uv>=0.9,<1'; \
	elif $(word 1,$(FOUND)) -m venv --clear .tools/bootstrap >/dev/null 2>&1; then \
		.tools/bootstrap/bin/python -m pip install --quiet 'uv>=0.9,<1' && ln -sf ../bootstrap/bin/uv $(UV); \
	elif command -v uv >/dev/null 2>&1; then \
		ln -sf "$$(command -v uv)" $(UV); \
	else \
		echo "$(word 1,$(FOUND)) has neither pip nor venv. Install one of them (Debian, Ubuntu: apt-get install python3-venv)" >&2; \
		exit 1; \
	fi
	@$(UV) --version >/dev/null

# Only the stamp says that the environment is complete: an interrupted set-up starts again.
# `pip sync` also removes what the lock no longer names.
$(READY): requirements.lock pyproject.toml | $(UV)
	@$(NEEDS_PYTHON):
	@echo "Setting up the environment for Python $(VERSION) in .venv ..."
	@rm -f .venv/.ready-*
	@test "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(VERSION)" \
		|| $(UV) venv --quiet --clear --python "$$($(word 1,$(FOUND)) -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q leadscout_assets
	@touch $@
