# make demo: an order going full circle, as local processes. make test: the whole test suite.
# make bench: every benchmark, each figure beside its floor.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench hostile clean

demo: $(VENV)/kit
	$(BIN)/python examples/orders/demo.py

test: $(VENV)/dev
	$(BIN)/python -m pytest -p tests.sharing --numprocesses=2 --dist=loadscope --no-loadscope-reorder

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy runtime actors kit tests benchmarks examples
	$(BIN)/lint-imports

# Attacks by strangers, each for HOSTILE_S seconds, with the p99 of honest clients beside them; HOSTILE_SEED=2 throws others.
hostile: $(VENV)/dev
	HOSTILE_S=$${HOSTILE_S:-15} $(BIN)/python -m pytest tests/hostile -s

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks

# One stamp for each set of extras: `make demo` needs no test tools.
$(VENV)/%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "actorkit needs Python 3.11 or newer; this is $$($(PYTHON) -V). Say make PYTHON=python3.12, for example."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
