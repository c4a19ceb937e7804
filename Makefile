# The commands of the house. Each sets up what it needs, in .venv, and does so again only when a lock has changed.
#   make demo [PORT=8080] [DATA=demo-data]    make test [ARGS='-k outbox']    make check    make bench    make lock

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test bench check lint format types imports house docs lock clean

PORT ?= 8080
DATA ?= demo-data
ARGS ?=
PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3))
UV := uv==0.13.9

# Stamps are named after the content of what they were made from, so a touched file does not install anything again.
content = $(shell cat $(1) | sha256sum | cut --characters=-16)
BIN := .venv/bin
PACKAGES := .venv/made/packages-$(call content,requirements.lock requirements-build.lock requirements-node.lock)
INSTALLED := .venv/made/installed-$(call content,pyproject.toml hatch_build.py package.json package-lock.json)
VENDORED := contactbot/web/static/vendor/versions.json
DEV := .venv/made/dev-$(call content,requirements-dev.lock)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet --no-input
# Python compiles what is imported when it first is; compiling everything would double the time to the first page.
FETCH := $(PIP) install --require-hashes --only-binary :all: --no-compile

help:
	@sed --quiet 's/^#   //p' $(MAKEFILE_LIST)

demo: $(INSTALLED) $(VENDORED)
	@exec $(BIN)/contactbot demo --port $(PORT) --data $(DATA)

# What the tests talk to: an XMPP server, a mail relay, a mailbox server, their clients, a verifier of DKIM, a browser.
REAL_PARTS := prosody lua-dbi-sqlite3 lua-unbound go-sendxmpp postfix swaks libnet-ssleay-perl dovecot-imapd python3-dkim \
	chromium
test: $(INSTALLED) $(VENDORED) $(DEV)
	@.ci/debian-packages $(REAL_PARTS)
	@$(BIN)/pytest $(ARGS)

BENCHES ?= $(filter $(basename $(notdir $(wildcard bench/*.py))),matching store channels large_mail idle_chats start)
bench: $(INSTALLED) $(VENDORED) $(DEV)
	@for one in $(BENCHES); do $(BIN)/python -m bench.$$one $(ARGS) || exit; done

check: lint format types imports house

lint: $(DEV)
	@$(BIN)/ruff check .

format: $(DEV)
	@$(BIN)/ruff format --check .

types: $(DEV)
	@$(BIN)/mypy

imports: $(INSTALLED) $(DEV)
	@$(BIN)/lint-imports

house: $(INSTALLED) $(VENDORED) $(DEV)
	@$(BIN)/pytest tests/house

docs: $(INSTALLED)
	@$(BIN)/python -m contactbot.settings_page > docs/settings.md

# No address of a registry stands in a lock: pip and npm ask the one they are configured with.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-annotate --no-header --output-file
lock: $(BIN)/python
	@$(PIP) install $(UV)
	@$(COMPILE) requirements.lock pyproject.toml
	@$(COMPILE) requirements-dev.lock pyproject.toml --constraint requirements.lock --extra postgres --group dev
	@$(COMPILE) requirements-build.lock --group build --constraint requirements-dev.lock
	@$(COMPILE) requirements-node.lock --group node
	@npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --silent

clean:
	@rm -rf .venv $(dir $(VENDORED))

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || .ci/debian-packages $(notdir $(PYTHON))-venv
	@echo "Making a Python environment in .venv ..."
	@$(PYTHON) -m venv .venv

$(PACKAGES): | $(BIN)/python
	@echo "Installing the locked packages ..."
	@$(FETCH) -r requirements.lock -r requirements-build.lock
	@command -v npm > /dev/null || $(FETCH) -r requirements-node.lock
	@mkdir -p $(@D) && touch $@

$(INSTALLED) $(VENDORED) &: | $(PACKAGES)
	@echo "Fetching the front-end parts and installing contactbot ..."
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p .venv/made && touch $(INSTALLED)

$(DEV): | $(PACKAGES)
	@echo "Installing the locked development packages ..."
	@$(FETCH) -r requirements-dev.lock
	@mkdir -p $(@D) && touch $@
