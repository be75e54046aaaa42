"""The demo: many people press at the same moment, and its database is a file."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from edx_rest_framework_extensions.auth.jwt.tests.utils import generate_jwt_token, generate_latest_version_payload

from sandbox.settings import hosts

ROOT = Path(__file__).parent.parent.parent
AT_ONCE = 50
PAUSE = 0.02
"""Seconds in which the server takes a connection. It lets ten wait, and the rest are no question of the database."""
SECONDS_TO_START = 60.0
PATHS = ["path-v1:DemoX+DS101+2026", "path-v1:DemoX+WEB+2026+A"]


class Demo:
    """A server of ``make demo``, asked by staff. They come with a JWT, as checking 50 passwords takes 20 seconds."""

    def __init__(self, port: int) -> None:
        self.port = port
        issuer = settings.JWT_AUTH["JWT_ISSUERS"][0]
        payload = generate_latest_version_payload(User(username="staff", email="staff@example.com"))
        payload.update(iss=issuer["ISSUER"], aud=issuer["AUDIENCE"])
        self.token = f"JWT {generate_jwt_token(payload, issuer['SECRET_KEY'])}"

    def connect(self) -> HTTPConnection:
        """Return an open connection, as soon as the server is up."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                connection.connect()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return connection

    def ask(
        self, connection: HTTPConnection, method: str, address: str, body: Any = None, host: str = "localhost"
    ) -> tuple[int, Any]:
        """Send a request and return the status and the body of the answer."""
        try:
            headers = {"Authorization": self.token, "Content-Type": "application/json", "Host": host}
            connection.request(method, address, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def ask_at_once(self, requests: Sequence[tuple[Any, ...]]) -> list[tuple[int, Any]]:
        """Send each request in a thread and over a connection of its own, all let go at the same moment."""
        barrier = Barrier(len(requests))

        def send(request: tuple[Any, ...], connection: HTTPConnection) -> tuple[int, Any]:
            barrier.wait()
            return self.ask(connection, *request)

        connections = []
        for _ in requests:
            connections.append(self.connect())
            time.sleep(PAUSE)
        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(send, requests, connections))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a demo on a database of its own, which holds the demo data."""
    directory = tmp_path_factory.mktemp("demo")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "sandbox.settings",
        "DATABASE_URL": f"sqlite:///{directory / 'demo.sqlite3'}",
        "EMAIL_FILE_PATH": str(directory / "mail"),
        "BROKER_URL": "",
        "ALLOWED_HOSTS": "",
        "LMS_ROOT_URL": "",
    }
    for command in ("migrate", "seed_demo"):
        _manage(environment, command, "--verbosity=0")
    return environment


@pytest.fixture(scope="module")
def demo(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A server of a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "server.log"
    command = [sys.executable, "manage.py", "runserver", "--noreload", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    demo = Demo(port)
    try:
        demo.connect().close()
        yield demo
    finally:
        server.terminate()
        server.wait()
        print(log.read_text()[-5000:])


def _manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, capture_output=True
    )


def test_of_fifty_who_enroll_one_learner_one_is_the_first(demo: Demo) -> None:
    request = ("POST", f"/api/v1/learning-path-enrollment/{PATHS[1]}", {"username": "ben"})
    answers = demo.ask_at_once([request] * AT_ONCE)
    assert Counter(status for status, _ in answers) == {201: 1, 409: AT_ONCE - 1}


def test_fifty_bulk_requests_get_fifty_answers(demo: Demo) -> None:
    answers = demo.ask_at_once(
        [
            (
                "POST",
                "/api/v1/enrollment/bulk_enroll/",
                {"emails": [f"person{number}-{index}@example.com" for index in range(20)], "learning_paths": PATHS},
            )
            for number in range(AT_ONCE)
        ]
    )
    assert Counter(status for status, _ in answers) == {201: AT_ONCE}
    assert sum(json.loads(body)["enrollment_allowed_created"] for _, body in answers) == AT_ONCE * 20 * len(PATHS)


def test_fifty_who_read_and_write_get_fifty_answers(demo: Demo) -> None:
    one = f"/api/v1/learning-path-enrollment/{PATHS[0]}"
    requests = [
        ("GET", "/api/v1/enrollment/"),
        ("POST", one, {"username": "ben"}),
        ("DELETE", one, {"username": "ben"}),
        ("GET", "/api/learning_paths/v1/learning-paths/"),
        ("GET", "/"),
    ]
    statuses = {status for status, _ in demo.ask_at_once(requests * (AT_ONCE // len(requests)))}
    assert statuses <= {200, 201, 204, 404, 409}
    assert 200 in statuses


def test_readers_do_not_wait_for_the_writer(environment: dict[str, str]) -> None:
    with closing(sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8000", 200), ("127.0.0.1", 200), ("[::1]:1", 200), ("site.localhost", 200), ("evil.example.com", 400)],
)
def test_the_server_answers_to_its_own_names_alone(demo: Demo, host: str, status: int) -> None:
    assert demo.ask(demo.connect(), "GET", "/", host=host)[0] == status


def test_other_names_are_those_that_are_listed_and_that_of_links_in_e_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    assert hosts("http://localhost:8000") == [*own, "localhost"]
    monkeypatch.setenv("ALLOWED_HOSTS", "web, my-laptop.local,")
    assert hosts("http://lms.example.com:8000") == [*own, "lms.example.com", "web", "my-laptop.local"]
