#!/usr/bin/env bash
# venv.sh DIRECTORY NAME...: makes the virtual environment and installs requirements/NAME.txt and this package into it.
# What is already there stays: a second call with unchanged requirements does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$1
shift
python=$venv/bin/python

if ! "$python" -m pip --version > /dev/null 2>&1; then
    base=$(scripts/find_python.sh)
    echo "Making $venv with $("$base" --version)"
    "$base" -m venv --clear "$venv"
fi

files=()
arguments=()
for name in "$@"; do
    files+=("requirements/$name.txt")
    arguments+=(-r "requirements/$name.txt")
done
wanted=$({ pwd; "$python" --version; cat setup.py requirements/base.in "${files[@]}"; } | cksum)
stamp=$venv/.installed-$(IFS=-; echo "$*")
if [[ -f $stamp && $(< "$stamp") == "$wanted" ]]; then
    exit
fi

if [[ " $* " == *" services "* ]]; then
    scripts/mysqlclient_headers.sh "$python"
fi
# One environment holds one Django: whatever was installed with another is no longer complete.
for name in "$@"; do
    [[ $name != django* ]] || find "$venv" -maxdepth 1 -name ".installed-*django*" ! -name "*$name*" -delete
done
echo "Installing requirements ($*) into $venv"
"$python" -m pip install --quiet --disable-pip-version-check "${arguments[@]}"
# Two calls at the same time must not write the metadata of the package at the same time.
exec 9< setup.py
! command -v flock > /dev/null || flock 9
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --editable .
echo "$wanted" > "$stamp"
