#!/usr/bin/env bash
# Prints a Python that can make the virtual environments: $PYTHON if it is set, else the first that is good enough.
set -euo pipefail

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' > /dev/null 2>&1; }

without_venv=
if [[ -n ${PYTHON:-} ]]; then candidates=("$PYTHON"); else candidates=(python3.12 python3.11 python3); fi
for candidate in "${candidates[@]}"; do
    if is_recent "$candidate"; then
        if has_venv "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            exit
        fi
        without_venv=$candidate
    fi
done

if [[ -n $without_venv ]]; then
    echo "$without_venv cannot make virtual environments: its modules venv and ensurepip are missing." >&2
else
    echo "Python 3.11 or newer is missing${PYTHON:+: PYTHON=$PYTHON is not one}." >&2
fi
echo "On Debian and Ubuntu: apt-get install python3 python3-venv" >&2
echo "Or name one: make ... PYTHON=/path/to/python3.12" >&2
exit 1
