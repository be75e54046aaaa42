#!/usr/bin/env bash
# apt_install.sh PACKAGE...: installs Debian packages, as root or with sudo.
set -euo pipefail

if ! command -v apt-get > /dev/null; then
    echo "Please install: $* (these are Debian's names; there is no apt-get here to do it)" >&2
    exit 1
fi
sudo=()
if [[ $(id -u) != 0 ]]; then
    sudo=(sudo)
fi
echo "Installing Debian packages: $*"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" > /dev/null
