# `make help` says what there is. Everything runs in .venv, which is made and kept up to date by itself.
# Works with GNU make 3.81 (macOS) and newer.

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.made-from-pyproject
ARGS    ?=

.DEFAULT_GOAL := help
.PHONY: help demo dev test check fmt bench chaos clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## submit a morning of registers to two simulated schools and watch them arrive
	@$(BIN)/writeback demo $(ARGS)

dev: $(STAMP) ## run everything here, with simulated providers, until Ctrl-C
	@$(BIN)/writeback dev $(ARGS)

test: $(STAMP) ## run every test, several files at a time
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP) ## format, lint, types, imports, schemas, compose file: what CI runs before the tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/python -m schemas.generate --check
	@$(BIN)/python -m tests.documents.generate --check
	@sh deploy/check-compose.sh $(BIN)/python
	@echo "check: all is well"

fmt: $(STAMP) ## format, and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: $(STAMP) ## measure throughput and latency
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## kill, stop and cut off real processes and count what is lost; SEED=1 N=20000
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(N),--count $(N)) $(ARGS)

clean: ## remove .venv, caches and the data of `make dev`
	@rm -rf $(VENV) .writeback .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A shim that only says "not installed" is passed over, because each candidate is tried.
$(STAMP): pyproject.toml
	@set -e; for python in python3.13 python3.12 python3.11 python3 python; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	  python=; done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer with venv is needed. Debian: apt-get install python3 python3-venv; macOS: brew install python" >&2; \
	  exit 1; fi; \
	[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { echo "making $(VENV) with $$python"; $$python -m venv --clear $(VENV); }; \
	echo "installing what pyproject.toml names"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev; \
	touch $(STAMP)
