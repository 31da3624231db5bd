# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
SHELL := /bin/sh
.DEFAULT_GOAL := help
SCENARIO ?= default
BIN := .venv/bin

# The scenarios. openbsd_vm boots a whole machine: it belongs to make test-long, and runs where OPENBSD_KEY names the public
# key of the release (docs/openbsd.md).
LONG_SCENARIOS := $(if $(OPENBSD_KEY),openbsd_vm)
SCENARIOS := $(filter-out %_vm,$(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml)))

# The scenarios that make test takes, each with its hosts; together they are of every release. molecule-all takes all scenarios on
# all their hosts.
QUICK_default := mail.example.test
QUICK_openbsd := stable
QUICK_tls := bullseye
QUICK_ldap_maps := trixie
QUICK_sqlite_maps := forky
QUICK_private_ca_cyrus := trixie
QUICK := $(foreach scenario,$(SCENARIOS),$(if $(QUICK_$(scenario)),$(scenario)))

# The tarball of a release has what make demo needs, and no tests.
INSTALLED := $(if $(wildcard tests/unit),,yes)

# What the recipes start finds the environment's own tools, and this checkout as a collection.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH = $(shell tools/tree)
export ANSIBLE_NOCOWS = true
export MOLECULE_GLOB = molecule/*/molecule.yml
export DEMO_PORT_BASE DEMO_NAME DEMO_DIRECTORY

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^$(if $(INSTALLED),(demo[a-z-]*|help),[a-z-]+):.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: containers ## Turn a bare container into a mail host, prove it, and say how to use it
	@$(BIN)/python tools/demo.py up

.PHONY: demo-clean
demo-clean: containers ## Remove all that make demo made
	@$(BIN)/python tools/demo.py clean

.PHONY: test
test: containers ## Run every test that a change must pass
	@$(BIN)/python tools/parts.py "3 images! lint test-unit sanity" "1 test-alone" "2 test-modules $(QUICK:%=quick-%)"

.PHONY: test-unit
test-unit: venv ## Run the unit tests
	$(BIN)/pytest tests/unit -m "not long"

.PHONY: test-integration
test-integration: test-alone test-modules ## Run the modules and roles against the real daemons in containers

.PHONY: test-alone
test-alone: images ## Run what measures times, with nothing beside it
	$(BIN)/pytest tests/integration -m "alone and not long" --durations=10

.PHONY: test-modules
test-modules: images ## Run what may share the machine
	$(BIN)/pytest tests/integration -m "not alone and not long" --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=10

.PHONY: test-long
test-long: images ## Run what takes hours: every release, generated files, kill series, whole scenarios, VMs
	$(BIN)/pytest tests/unit tests/integration -m long
	@$(MAKE) molecule-all matrix-long $(LONG_SCENARIOS:%=scenario-%)

.PHONY: lint
lint: venv ## Run ruff, mypy, ansible-lint, reuse, and the checks of wording and changelog
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=$(ANSIBLE_COLLECTIONS_PATH) $(BIN)/mypy -p ansible_collections.puffy.mail.plugins
	$(BIN)/python tools/plain_english.py
	$(BIN)/python tools/sanity.py --changelog lint
	$(BIN)/reuse lint --quiet || $(BIN)/reuse lint --lines
	ANSIBLE_COLLECTIONS_PATH= $(BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=dependent --disallow-unknown-collection-refs .
	$(BIN)/ansible-lint --offline --strict --config-file .config/ansible-lint.yml

.PHONY: plain-english
plain-english: venv ## Report wording that is hard to read
	$(BIN)/python tools/plain_english.py

.PHONY: sanity
sanity: venv ## Run ansible-test sanity on a copy of the collection
	$(BIN)/python tools/sanity.py

.PHONY: molecule
molecule: scenario-$(SCENARIO) ## Run one Molecule scenario on all its hosts (SCENARIO=default)

.PHONY: molecule-all
molecule-all: $(SCENARIOS:%=scenario-%) ## Run every Molecule scenario on all its hosts

scenario-%: images
	$(BIN)/molecule test --scenario-name $*

scenario-openbsd_vm: machines

quick-%: images
	$(BIN)/molecule test --scenario-name $* $(addprefix --platform-name=,$(QUICK_$*))

.PHONY: images
images: checkout containers ## Build the host images that are missing
	@$(BIN)/python tools/images.py trixie-mail bullseye-mail forky-mail trixie-ldap trixie-acme trixie-sudo openbsd-stable >/dev/null

.PHONY: readmes
readmes: venv ## Write the README of each role, and the pages on variables and playbooks
	PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH) $(BIN)/python tools/role_readme.py

.PHONY: pictures
pictures: venv ## Draw docs/pictures/*.svg
	$(BIN)/python tools/pictures.py

.PHONY: docs
docs: venv ## Build the documentation site in .site/html; a warning is a failure
	$(BIN)/python tools/site.py

.PHONY: changelog
changelog: venv ## Write CHANGELOG.md and changelogs/changelog.yaml for the version of galaxy.yml
	$(BIN)/python tools/sanity.py --changelog release

.PHONY: build
build: venv ## Build the tarball that Ansible Galaxy takes
	$(BIN)/python tools/tarball.py build

.PHONY: importer
importer: venv ## Check a new tarball as Ansible Galaxy does when it imports one
	$(BIN)/python tools/tarball.py importer

.PHONY: matrix
matrix: venv ## Try the tarball with each supported ansible-core and Python
	$(BIN)/python tools/matrix.py $(OPTIONS)

.PHONY: matrix-long
matrix-long: images ## Run the scenario default from the tarball, with the oldest ansible-core and the newest
	$(BIN)/python tools/matrix.py --steps molecule $(OPTIONS)

.PHONY: release
release: venv ## Commit and tag VERSION=1.2.3; push both only with PUBLISH=REMOTE
	$(BIN)/python tools/release.py $(if $(PUBLISH),--publish $(PUBLISH)) "$(VERSION)"

.PHONY: bench
bench: $(patsubst benchmarks/%.py,bench-%,$(wildcard benchmarks/*.py)) ## Print the benchmark tables

bench-attack: ## Print how long a login takes while an address tries wrong passwords

bench-fleet: ## Print what a run of puffy.mail.site costs for each host of 5, 20 and 50

bench-site: ## Print what a run of puffy.mail.site costs, beside an older tree

bench-%: images
	@PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH) $(BIN)/python benchmarks/$*.py $(OPTIONS)

.PHONY: checkout
checkout:
	@[ -z "$(INSTALLED)" ] || { echo "The tests are in the repository, not in the tarball of a release. Here 'make demo' works."; exit 1; }

.PHONY: venv
venv: checkout ## Prepare the Python environment (.venv)
	@tools/bootstrap venv

.PHONY: containers
containers: ## Prepare the Python environment and the container engine
	@tools/bootstrap containers

.PHONY: machines
machines: ## Prepare the container engine and what boots virtual machines
	@tools/bootstrap machines

.PHONY: clean
clean: ## Remove test containers and caches of this checkout
	@ids=$$(tools/podman ps -aq --filter label=puffy.mail=test); [ -z "$$ids" ] || tools/podman rm -f -t 0 $$ids >/dev/null
	rm -rf .logs .site .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible
