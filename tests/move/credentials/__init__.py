"""``learning-credentials`` from PyPI, which was made for learning-paths-plugin, beside this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
REQUIREMENTS = HERE / "requirements.txt"
PACKAGES = ROOT / ".venv-credentials"


def install() -> None:
    """Install it into a folder of its own, which only its process has on its path, unless it is there."""
    stamp = PACKAGES / ".installed"
    wanted = sys.version + REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing learning-credentials into {PACKAGES.name}", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "-qq", "--no-compile", "--no-deps", "--upgrade"]
    subprocess.run([*command, "--target", str(PACKAGES), "-r", str(REQUIREMENTS)], check=True)
    stamp.write_text(wanted)


def run(database: dict[str, Any]) -> dict[str, Any]:
    """
    Let ``use.py`` use it in an empty database, and return what it found.

    Raises:
        RuntimeError: it failed; its last words are in the message.
    """
    install()
    path = os.pathsep.join(map(str, (HERE, ROOT, PACKAGES)))
    environment = {**os.environ, "PYTHONPATH": path, "SITE_DATABASE": json.dumps(database)}
    done = subprocess.run([sys.executable, HERE / "use.py"], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
