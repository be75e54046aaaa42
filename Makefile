.DEFAULT_GOAL := help
.PHONY: help demo test test-services test-browser test-move quality docs bench messages requirements release-check clean

PORT ?= 8000
DJANGO ?= 52
PYTEST_WORKERS ?= auto
export PYTHON

PYTEST = .venv/bin/python -m pytest
NO_DATABASE = --ignore=tests/actions/test_bulk_parsing.py
MOVE_ON_SQLITE ?= tests/move
NO_MOVE = --ignore=tests/move/test_credentials.py --ignore=tests/move/test_older.py
PARALLEL = --numprocesses $(PYTEST_WORKERS) --maxprocesses 8

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## an LMS-like site with demo data at http://localhost:PORT/ (PORT=8000); BROKER=redis: jobs run in a worker
	@scripts/venv.sh .venv test django52
	@scripts/demo.sh $(PORT) $(BROKER)

test: ## every test that needs no service, on SQLite; branch coverage; DJANGO=42: with Django 4.2
	@scripts/venv.sh .venv test django$(DJANGO)
	@scripts/show_versions.sh
	$(PYTEST) $(PARALLEL) --cov --cov-report=term $(ARGS)

test-services: ## the same tests and those that need servers, on MariaDB (DATABASE_URL) and Redis (REDIS_URL)
	@scripts/venv.sh .venv test django$(DJANGO) services
	scripts/with_services.sh scripts/show_versions.sh $(PYTEST) $(PARALLEL) -m "not browser and not move" $(NO_DATABASE) $(ARGS)

test-browser: ## the tests that drive a browser, on MariaDB and Redis
	@scripts/ensure_chromium.sh
	@scripts/venv.sh .venv test django52 services
	@scripts/ensure_axe.sh
	scripts/with_services.sh scripts/show_versions.sh $(PYTEST) -m browser $(ARGS)

test-move: ## move a site of the real learning-paths-plugin 0.5.0 here, on SQLite and on MariaDB (DATABASE_URL)
	@scripts/venv.sh .venv test django52 services
	scripts/with_services.sh scripts/show_versions.sh $(PYTEST) tests/move -m move $(NO_MOVE) $(ARGS)
	env -u DATABASE_URL $(PYTEST) $(MOVE_ON_SQLITE) -m move $(ARGS)

quality: ## lint, format, types, direction of imports, migrations on both Djangos, PII annotations
	@scripts/venv.sh .venv dev django52
	@scripts/venv.sh .venv-django42 test django42
	@scripts/quality.sh

docs: ## the documentation as HTML in docs/_build
	@scripts/venv.sh .venv dev django52
	.venv/bin/python -m sphinx -W --keep-going -b html docs docs/_build

bench: ## the benchmarks, on MariaDB
	@scripts/venv.sh .venv test django52 services
	scripts/with_services.sh scripts/bench.sh

messages: ## collect the translatable texts in learning_paths/locale (needs gettext)
	@scripts/venv.sh .venv test django52
	cd learning_paths && ../.venv/bin/python -m django makemessages --locale en --add-location file

requirements: ## compile requirements/*.txt anew, with the newest versions (Python 3.11)
	@scripts/venv.sh .venv dev django52
	scripts/compile_requirements.sh "$(CURDIR)/.venv/bin/python"

release-check: ## version, changelog and tag must agree; then dist/ gets a wheel that was tried
	@scripts/venv.sh .venv dev django52
	@scripts/release_check.sh
	@scripts/try_wheel.sh dist

clean: ## remove what the other targets made, the demo database too
	rm -rf .venv .venv-django42 .venv-rival .venv-credentials .tox build dist docs/_build pii_report *.egg-info
	rm -rf .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf sandbox/*.sqlite3* sandbox/mail sandbox/media
