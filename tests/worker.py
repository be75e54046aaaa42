"""A real Celery worker: processes of their own, on the test's database, with Redis between them and the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from celery import Celery
from django.db import connection
from kombu import pools
from redis import Redis

from sandbox import celery_app

ROOT = Path(__file__).parent.parent
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 30.0

StartWorker = Callable[..., "Worker"]


class Worker:
    """One worker, which answers pings once the constructor has returned."""

    def __init__(self, environment: dict[str, str], directory: Path, *options: str) -> None:
        self.name = f"worker-{uuid4().hex[:8]}@localhost"
        self._log = directory / f"{self.name}.log"
        command = [sys.executable, "-m", "celery", "--app=sandbox", "worker", f"--hostname={self.name}"]
        command += ["--concurrency=1", "--loglevel=INFO", "--without-gossip", "--without-mingle", *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._await_readiness()
        except BaseException:
            self.kill()
            raise

    @property
    def log(self) -> str:
        """What the worker has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def is_up(self) -> bool:
        """Return whether the worker answers a ping."""
        return bool(celery_app.control.ping(destination=[self.name], timeout=1.0))

    def kill(self) -> None:
        """End it at once with the processes it has started, as a crash of the machine does: nothing is put away."""
        with suppress(ProcessLookupError):  # no process of the group is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end: it finishes the task in hand first."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        finally:
            self.kill()

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The worker did not start. Its log:\n{self.log}")


@contextmanager
def workers() -> Iterator[StartWorker]:
    """
    Send this process's tasks to Redis, and give a function that starts workers for them.

    What follows the ``with`` finds Celery as it was, no worker running, and nothing left in Redis. The prefix of the
    keys is new each time, so that neither tests that run in parallel nor earlier ones share a task.

    The function takes options of ``celery worker`` and ``visibility_timeout``, the seconds after which Redis gives the
    task of a worker that was killed to another one: an hour if nothing is said.
    """
    url = os.environ.get("REDIS_URL")
    if not url:
        pytest.skip("There is no Redis: REDIS_URL is not set.")
    prefix = f"learning-paths-test-{uuid4().hex}."
    with ExitStack() as stack:
        stack.callback(_forget_keys, url, prefix)
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="learning-paths-worker.")))
        transport: dict[str, Any] = {**celery_app.conf.broker_transport_options, "global_keyprefix": prefix}
        stack.enter_context(_broker(celery_app, url, transport))

        def start_worker(*options: str, visibility_timeout: float | None = None) -> Worker:
            own: dict[str, Any] = {"global_keyprefix": prefix}
            if visibility_timeout is not None:
                own["visibility_timeout"] = visibility_timeout
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "sandbox.settings",
                "DATABASE_URL": test_database_url(),
                "BROKER_URL": url,
                "BROKER_TRANSPORT_OPTIONS": json.dumps(own),
            }
            worker = Worker(environment, directory, *options)
            stack.callback(_end, worker)
            return worker

        yield start_worker


@pytest.fixture
def start_worker(transactional_db: None) -> Iterator[StartWorker]:
    """The function of `workers`, for a test that is a function. A TestCase says ``self.enterContext(workers())``."""
    with workers() as start:
        yield start


def test_database_url() -> str:
    """Return the ``DATABASE_URL`` of the database that this test runs on."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        pytest.skip("The test's database is in memory, where no other process sees it.")
    host, port = database["HOST"], database["PORT"]
    credentials = ":".join(quote(str(database[name]), safe="") for name in ("USER", "PASSWORD"))
    return f"mysql://{credentials}@{host}{f':{port}' if port else ''}/{database['NAME']}"


@contextmanager
def _broker(app: Celery, url: str, transport: dict[str, Any]) -> Iterator[None]:
    wanted = {"broker_url": url, "broker_transport_options": transport, "task_always_eager": False}
    before = {name: app.conf[name] for name in wanted}
    app.conf.update(wanted)
    _close_connections(app)
    try:
        yield
    finally:
        _close_connections(app)
        app.conf.update(before)


def _close_connections(app: Any) -> None:
    """Forget every connection to a broker: the next task opens one to the broker that is set then."""
    pools.reset()
    app._pool = app.amqp._producer_pool = None


def _end(worker: Worker) -> None:
    """End the worker, and show its log with the test's report, where pytest prints it if the test failed."""
    worker.kill()
    print(f"Log of {worker.name}:\n{worker.log}")


def _forget_keys(url: str, prefix: str) -> None:
    with Redis.from_url(url) as redis:
        for key in redis.scan_iter(match=f"{prefix}*"):
            redis.delete(key)
