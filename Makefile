# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVERS := slapd ldap-utils samba-ad-dc samba-ad-provision postgresql chromium php-cli php-xml php-mbstring simplesamlphp openssl
CLIENTS := 'msgraph-sdk>=1.65,<2'
OKTA_DOCUMENT := @okta/openapi@2.15.0

.DEFAULT_GOAL := help
.PHONY: help run test check format bench servers clients clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## install and start the daemon with the quickstart configuration (Ctrl-C stops it)
	@mkdir -p var
	$(BIN)/idpsync -c config/quickstart.yaml run

test: $(VENV)/dev.stamp servers clients ## run every test, on real servers where they install
	$(BIN)/python -m pytest

check: $(VENV)/dev.stamp ## format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/dev.stamp servers ## measure start-up, plans and the claim of a seat against their goals
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.plan
	$(BIN)/python -m benchmarks.plan_changes
	$(BIN)/python -m benchmarks.plan_command
	$(BIN)/python -m benchmarks.accounts
	$(BIN)/python -m benchmarks.claim
	@deploy/install-test-servers.sh python3-ldap
	$(BIN)/python -m benchmarks.ldap_read
	$(BIN)/python -m benchmarks.requests_openldap
	$(BIN)/python -m benchmarks.requests_ad
	$(BIN)/python -m benchmarks.requests_okta
	$(BIN)/python -m benchmarks.requests_entra
	$(BIN)/python -m benchmarks.requests_scim

servers: ## install the real servers that tests talk to, where apt may
	@deploy/install-test-servers.sh $(SERVERS)

clients: $(VENV)/bin/python ## fetch the vendors' own clients and documents that judge our twins, apart from the program
	@test -e build/msgraph/ready || deploy/install-test-clients.sh build/msgraph $(CLIENTS)
	@test -e build/okta-openapi/ready || deploy/fetch-test-document.sh build/okta-openapi $(OKTA_DOCUMENT)

clean: ## remove the virtual environment and what the quickstart has stored
	rm -rf $(VENV) var build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("idpsync needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

$(VENV)/run.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/run.stamp
