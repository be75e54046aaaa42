#!/usr/bin/env bash
# Every check that needs no test: lint, format, types, direction of imports, migrations, PII annotations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin

step() {
    echo "== $1"
    shift
    "$@"
}

step "ruff check" "$bin/python" -m ruff check .
step "ruff format" "$bin/python" -m ruff format --check .
step "mypy" "$bin/python" -m mypy
step "import-linter" "$bin/python" -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
for venv in .venv .venv-django42; do
    version=$("$venv/bin/python" -m django --version)
    step "Django $version: system checks" "$venv/bin/python" manage.py check --fail-level WARNING
    step "Django $version: no missing migration" "$venv/bin/python" manage.py makemigrations --check --dry-run
done
step "PII annotations" env DJANGO_SETTINGS_MODULE=sandbox.settings PYTHONPATH=. "$bin/python" -c \
    'from code_annotations.cli import entry_point; entry_point()' \
    django_find_annotations --config_file .pii_annotations.yml --lint --report --coverage
