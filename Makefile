# make help tells what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYZ := dist/ntpjoin.pyz

# What goes into the archive: the newest releases that still run on Python 3.9, so that one file serves every system.
PYZ_PACKAGES := click==8.1.8 jinja2==3.1.6 markupsafe==3.0.3 dnspython==2.7.0 ntplib==0.4.0 distro==1.9.0

# The floors of pyproject.toml, that is what Debian 12 ships, on the oldest Python that can be found here. Of ntplib 0.3.4 is the
# oldest that PyPI still has.
FLOORS := click==8.1.3 jinja2==3.1.2 markupsafe==2.1.2 dnspython==2.3.0 ntplib==0.3.4 distro==1.8.0
OLDEST ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.9.*/bin/python3.9) $(shell command -v python3.9 python3.10 python3.11) $(PYTHON))

.PHONY: help check floors test campaign bench demo dist format clean

help: ## tell what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/ntpjoin: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

check: $(BIN)/ntpjoin ## linters, types and the tests that need no host: under a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 --dist loadfile -m 'not real and not campaign'

.venv-floors/bin/ntpjoin: pyproject.toml Makefile
	$(OLDEST) -m venv .venv-floors
	.venv-floors/bin/pip install --quiet --editable . $(FLOORS) hypothesis pytest pytest-xdist trustme
	touch $@

floors: $(BIN)/ntpjoin .venv-floors/bin/ntpjoin ## the tests that need no host, on the oldest Python and dependencies
	.venv-floors/bin/python --version
	.venv-floors/bin/pytest -q -n 2 --dist loadfile -m 'not real and not campaign'

test: check floors $(PYZ) ## everything CI runs: real hosts too, wants root
	$(BIN)/pytest -m 'real and not campaign' -n 2 --dist loadfile --no-loadscope-reorder --durations=15

campaign: $(BIN)/ntpjoin $(PYZ) ## the long tables, wants root and an hour
	rm -rf campaign.log build/systems build/planted
	$(BIN)/pytest -m 'campaign or systems' -n 2 --dist loadfile --no-loadscope-reorder --durations=15 && cat campaign.log
	$(BIN)/python -m tests.real.table
	$(BIN)/python -m tests.real.planted_table

bench: $(BIN)/ntpjoin $(PYZ) ## ratios, measured in one run, a server in a virtual machine too: wants root
	$(BIN)/python -m tests.bench --lab

demo: $(BIN)/ntpjoin $(PYZ) ## the main job in a virtual machine, shown as an operator would see it, wants root
	$(BIN)/python -m tests.demo

dist: $(PYZ) ## one file to carry: dist/ntpjoin.pyz

# As zipapp packs it, but what every run imports is not deflated: to inflate it took a seventh of the CPU of a `verify`.
define PACK
import sys, zipfile
from pathlib import Path
root, target = Path(sys.argv[1]), sys.argv[2]
always = tuple(f"{sys.implementation.cache_tag}/{name}" for name in ("click/", "ntpjoin/", "ntplib.pyc"))
with open(target, "wb") as file:
    file.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = str(path.relative_to(root))
            archive.write(path, name, zipfile.ZIP_STORED if name.startswith(always) else zipfile.ZIP_DEFLATED)
endef
export PACK

$(PYZ): $(BIN)/ntpjoin Makefile $(shell find ntpjoin templates -name '*.py' -o -name '*.j2' -o -name '*.csv')
	rm -rf build/pyz build/compiled && mkdir -p build/pyz dist
	$(BIN)/pip install --quiet --no-compile --no-deps --target build/pyz $(PYZ_PACKAGES)
	find build/pyz -name '*.so' -delete
	rm -rf build/pyz/bin
	cp -r ntpjoin build/pyz/ntpjoin && cp -r templates build/pyz/ntpjoin/templates
	find build/pyz -name __pycache__ -prune -exec rm -rf {} +
	cp -r build/pyz build/compiled
	rm -rf build/compiled/*.dist-info
	$(BIN)/python -m compileall -q -b --invalidation-mode unchecked-hash -s build/compiled build/compiled
	find build/compiled -name '*.py' -delete
	mv build/compiled build/pyz/$$($(BIN)/python -c 'import sys; print(sys.implementation.cache_tag)')
	mv build/pyz/ntpjoin/archive.py build/pyz/__main__.py
	$(BIN)/python -c "$$PACK" build/pyz $(PYZ)
	chmod a+rx $(PYZ)

format: $(BIN)/ntpjoin ## let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove what was built
	rm -rf build dist $(VENV) .venv-floors .mypy_cache .ruff_cache .pytest_cache
