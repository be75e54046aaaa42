#!/usr/bin/env bash
# Installs what compiling mysqlclient takes, unless the Python that is given has mysqlclient already.
set -euo pipefail
python=$1

if "$python" -c 'import MySQLdb' 2> /dev/null; then
    exit
fi
packages=()
command -v gcc > /dev/null || packages+=(gcc libc6-dev)
command -v pkg-config > /dev/null || packages+=(pkg-config)
pkg-config --exists libmariadb 2> /dev/null || packages+=(libmariadb-dev)
header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
[[ -f $header ]] || packages+=("python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev")
if [[ ${#packages[@]} != 0 ]]; then
    "$(dirname "${BASH_SOURCE[0]}")/apt_install.sh" "${packages[@]}"
fi
