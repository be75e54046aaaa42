#!/usr/bin/env bash
# show_versions.sh [COMMAND...]: prints which Python, Django and database the tests are about to use; runs the command.
set -euo pipefail

DJANGO_SETTINGS_MODULE=sandbox.settings "$(dirname "${BASH_SOURCE[0]}")/../.venv/bin/python" - <<'PYTHON'
import os
import platform
import sys

sys.path.insert(0, os.getcwd())

import django
from django.db import connection

django.setup()
version = ".".join(map(str, connection.get_database_version()))
print(f"Python {platform.python_version()}, Django {django.__version__}, {connection.display_name} {version}", flush=True)
PYTHON
"$@"
