"""
The rival of bulk enrollment, from which sites move here: ``learning-paths-plugin`` from PyPI, as a black box.

Its package has the same import name as ours, so it lives in a virtual environment of its own and runs in a process of
its own. ``driver.py``, ``settings.py`` and ``tests/move/fill.py`` belong to that process; nothing of ours is importable
there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / ".venv-rival"


def install(*, mysql: bool) -> Path:
    """Make the virtual environment unless it is there, with the driver for MySQL if asked; return its Python."""
    python = VENV / "bin" / "python"
    stamp = VENV / ".installed"
    names = ["benchmarks/rival/requirements.txt", *(["requirements/services.txt"] if mysql else [])]
    wanted = sys.version + "".join((ROOT / name).read_text() for name in names)
    if stamp.exists() and stamp.read_text().startswith(wanted):  # one with the driver does without it too
        return python
    print(f"Installing the rival into {VENV.name}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    if mysql:
        subprocess.run([ROOT / "scripts" / "mysqlclient_headers.sh", python], check=True)
    requirements = [argument for name in names for argument in ("-r", str(ROOT / name))]
    command = ["-m", "pip", "install", "-qq", "--no-compile", *requirements]
    subprocess.run([python, *command], check=True, env=environment())
    stamp.write_text(wanted)
    return python


def environment(**more: str) -> dict[str, str]:
    """Return the environment of the rival's processes, whose Python is to see none of this checkout's packages."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "DATABASE_URL"}} | more


def database_beside_ours(directory: Path) -> dict[str, Any]:
    """Return the settings of a scratch database beside the one of this process, as a file in a directory if SQLite."""
    from django.db import connection

    database = {
        name: connection.settings_dict[name]
        for name in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS", "ATOMIC_REQUESTS")
    }
    database["NAME"] = "learning_paths_rival"
    database["TEST"] = {**connection.settings_dict["TEST"], "NAME": None}
    if connection.vendor == "sqlite":
        database["TEST"]["NAME"] = str(directory / "rival.sqlite3")
    return database


def measure(database: dict[str, Any], work: dict[str, Any]) -> dict[str, Any]:
    """
    Let the rival do ``work`` in the scratch database that ``database`` describes as Django's setting does.

    Raises:
        RuntimeError: the driver failed; its last words are in the message.
    """
    return run(HERE / "driver.py", database, work)


def run(script: Path, database: dict[str, Any], work: dict[str, Any]) -> dict[str, Any]:
    """
    Run a script with the rival's Python and settings, on that database; return what its last line of output says.

    It finds ``work`` as JSON in its standard input, and the modules of this folder by their bare names.

    Raises:
        RuntimeError: the script failed; its last words are in the message.
    """
    python = install(mysql=database["ENGINE"].endswith(".mysql"))
    done = subprocess.run(
        [python, script],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        cwd=HERE,
        env=environment(RIVAL_DATABASE=json.dumps(database), PYTHONPATH=str(HERE)),
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
