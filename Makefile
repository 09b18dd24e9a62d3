# `make` lists what can be done. Every command sets up its Python environment itself when that is missing or out of date.
VENV ?= .venv
# Through the environment, so that a path may hold blanks; of a Python environment that is there already, only ours are used.
export VENV
PYTHON := "$$VENV"/bin/python

# The SDKs are large: without their bytecode every command would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-project prove docs bench plan cost report quotas prices check compare follow format schema requirements clean

help: ## This list
	@awk -F ':.*## ' -v width="$${COLUMNS:-$$([ -t 1 ] && tput cols 2>/dev/null || echo 1000)}" '/^[a-z-]+:.*## / { \
		line = sprintf("  make %-13s", $$1); count = split($$2, words, " "); \
		for (i = 1; i <= count; i++) { \
			if (i > 1 && length(line " " words[i]) > width) { print line; line = sprintf("%20s", "") } \
			line = line " " words[i] \
		} print line }' Makefile

setup: ## Set up Python (other commands do it by themselves)
	@bash infra/setup.sh "$$VENV"

demo: setup ## From answers to a planned, rehearsed system, with no account; start here
	@$(PYTHON) -m tools.demo $(if $(AGAIN),--again)

test: setup ## Check format, lint and types, and run all tests
	@echo "Format, lint, types"
	@"$$VENV"/bin/ruff format --check --quiet .
	@"$$VENV"/bin/ruff check --quiet .
	@"$$VENV"/bin/mypy --no-error-summary
	@$(PYTHON) -m groundplan servers programs
	@$(PYTHON) -m pytest --quiet --numprocesses 2 --dist loadgroup --no-loadscope-reorder

test-project: setup ## Copy a project with the default answers to build/test/shop and run all its tests, on real servers
	@$(PYTHON) -m groundplan.owned build/test
	@"$$VENV"/bin/copier copy --defaults --quiet --vcs-ref=HEAD . build/test/shop
	@$(MAKE) --no-print-directory --directory build/test/shop test VENV="$$(cd "$$VENV" && pwd)" JOBS=2

docs: setup ## The documentation as a site, in build/docs; links are checked
	@$(PYTHON) -m tools.site

prove: setup ## Long campaigns, recorded in docs/proof/ (WHAT=framing, SIZE=…, SEED=…)
	@$(PYTHON) -m tools.prove $(WHAT) $(if $(SIZE),--size "$(SIZE)") $(if $(SEED),--seed "$(SEED)")

bench: setup ## Measure planning, simulating and copying against floors measured in the same run
	@$(PYTHON) -m bench

plan: setup ## Show every size of the reference system, and bring ARCHITECTURE.md up to date (WHY=1 with reasons)
	@$(PYTHON) -m groundplan plan $(if $(WHY),--why)

cost: setup ## What each stack costs a month, what grows with load, and what would save most (STACK=…, WHY=1)
	@$(PYTHON) -m groundplan cost $(if $(WHY),--why)

quotas: setup ## Quotas of the account to have raised, with their codes (STACK=…)
	@$(PYTHON) -m groundplan quotas

prices: setup ## Read AWS's price list of a region into prices.<region>.json: make prices REGION=eu-west-1
	@$(PYTHON) -m groundplan prices

check: setup ## Whether the declared program meets the controls (S1 to T4), stack by stack
	@$(PYTHON) -m groundplan check

report: setup ## One HTML page of the reference system, in build/report
	@$(PYTHON) -m groundplan report

compare: setup ## What changes in the reference system: make compare LOAD=10, or FROM=staging TO=prod, FROM=HEAD~1, SET="nat=single"
	@$(PYTHON) -m groundplan compare

follow: setup ## Bring the services' code after system.yaml (in a project; this repository has no services' code of its own)
	@$(PYTHON) -m groundplan follow

format: setup ## Format the code, and mend what the linter can
	@"$$VENV"/bin/ruff format .
	@"$$VENV"/bin/ruff check --fix .

requirements: setup ## Pin requirements.in anew into requirements.txt, with hashes
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	@$(PIN) --output-file requirements.txt requirements.in
	@$(PIN) --no-annotate --constraint requirements.txt --output-file chassis/requirements.txt \
		chassis/requirements.in
	@$(PIN) --no-annotate --output-file tools/site/requirements.txt tools/site/requirements.in

PIN = "$$VENV"/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header

clean: ## Remove the Python environment and what commands and tools have left (what they did not make stays)
	@bash infra/clean.sh
