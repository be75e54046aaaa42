#!/usr/bin/env bash
# quality.sh [STEP...]: the checks that need no test: lint, format, types, direction of imports, migrations, PII
# annotations. All of them, or those that are named; .pre-commit-config.yaml names each once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python
steps=(ruff-check ruff-format mypy import-linter django52 django42 pii)

migrations() {
    "$1/bin/python" manage.py check --fail-level WARNING
    "$1/bin/python" manage.py makemigrations --check --dry-run
}

run() {
    case $1 in
        ruff-check) "$python" -m ruff check . ;;
        ruff-format) "$python" -m ruff format --check . ;;
        mypy) "$python" -m mypy ;;
        import-linter) "$python" -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' ;;
        django52) migrations .venv ;;
        django42) migrations .venv-django42 ;;
        pii)
            DJANGO_SETTINGS_MODULE=sandbox.settings PYTHONPATH=. "$python" -c \
                'from code_annotations.cli import entry_point; entry_point()' \
                django_find_annotations --config_file .pii_annotations.yml --lint --report --coverage
            ;;
        *)
            echo "There is no step \"$1\". The steps are: ${steps[*]}" >&2
            exit 2
            ;;
    esac
}

for environment in .venv .venv-django42; do
    if [[ ! -x $environment/bin/python ]]; then
        echo "There is no $environment. Run \"make quality\" once: it installs what the checks need." >&2
        exit 1
    fi
done
[[ $# != 0 ]] || set -- "${steps[@]}"
for step in "$@"; do
    echo "== $step"
    run "$step"
done
