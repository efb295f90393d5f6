# make run    sets up what is missing, runs the quick study, prints the table, writes the figures
# make test   sets up what is missing, checks style and types, runs the tests
# make docs   the documentation site, in the folder site; open site/index.html
# make test-slurm   the tests on a real SLURM; as root on Debian it may install and start one (see CONTRIBUTING.md)
VENV := .venv
STUDY := runs/quick

.PHONY: run test test-slurm lint docs setup setup-dev clean

run: setup
	$(VENV)/bin/defectflow run workflows/quick.toml -o $(STUDY)

test: setup-dev lint
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore=tests/slurm $(PYTEST_ARGS)

test-slurm: setup-dev
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile tests/slurm $(PYTEST_ARGS)

lint: setup-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: setup-dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

setup: $(VENV)/.installed

setup-dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml .ci/setup templates/gpaw/siteconfig.py
	sh .ci/setup $(VENV) gpaw,report
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	sh .ci/setup $(VENV) gpaw,hpc,charged,report,docs,dev
	touch $@

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
