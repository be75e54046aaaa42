#!/usr/bin/env bash
# Installs Chromium and its driver where they are missing.
set -euo pipefail

packages=()
command -v chromium > /dev/null || command -v google-chrome > /dev/null || packages+=(chromium)
command -v chromedriver > /dev/null || packages+=(chromium-driver)
if [[ ${#packages[@]} != 0 ]]; then
    "$(dirname "${BASH_SOURCE[0]}")/apt_install.sh" "${packages[@]}"
fi
