# One command each; both set up by themselves in .venv.
VENV := .venv
ready := $(VENV)/.ready

run: $(ready)  ## run every scenario against the reference integration
	$(VENV)/bin/counterfoil run -n 2 $(ARGS)

test: $(ready)  ## the project's own tests
	$(VENV)/bin/pytest -n 2 $(ARGS)

lint: $(ready)  ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(ready)  ## speed, as ratios
	for each in tests/benchmarks/*.py; do $(VENV)/bin/python $$each; done

$(ready): pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[dev]'
	touch $@

.PHONY: run test lint bench
