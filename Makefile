# make run    set up and open the app          make test   set up and run the tests
# make quick  what to run at every save        make check  everything CI runs
# also: docs, browser, bench, train, folders, format. ARGS= goes to pytest: make quick ARGS="-k undo"

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# What is installed is what requirements.txt pins: the versions the tests ran with.
LOCK := requirements.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK)
DATA ?= data
RUN ?= runs/scene_mobilenet_v2
# A worker a core (tests/conftest.py); the tests of one file share a worker, and with it their
# costly fixtures.
PARALLEL ?= -n auto --dist loadfile --no-loadscope-reorder
CONFIG ?= training/configs/scene_mobilenet_v2.toml
# pytest keeps the test modules that it has rewritten: each worker would rewrite all of them again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test quick quick-types quick-tests check check-code check-tests docs browser bench train folders format clean

run: $(VENV)/.serving
	$(BIN)/scene-gallery

# The browser tests import Playwright, which only `make check` installs.
test: $(VENV)/.testing
	$(BIN)/python -m pytest $(PARALLEL) -m "not tools" --ignore=tests/browser $(ARGS)

# Types and tests at the same time; mypy caches what did not change.
quick: $(VENV)/.testing
	$(BIN)/python -m ruff format --check --quiet .
	$(BIN)/python -m ruff check --quiet .
	$(MAKE) --jobs=2 --no-print-directory quick-types quick-tests

quick-types:
	$(BIN)/python -m mypy --num-workers auto

quick-tests:
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not tools and not slow" --ignore=tests/browser $(ARGS)

browser: $(VENV)/.everything
	$(BIN)/python -m pytest $(PARALLEL) tests/browser $(ARGS)

check: $(VENV)/.everything
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(MAKE) --jobs=2 --no-print-directory check-code check-tests

# Beside the tests, which wait for browsers and disks much of their time. It ends long before them.
check-code:
	$(BIN)/python -m mypy --num-workers auto
	$(BIN)/lint-imports
	node --test tests/javascript/*.test.mjs
	$(BIN)/python -m zensical build --clean --strict

check-tests:
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

docs: $(VENV)/.docs
	$(BIN)/python -m zensical build --clean --strict

bench: $(VENV)/.testing
	$(BIN)/python -m benchmarks.classify_large

# The photos that train the shipped bundle are not in the repository: DATA says where they are.
train: $(VENV)/.testing
	$(BIN)/python -m training fit --config $(CONFIG) --data $(DATA) --out $(RUN)
	$(BIN)/python -m training publish --config $(CONFIG) --data $(DATA) --out $(RUN)

# A model of your own: make folders DATA=DIR, where every folder of DIR is a class.
folders: $(VENV)/.testing
	$(BIN)/python -m training fit --config training/configs/my_folders.toml --data "$(DATA)"

format: $(VENV)/.everything
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

clean:
	$(PYTHON) -c "import shutil; shutil.rmtree('$(VENV)', ignore_errors=True)"

$(VENV)/.created:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; name it: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/.serving: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) -e .
	$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/.testing: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) -e ".[train,dev,encryption,cloud]"
	$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/.everything: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) -e ".[train,dev,browser,docs,auth,encryption,ray]"
	$(BIN)/python -c "open('$@', 'w').close()"

$(VENV)/.docs: pyproject.toml $(LOCK) | $(VENV)/.created
	$(PIP) -e ".[docs]"
	$(BIN)/python -c "open('$@', 'w').close()"
