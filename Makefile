# One command each; both set up by themselves in .venv.
VENV := .venv
VENDORS := --crm salesforce --psa kantata --erp netsuite --billing stripe
ready := $(VENV)/.ready
ON_POSTGRES := $(addprefix tests/test_,$(addsuffix .py,processes killed postgres mirror tx snapshot clock crm psa erp billing native_face control_plane)) \
	$(addprefix tests/faces/test_,$(addsuffix .py,kantata kantata_clients stripe stripe_payments netsuite salesforce salesforce_processes))
OVER_VENDORS := S-01 S-08 S-15 S-26 S-38 S-48

run: $(ready)  ## run every scenario against the reference integration
	$(VENV)/bin/counterfoil run -n 2 $(ARGS)

test: $(ready)  ## the project's own tests
	$(VENV)/bin/pytest -n 2 $(ARGS)

test-postgres: $(ready)  ## the kernel's, the systems' and the faces' tests, and the scenarios over two processes, on a PostgreSQL server that lives as long as they do
	$(VENV)/bin/python tests/postgres.py $(VENV)/bin/pytest -n 2 $(ON_POSTGRES) $(ARGS)
	$(VENV)/bin/python tests/postgres.py sh -c '$(VENV)/bin/counterfoil run -n 2 --store "$$COUNTERFOIL_TEST_POSTGRES" --processes 2 && \
		$(VENV)/bin/counterfoil run -n 2 --store "$$COUNTERFOIL_TEST_POSTGRES" --processes 2 $(VENDORS) $(OVER_VENDORS)'

test-docker: $(ready)  ## the image, the compose file and testcontainers; skipped, with a sentence, where no container engine answers
	$(VENV)/bin/pytest -rs -m 'docker and not night' tests/docker $(ARGS)

mutants: $(ready)  ## every mutant must be caught by an invariant that its catalogue row names
	$(VENV)/bin/counterfoil mutants -n 2 --named $(ARGS)

vendors: $(ready)  ## every scenario against the reference, over four vendors' protocols
	$(VENV)/bin/counterfoil run -n 2 $(VENDORS) $(ARGS)

night: $(ready)  ## ten seeds, plain and with faults, and what takes minutes to test
	$(VENV)/bin/counterfoil run -n 2 --seeds 10 $(ARGS)
	$(VENV)/bin/counterfoil run -n 2 --seeds 10 --faults noisy $(ARGS)
	$(VENV)/bin/pytest -rs -m night

lint: $(ready)  ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

contracts: $(ready)  ## write contracts/ anew from the code and from the consumer's tests
	$(VENV)/bin/counterfoil contracts export
	COUNTERFOIL_PACTS=write $(VENV)/bin/pytest -q tests/contracts/test_consumer.py

performance: $(ready) .venv-peers/.ready  ## every benchmark, and docs/performance.md written from what they tell
	$(VENV)/bin/python tests/benchmarks/page.py $(ARGS)

bench: $(ready)  ## one benchmark: make bench ARGS=request_paths
	$(VENV)/bin/python tests/benchmarks/$(ARGS).py

.venv-peers/.ready:
	python3 -m venv .venv-peers
	.venv-peers/bin/pip install --quiet localstripe || echo "no peer to measure beside: its figures are skipped"
	touch $@

$(ready): pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet --editable '.[dev]'
	touch $@

.PHONY: run test test-postgres test-docker mutants vendors night lint contracts performance bench
