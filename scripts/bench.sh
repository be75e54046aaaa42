#!/usr/bin/env bash
# Runs each benchmark in turn.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for benchmark in benchmarks/bench_*.py; do
    echo "== $benchmark"
    PYTHONPATH=. .venv/bin/python "$benchmark"
done
