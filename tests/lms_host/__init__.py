"""
A host that loads its settings, authenticates and migrates as the LMS does, in a process of its own.

`common` and `production` stand for `lms/envs/common.py` and `production.py`: the plugins' settings are asked for while
settings of the platform are `Derived` still. The sandbox, which is tested everywhere else, is friendlier.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str, database: str, package: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """
    Run Python in the host, and return what it wrote and how it ended.

    Arguments:
        arguments: those of the interpreter, such as `-m`, `django`, `check`.
        database: the URL of the database.
        package: the directory with the `learning_paths` that the host has installed.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LEARNING_PATHS_")},
        "DJANGO_SETTINGS_MODULE": "tests.lms_host.production",
        "DATABASE_URL": database,
        "PYTHONPATH": os.pathsep.join([str(package), str(ROOT)]),
    }
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
