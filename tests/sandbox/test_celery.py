"""Where the sandbox's tasks run, and what a broker that is down does to who asks for one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, os, time
import django
django.setup()
from celery import current_app, shared_task

ran_in = []

@shared_task
def task():
    ran_in.append(os.getpid())

begin, error = time.monotonic(), ""
try:
    task.delay()
except Exception as caught:
    error = type(caught).__name__
seconds = time.monotonic() - begin
conf = current_app.conf
print(json.dumps({
    "app": current_app.main,
    "url": conf.broker_url,
    "eager": conf.task_always_eager,
    "ran_here": ran_in == [os.getpid()],
    "error": error,
    "seconds": seconds,
}))
"""


def ask_for_a_task(**environment: str) -> dict[str, Any]:
    """Ask for a task in a process with these variables, and return what it says of it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "CELERY_"))}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=ROOT,
        env={**inherited, "DJANGO_SETTINGS_MODULE": "sandbox.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    said: dict[str, Any] = json.loads(answer.stdout)
    return said


def test_without_a_broker_a_task_runs_where_it_is_asked_for() -> None:
    for environment in ({}, {"BROKER_URL": " "}):
        said = ask_for_a_task(**environment)
        assert (said["app"], said["eager"], said["ran_here"], said["error"]) == ("sandbox", True, True, "")


def test_with_a_broker_a_task_is_sent_to_it_and_one_that_is_down_is_an_error_at_once() -> None:
    url = "redis://127.0.0.1:1/0"
    said = ask_for_a_task(BROKER_URL=url)
    assert (said["url"], said["eager"], said["ran_here"]) == (url, False, False)
    assert said["error"] == "OperationalError"
    assert said["seconds"] < 5


def test_a_broker_that_does_not_answer_is_waited_for_as_long_as_its_options_say() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = ask_for_a_task(
            BROKER_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
            BROKER_TRANSPORT_OPTIONS='{"socket_timeout": 0.5}',
        )
    assert said["error"] == "OperationalError"
    assert 0.5 <= said["seconds"] < 5
