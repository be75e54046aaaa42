#!/usr/bin/env bash
# Takes the pictures in docs/screenshots anew: of bulk enrollment and the pages of learners, with a real database and
# a real worker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/ensure_chromium.sh
scripts/venv.sh .venv test django52 services
scripts/with_services.sh .venv/bin/python -m pytest -m browser tests/browser/screenshots.py
