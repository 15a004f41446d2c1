# Two commands on a fresh machine: `make training` and `make test`. Everything else is python run.py --help.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOCS := .venv-docs
NOTEBOOK := .venv-notebook
UV_VERSION := 0.13.9
# uv reads its own variable for extra wheel folders; pip's is honoured too. Of torch the CPU build is taken, from PyTorch's own index,
# where no NVIDIA driver runs and that index answers; UV_EXTRA_INDEX_URL, empty too, says otherwise.
TORCH_CPU := https://download.pytorch.org/whl/cpu
NVIDIA := /dev/nvidiactl
comma := ,
empty :=
export UV_FIND_LINKS ?= $(subst $(empty) $(empty),$(comma),$(strip $(PIP_FIND_LINKS)))
export UV_INDEX_STRATEGY ?= unsafe-best-match
# Test files run side by side, each in one process; what a test of a whole pipeline takes is a core and a gigabyte.
PARALLEL := -n $(or $(TEST_PROCESSES),2) --dist loadfile --no-loadscope-reorder
# Asked when something is installed, and not before.
extra_index = $(if $(filter undefined,$(origin UV_EXTRA_INDEX_URL)),$(shell test -e $(NVIDIA) || $(PYTHON) -c \
	'import urllib.request as ask; ask.urlopen("$(TORCH_CPU)/torch/", timeout=3); print("$(TORCH_CPU)")' 2>/dev/null),$(UV_EXTRA_INDEX_URL))
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode

.PHONY: help kubernetes setup setup-test setup-serving training deployment test test-full test-kubernetes test-kubernetes-full attack audit lint reference docs notebook lock dashboard demo doctor

help:
	@echo "make training   set up and train on the built-in loans"
	@echo "make deployment set up serving and deploy what was trained last"
	@echo "make kubernetes install the cluster's stack in the current kube context and make it the active one"
	@echo "make lint       style, types, dependencies and who imports whom"
	@echo "make audit      licences of the locked packages, and advisories where there is a network"
	@echo "make test       set up and run the tests"
	@echo "make test-full  run all tests but those that need a cluster"
	@echo "make attack     try what an attacker, a neighbour or bad luck would; held or not held for each (docs/security.md)"
	@echo "make dashboard  ZenML dashboard, MLflow UI and Evidently's windows on loopback"
	@echo "make demo       a model's year in minutes: drift, retraining, trial, promotion (docs/demo.md)"
	@echo "make test-kubernetes-full  run the tests that need a cluster (KUBECONFIG and CONTAINER_REGISTRY name one)"
	@echo "make notebook   JupyterLab on notebooks/: a table looked at, a model in one call, a model watched"
	@echo "make docs       render docs/ as a site in build/docs; a broken link is an error"
	@echo "make doctor     check this machine, the active stack and what it serves"

$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "Switchyard needs Python 3.11; set PYTHON=/path/to/python3.11 (this is %d.%d)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.uv
	$(eval export UV_EXTRA_INDEX_URL := $(extra_index))
	@echo "setup    $$(grep -c == requirements.txt) packages into $(VENV), torch $(if $(UV_EXTRA_INDEX_URL),by $(UV_EXTRA_INDEX_URL): 3 GB,as PyPI has it: 3 GB$(comma) with CUDA 7), one to three minutes"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.installed-test: requirements-test.txt requirements-workers.txt $(VENV)/.installed
	$(INSTALL) -r requirements.txt -r requirements-test.txt -r requirements-workers.txt
	@touch $@

setup: $(VENV)/.installed
setup-test: $(VENV)/.installed-test

# run.py registers the local stack where no stack of ours was ever chosen.
training: setup
	$(BIN)/python run.py --pipeline training

test: setup-test setup-serving
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST_FLAGS)

# All but what needs a cluster.
test-full: setup-test setup-serving
	$(BIN)/python -m pytest $(PARALLEL) -m "not cluster" $(PYTEST_FLAGS)

# On a cluster that KUBECONFIG and CONTAINER_REGISTRY name; the first leaves out what takes minutes.
test-kubernetes: setup-test setup-serving
	$(BIN)/python -m pytest tests/kubernetes -m "cluster and not full" $(PYTEST_FLAGS)

test-kubernetes-full: setup-test setup-serving
	$(BIN)/python -m pytest tests/kubernetes -m cluster -s --durations=0 $(PYTEST_FLAGS)

attack: setup-test setup-serving
	$(BIN)/python -m tests.attack

# From the classes that check a config: what editors complete by, and the page of the docs.
reference: setup
	$(BIN)/python run.py --schema json > configs/schema.json
	$(BIN)/python run.py --schema markdown > docs/configuration.md

# An environment of its own: what renders pages is nobody's dependency.
$(DOCS)/.installed: docs/requirements.txt $(VENV)/.uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(DOCS)
	$(BIN)/uv pip install --quiet --python $(DOCS)/bin/python -r docs/requirements.txt
	@touch $@

docs: $(DOCS)/.installed
	$(DOCS)/bin/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs build/docs
	@echo "site     build/docs/index.html"

# JupyterLab by itself; its kernel is the project's environment.
$(NOTEBOOK)/.installed: notebooks/requirements.txt $(VENV)/.installed-test
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(NOTEBOOK)
	$(BIN)/uv pip install --quiet --python $(NOTEBOOK)/bin/python -r notebooks/requirements.txt
	$(BIN)/python -m ipykernel install --prefix $(NOTEBOOK) --name python3 --display-name Switchyard >/dev/null
	@touch $@

notebook: $(NOTEBOOK)/.installed
	$(NOTEBOOK)/bin/jupyter lab --ip 127.0.0.1 --notebook-dir notebooks $(JUPYTER_FLAGS)

lint: setup-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/deptry .
	$(BIN)/lint-imports

# pip-audit is given an environment of its own, by uv.
.PHONY: audit
audit: setup-test
	$(BIN)/python -m app.audit

dashboard: setup
	$(BIN)/python run.py dashboard

demo: setup-serving
	$(BIN)/python -m demo

doctor: setup
	$(BIN)/python run.py doctor

setup-serving: setup
	$(BIN)/python -m switchyard.serving

deployment: setup-serving
	$(BIN)/python run.py --pipeline deployment

kubernetes: setup
	$(BIN)/python run.py stack up kubernetes

# The lock says which version, not which build. Without the suffix uv would keep to the build with CUDA, and its libraries.
lock:
	sed -i '/^torch==/s/$$/+cpu/' requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 switchyard/requirements.in requirements.in -o requirements.txt
	sed -i 's/+cpu//' requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 requirements-workers.in -o requirements-workers.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 requirements-test.in -o requirements-test.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 switchyard/serving/requirements.in -o switchyard/serving/requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 -c switchyard/serving/requirements.txt switchyard/serving/requirements-image.in -o switchyard/serving/requirements-image.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 docs/requirements.in -o docs/requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 notebooks/requirements.in -o notebooks/requirements.txt
