# Every target makes the environment first, when it is missing or the lock changed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
INSTALLED := .venv/installed

.PHONY: help .venv demo report test test-slurm fuzz lint weights bench docs site lock

help:  ## this list
	@grep -E '^[a-z.]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.]+):.*## */\1|/' | column -t -s '|'

.venv: $(INSTALLED)  ## the Python environment

$(INSTALLED): envs/torch.txt envs/requirements.lock envs/analysis.post-deploy.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Etalon needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Installing the locked packages into .venv (some minutes, 2 GB)'
	@rm -f $@
	@$(PYTHON) -m venv .venv
	@bash envs/analysis.post-deploy.sh
	@touch $@

demo: $(INSTALLED)  ## the whole graph on embedded data, and report.html
	snakemake --cores all
	snakemake --report report.html

report: $(INSTALLED)  ## report.html of what the demo has computed
	snakemake --report report.html

test: $(INSTALLED)  ## the tests
	pytest -n auto --dist loadfile --no-loadscope-reorder --ignore tests/slurm

test-slurm: $(INSTALLED)  ## the paper's plan on a Slurm of one node, which it installs and starts (root, apt)
	bash tests/slurm/with_cluster.sh pytest tests/slurm

fuzz: $(INSTALLED)  ## ten thousand damaged files for every reader (half an hour)
	python tests/trust/fuzz_readers.py --inputs 10000

lint: $(INSTALLED)  ## style, types, and the laws of docs/explanation/architecture.md
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow
	mypy
	lint-imports --no-logo
	snakemake --lint

weights: $(INSTALLED)  ## the weights that the package carries, trained anew (minutes)
	snakemake shipped_weights --cores all --configfile config/paper.yaml
	cp results/paper/weights/* src/etalon/weights/

bench: $(INSTALLED)  ## every benchmark, one after the other
	for benchmark in benchmarks/*.py; do python "$$benchmark"; done

docs: $(INSTALLED)  ## config/README.md from the schemas; results in README.md and docs/results.md from the shipped metrics
	python workflow/scripts/document_config.py > config/README.md
	python workflow/scripts/document_results.py

site: $(INSTALLED)  ## the documentation as a site in site/, links checked; it needs no network, and opens from disk
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

lock: $(INSTALLED)  ## envs/requirements.lock, from envs/requirements.in
	CUSTOM_COMPILE_COMMAND='make lock' pip-compile --generate-hashes --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-options --no-allow-unsafe --unsafe-package torch \
	  --output-file envs/requirements.lock envs/requirements.in
