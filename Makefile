# platform-beta. `make up` does everything, `make test` proves it; `make help` lists the rest.
STACK ?= lab
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BEGAN := $(shell date +%s)
.ONESHELL:
PY := .tools/venv/bin/python
ENV = eval "$$(lab/toolchain.sh env $(STACK))"

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

.PHONY: up
up: prepare ## make the environment what its stack file declares (STACK=lab or another)
	@$(ENV)
	$(PY) -m ops up --stack $(STACK) --make-secrets
	echo "took: $$(($$(date +%s) - $(BEGAN))) s, of these $$SECONDS s from the prepared machine on"
	echo "next: make preview | make status | make test; a shell with pulumi: eval \"\$$(make -s env)\""

.PHONY: preview
preview: tools ## say what `make up` would change; writes nothing
	@$(ENV)
	$(PY) -m ops preview --stack $(STACK)

.PHONY: destroy
destroy: toolchain ## take services, network, secrets and swarm down; data volumes stay
	@$(ENV)
	$(PY) -m ops destroy --stack $(STACK)

.PHONY: status
status: ## nodes, services, URLs
	@$(PY) -m ops status --stack $(STACK)

.PHONY: secrets
secrets: toolchain ## create missing secrets, renew certificates, encrypted into the stack file
	@$(ENV)
	$(PY) -m ops secrets --stack $(STACK)

.PHONY: env
env: ## print what a shell needs: eval "$(make -s env)"
	@lab/toolchain.sh env $(STACK)

.PHONY: toolchain
toolchain: ## the Pulumi CLI, its plugins and the Python packages, in .tools
	@lab/toolchain.sh $(if $(filter lab,$(STACK)),all,tools)

.PHONY: tools
tools:
	@lab/toolchain.sh tools

.PHONY: prepare
prepare:
ifeq ($(STACK),lab)
	@$(MAKE) --no-print-directory lab-up
else
	@lab/toolchain.sh tools
endif

.PHONY: images
images: ## build our own images, on official ones, and push them: PUSH=registry.example.com/platform [ONLY="api web"]
	@[ -x $(PY) ] || lab/toolchain.sh venv
	$(PY) -m lab release "$(PUSH)" $(foreach name,$(ONLY),--only $(name))

.PHONY: lab-check lab-up lab-down lab-status
lab-check:
	@python3 lab/check_host.py

lab-up: lab-check ## five nodes, a registry and the images on this machine
	@lab/toolchain.sh lab

lab-down: ## remove this checkout's lab and its state; IMAGES=1 its images too
	@[ ! -x $(PY) ] || $(PY) -m lab down $(if $(IMAGES),--images)

lab-status: ## the lab's machines
	@$(PY) -m lab status

.PHONY: cost
cost: ## CPU, memory and started processes of the idle lab over a minute
	@$(PY) -m lab cost $(ARGS)

.PHONY: check
check: ## lint, format, types, shellcheck, unit tests: some 90 seconds
	@[ -x $(PY) ] || lab/toolchain.sh venv
	tests/check.sh

.PHONY: test
test: ## everything that must hold, the lab included: a case of every behaviour, in about an hour
	@tests/run-all.sh

.PHONY: drill
drill: lab-check toolchain ## every case there is, some hours: docs/drills.md; ONLY=redis,drift AGAIN=1 (see README)
	@$(ENV)
	$(PY) -m tests.drill $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again)

.PHONY: bench-preview bench-growth
bench-preview: ## what a run with nothing to do costs on the lab: docs/benchmarks.md; ARGS="--label after --write"
	@$(PY) -m tests.bench.preview $(ARGS)

bench-growth: ## time and memory of planning for up to 100 nodes and 1,000 services; ARGS=--write
	@[ -x $(PY) ] || lab/toolchain.sh venv
	$(PY) -m tests.bench.growth $(ARGS)
