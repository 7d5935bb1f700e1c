# `make help` says what there is. Everything runs in .venv, which is made and kept up to date by itself.
# Works with GNU make 3.81 (macOS) and newer. `make test PYTHON=python3.14` uses that Python, in an environment of its own.

PYTHON  ?=
VENV    := .venv$(if $(PYTHON),-$(notdir $(PYTHON)))
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.made-from-pyproject
ARGS    ?=

# Compiled once, and not beside the sources: also where the environment has Python compile at each start.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-long check fmt bench chaos clean typescript csharp lock sbom

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## submit a morning of registers to two simulated schools and watch them arrive
	@$(BIN)/writeback demo $(ARGS)

dev: $(STAMP) ## run everything here, with simulated providers, until Ctrl-C
	@$(BIN)/writeback dev $(ARGS)

test: $(STAMP) ## run every test, several files at a time
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(STAMP) ## try more of what make test has examples of, in another order each time; MINUTES=15 SEED=1
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --long $${MINUTES:-15} --seed $${SEED:-$$(date +%s)} $(ARGS)

check: $(STAMP) ## format, lint, types, imports, schemas, image: what CI runs before the tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/python -m schemas.generate --check
	@$(BIN)/python -m tests.documents.generate --check
	@sh deploy/check-image.sh $(BIN)
	@echo "check: all is well"

fmt: $(STAMP) ## format, and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: $(STAMP) ## measure, in two minutes; ARGS=--list says what else can be
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## kill, stop and cut off real processes and count what is lost; SEED=1 N=20000
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(N),--count $(N)) $(ARGS)

clean: ## remove .venv, caches and the data of `make dev`
	@rm -rf .venv .venv-* .writeback clients/csharp/tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist clients/python/dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

typescript: ## install the tools of the generated client; `make test` then generates, compiles and runs it
	@cd clients/typescript && npm ci --no-fund --no-audit --loglevel=error

csharp: $(STAMP) ## install the generator of the client in C#; `make test` then makes it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target clients/csharp/tools --requirement clients/csharp/requirements.txt

lock: $(STAMP) ## renew the lock files within the ranges of pyproject.toml; ARGS=--upgrade takes what is newest
	@sh deploy/lock.sh $(BIN) $(ARGS)

sbom: $(STAMP) ## write dist/writeback.cdx.json: what the image is made of, by the lock, with hashes (CycloneDX)
	@mkdir -p dist
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file dist/writeback.cdx.json
	@echo "dist/writeback.cdx.json"

# On musl there is no wheel of a Redis server, a PostgreSQL and a driver of browsers, so not all of the lock can be installed.
$(STAMP): pyproject.toml clients/python/pyproject.toml requirements-dev.lock
	@set -e; python=$$(sh deploy/find-python.sh $(PYTHON)); \
	[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { echo "making $(VENV) with $$python"; $$python -m venv --clear $(VENV); }; \
	pip="$(BIN)/python -m pip install --quiet --disable-pip-version-check"; \
	case $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("SOABI"))') in \
	  *musl*) echo "on musl, install Redis or Valkey yourself; tests with PostgreSQL or a browser are skipped"; \
	    $$pip --upgrade 'pip>=25.1'; $$pip --prefer-binary --editable ./clients/python --editable . --group portable ;; \
	  *) echo "installing what requirements-dev.lock names"; \
	    $$pip --require-hashes --requirement requirements-dev.lock; \
	    $$pip --no-deps --no-build-isolation --editable ./clients/python --editable . ;; \
	esac; \
	touch $(STAMP)
