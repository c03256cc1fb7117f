# `make run` starts the whole platform, `make test` checks it. Both need Python 3.11 or later, and nothing else.

PORT_HINT = PNEUMODETECT_PORT=8001 make run
# The first Python that is new enough; PYTHON=/path/to/python names another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PIP = .venv/bin/python -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL = help
.PHONY: help run test lint format messages pictures bench install

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "Another port: $(PORT_HINT)   All settings: docs/configuration.md"

run: .venv/serving ## start web server, worker and Redis; Ctrl-C stops them
	@.venv/bin/python -m pneumodetect.run

test: lint ## every check: format, lint, types, migrations, tests
	@.venv/bin/python manage.py makemigrations --check --dry-run
	@.venv/bin/python manage.py check
	@.venv/bin/python -m pytest -n logical --maxprocesses 2

lint: .venv/everything ## format, lint and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy .

format: .venv/everything ## put the code into shape
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

messages: .venv/everything ## find what is marked for translation, and compile the catalogs of languages
	@.venv/bin/python -m pneumodetect.messages

pictures: .venv/everything ## take the pictures of the documents anew
	@.venv/bin/python -m pytest -q tests/browser/test_documented_pictures.py -k today
	@cp var/screenshots/documents/*.webp docs/pictures/

bench: .venv/everything ## measure it on this machine
	@.venv/bin/python -m bench.run

install: .venv/everything ## what training and tests need as well, TensorFlow included

.venv/bin/pip:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "PneumoDetect needs Python 3.11 or later, and finds none; install one as python3." >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv >/dev/null || { \
		echo "$(PYTHON) cannot make a virtual environment; install its venv module (on Debian: python3-venv)." >&2; exit 1; }

.venv/serving: diagnosis/requirements.txt | .venv/bin/pip
	@echo "Installing what serving needs into .venv ..."
	@$(PIP) -r diagnosis/requirements.txt
	@touch $@

# imgaug asks for opencv-python, whose cv2 needs libGL and libxcb from the system. The headless build needs neither
# and writes the same folder, so it must come last, over the other one.
.venv/everything: requirements.txt diagnosis/requirements.txt training/requirements.txt tests/requirements.txt | .venv/bin/pip
	@echo "Installing what training and tests need into .venv, TensorFlow among it; this takes a while ..."
	@$(PIP) -r requirements.txt -r tests/requirements.txt
	@$(PIP) --force-reinstall --no-deps $$(grep '^opencv-python-headless==' training/requirements.txt)
	@touch .venv/serving $@
