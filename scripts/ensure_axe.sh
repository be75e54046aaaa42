#!/usr/bin/env bash
# Puts axe-core, with which tests in the browser look for what keeps people out, into .venv/axe-core. It comes in the
# wheel of a Python package, of which neither the code nor what it requires is wanted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
package=axe-playwright-python==0.1.8
directory=.venv/axe-core
stamp=$directory/.installed

if [[ -f $stamp && $(< "$stamp") == "$package" ]]; then
    exit
fi
echo "Installing the axe-core of $package into $directory"
rm -rf "$directory"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --target "$directory" "$package"
echo "$package" > "$stamp"
