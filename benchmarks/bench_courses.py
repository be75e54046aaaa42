"""
What it costs to enroll a class in its courses: by one request, in process, and by one REST call for each pair.

200 learners (``LEARNERS``) x 5 course runs (``COURSES``), over real HTTP on the loopback interface, on the server that
``DATABASE_URL`` names or else on SQLite in a file. See README.rst for what is compared and how.

The program runs itself anew as the HTTP server.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit

from benchmarks.common import QueryCounter, empty_tables, median_time, scratch_database, set_up_django, timed

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from django.http import HttpRequest, HttpResponse

RUNS = int(os.environ.get("RUNS", "3"))
LEARNERS = int(os.environ.get("LEARNERS", "200"))
COURSES = int(os.environ.get("COURSES", "5"))
ACCOUNTS = max(10_000, LEARNERS)
PAIRS = LEARNERS * COURSES

NAMES = [f"learner{number}" for number in range(ACCOUNTS)]
EMAILS = [f"{name}@example.com" for name in NAMES]
KEYS = [f"course-v1:DemoX+C{number}+2026" for number in range(COURSES)]
WARM_UP_KEY = "course-v1:DemoX+WarmUp+2026"
REASON = "benchmark"
PASSWORD = "benchmark"
HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

FLOOR_URL = "/floor/enrollment"
LISTED_URL = "/api/v1/enroll_learners_in_courses/"
LICENSED_URL = "/api/v1/bulk-license-enrollment/?subscription_uuid="


@dataclass
class Taken:
    """What some requests took, and how much of it was in the platform's ``enroll_in_course``."""

    seconds: float = 0
    queries: int = 0
    calls: int = 0
    platform_queries: int = 0
    platform_seconds: float = 0

    def add(self, measured: dict[str, Any]) -> None:
        """Add what one request took."""
        for name, value in measured.items():
            setattr(self, name, getattr(self, name) + value)


class Meter(QueryCounter):
    """Counts the statements of a connection, and those of the platform's ``enroll_in_course`` by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = Taken()

    @contextmanager
    def reading(self) -> Iterator[Taken]:
        """Count what the body does."""
        from django.db import connection

        self.count, self.taken = 0, Taken()
        with connection.execute_wrapper(self):
            yield self.taken
        self.taken.queries = self.count

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Tell the platform's own work apart while the body runs."""
        from sandbox.lms import SandboxLMS

        enroll = SandboxLMS.enroll_in_course

        @functools.wraps(enroll)
        def metered(*args: Any, **kwargs: Any) -> Any:
            count, begin = self.count, time.perf_counter()
            try:
                return enroll(*args, **kwargs)
            finally:
                self.taken.calls += 1
                self.taken.platform_queries += self.count - count
                self.taken.platform_seconds += time.perf_counter() - begin

        with mock.patch.object(SandboxLMS, "enroll_in_course", metered):
            yield


def enrollment(request: HttpRequest) -> HttpResponse:
    """
    Enroll one learner in one course run: the floor, with a body like that of ``/api/enrollment/v1/enrollment``.

    It is not the LMS's, which can't be had without the LMS. Nothing is done that isn't needed for staff to enroll
    somebody else.
    """
    from django.contrib.auth.models import User
    from django.http import JsonResponse
    from opaque_keys.edx.keys import CourseKey
    from rest_framework.authentication import BasicAuthentication

    from learning_paths.lms import get_lms

    authenticated = BasicAuthentication().authenticate(request)  # type: ignore[arg-type]  # reads the headers only
    if authenticated is None or not authenticated[0].is_staff:
        return JsonResponse({}, status=403)
    asked = json.loads(request.body)
    user = User.objects.get(username=asked["user"])
    key = CourseKey.from_string(asked["course_details"]["course_id"])
    state = get_lms().enroll_in_course(
        user, key, mode=None, force=False, acting_user=authenticated[0], reason=asked["reason"]
    )
    return JsonResponse({"user": user.username, "mode": state.mode, "is_active": True, "created": state.created})


def serve(*, keep: bool) -> None:
    """
    Answer on a free port of the loopback interface, whose number is printed, until the standard input is closed.

    ``keep``: a connection to the database lasts as long as that of the client, and not for one request.
    """
    set_up_django()
    from threading import Thread

    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application
    from django.db import connections
    from django.test import override_settings
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    from sandbox.urls import urlpatterns

    class Handler(WSGIRequestHandler):
        """As Django's, without its log, and without the pause of 40 ms that small packets can lead to."""

        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    connections.settings["default"]["CONN_MAX_AGE"] = None if keep else 0
    application = get_wsgi_application()
    meter = Meter()

    def measured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            meter.taken.queries = meter.count
            return start_response(status, [*headers, ("X-Taken", json.dumps(asdict(meter.taken)))], *args)

        with meter.reading():
            return application(environ, start)

    urlconf = (path(FLOOR_URL.lstrip("/"), csrf_exempt(enrollment)), *urlpatterns)
    limits = ("LEARNING_PATHS_BULK_SYNC_LIMIT", "LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT")
    in_one_request = dict.fromkeys(limits, 10**9)
    with meter.installed(), override_settings(ROOT_URLCONF=urlconf, PASSWORD_HASHERS=HASHERS, **in_one_request):
        server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
        server.set_app(measured)
        Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()


@contextmanager
def server(*, keep: bool) -> Iterator[int]:
    """Run the HTTP server in a process of its own, on the scratch database; yield its port."""
    from django.db import connection

    if connection.vendor == "sqlite":
        url = f"sqlite:///{connection.settings_dict['NAME']}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    command = [sys.executable, __file__, "serve", "kept" if keep else "new"]
    environment = {**os.environ, "DATABASE_URL": url}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


class Client:
    """Staff at one kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.http = HTTPConnection("127.0.0.1", port, timeout=600)
        credentials = b64encode(f"staff:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        self.taken = Taken()

    def post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, which has to be a success."""
        self.http.request("POST", url, json.dumps(body), self.headers)
        response = self.http.getresponse()
        content = response.read()
        assert response.status in (200, 201), f"{response.status}: {content[:500]!r}"
        self.taken.add(json.loads(response.headers["X-Taken"]))
        answer: dict[str, Any] = json.loads(content)
        return answer


def pair_by_pair(client: Client, names: list[str], keys: list[str]) -> int:
    """Enroll each learner in each course run by a call of its own; return how many were enrolled."""
    return sum(
        client.post(FLOOR_URL, {"user": name, "course_details": {"course_id": key}, "reason": REASON})["created"]
        for name in names
        for key in keys
    )


def listed(client: Client, names: list[str], keys: list[str]) -> int:
    """Enroll them by one request that names each pair; return how many were enrolled."""
    entries = [{"email": f"{name}@example.com", "course_run_key": key} for name in names for key in keys]
    return count_created(client.post(LISTED_URL, {"enrollments_info": entries, "reason": REASON}))


def licensed(subscription: Any, client: Client, names: list[str], keys: list[str]) -> int:
    """Enroll the learners, who have licenses, in the course runs that these cover; return how many were enrolled."""
    body = {"emails": [f"{name}@example.com" for name in names], "course_run_keys": keys, "reason": REASON}
    return count_created(client.post(f"{LICENSED_URL}{subscription}", body))


def count_created(answer: dict[str, Any]) -> int:
    """Return how many of the successes are new."""
    return sum(row["created"] for row in answer["successes"])


def over_http(port: int, enroll: Callable[[Client, list[str], list[str]], int]) -> Iterator[Taken]:
    """Enroll everybody through a connection that is warm, then once more; yield what each took."""
    client = Client(port)
    enroll(client, NAMES[-1:], [WARM_UP_KEY])
    created: list[int] = []
    for expected in (PAIRS, 0):
        client.taken = Taken()
        seconds = timed(lambda: created.append(enroll(client, NAMES[:LEARNERS], KEYS)))
        assert created[-1] == expected, created
        assert client.taken.calls == PAIRS or not expected, client.taken
        client.taken.seconds = seconds
        yield client.taken
    client.http.close()


def in_process() -> Iterator[Taken]:
    """Enroll everybody through the api, then once more; yield what each took."""
    from django.contrib.auth.models import User

    from learning_paths import api

    staff = User.objects.get(username="staff")
    meter = Meter()

    def enroll(emails: list[str], keys: list[str]) -> int:
        report = api.bulk_enroll(api.prepare_bulk(emails, course_keys=keys), reason=REASON, acting_user=staff)
        return sum(row.code.is_change for row in report.rows)

    enroll(EMAILS[-1:], [WARM_UP_KEY])
    created: list[int] = []
    for expected in (PAIRS, 0):
        with meter.installed(), meter.reading() as taken:
            seconds = timed(lambda: created.append(enroll(EMAILS[:LEARNERS], KEYS)))
        assert created[-1] == expected, created
        taken.seconds = seconds
        yield taken


def fill() -> Any:
    """Make the accounts, the course runs, and a subscription of which the learners have licenses; return its uuid."""
    from django.contrib.auth.hashers import MD5PasswordHasher
    from django.contrib.auth.models import User
    from django.utils import timezone

    from learning_paths import api
    from learning_paths.models import SubscriptionPlan
    from sandbox.courses.models import CourseRun

    User.objects.bulk_create(
        [User(username=name, email=email) for name, email in zip(NAMES, EMAILS, strict=True)], batch_size=1000
    )
    staff = User.objects.create(
        username="staff", is_staff=True, password=MD5PasswordHasher().encode(PASSWORD, "benchmark")
    )
    CourseRun.objects.bulk_create([CourseRun(course_key=key) for key in [*KEYS, WARM_UP_KEY]])
    day = timedelta(days=1)
    plan = SubscriptionPlan.objects.create(
        title="Benchmark",
        start_date=timezone.now() - day,
        expiration_date=timezone.now() + day,
        num_licenses=LEARNERS + 1,
    )
    for key in [*KEYS, WARM_UP_KEY]:
        plan.courses.create(course_key=key)
    report = api.assign_licenses(plan, [*EMAILS[:LEARNERS], EMAILS[-1]], acting_user=staff)
    assert len(report.rows) == LEARNERS + 1
    return plan.uuid


def measure(contestants: dict[str, Callable[[], Iterator[Taken]]]) -> dict[str, list[list[Taken]]]:
    """Run the contestants in turn, each on emptied tables; return their runs, each the first time and the repeat."""
    from sandbox.courses.models import CourseEnrollment, ManualCourseEnrollmentAudit

    runs: dict[str, list[list[Taken]]] = {name: [] for name in contestants}
    for _ in range(RUNS):
        for name, contestant in contestants.items():
            empty_tables(CourseEnrollment, ManualCourseEnrollmentAudit)
            runs[name].append(list(contestant()))
    return runs


def show(runs: dict[str, list[list[Taken]]], floor: str) -> None:
    """Print the table."""
    for which, label in enumerate(("first run", "repeat")):
        print(f"\n{'':78}queries          ms for each pair")
        print(f"{label:39}seconds (least to greatest)   floor / it   all  around   platform  around")
        floor_time = median(run[which].seconds for run in runs[floor])
        for name, taken in runs.items():
            measured = [run[which] for run in taken]
            seconds = [some.seconds for some in measured]
            print(
                f"  {name:34}{median(seconds):8.3f}  ({min(seconds):.3f} to {max(seconds):.3f})".ljust(68)
                + f"{floor_time / median(seconds):8.2f}"
                f"{measured[-1].queries:9,}{measured[-1].queries - measured[-1].platform_queries:8,}"
                f"{median(some.platform_seconds for some in measured) / PAIRS * 1000:11.2f}"
                f"{median(some.seconds - some.platform_seconds for some in measured) / PAIRS * 1000:8.2f}"
            )


def main() -> None:
    """Print the table of the database that is configured."""
    floor = "one call for each pair"
    with tempfile.TemporaryDirectory() as directory, scratch_database(Path(directory)) as name:
        from django.contrib.auth.hashers import PBKDF2PasswordHasher

        subscription = fill()
        print(f"{name}: {LEARNERS:,} learners x {COURSES} course runs = {PAIRS:,} pairs; median of {RUNS}")
        with server(keep=True) as kept, server(keep=False) as new:
            runs = measure(
                {
                    floor: lambda: over_http(kept, pair_by_pair),
                    "the same, database connected anew": lambda: over_http(new, pair_by_pair),
                    "one request": lambda: over_http(kept, listed),
                    "one request, connected anew": lambda: over_http(new, listed),
                    "one request, with licenses": lambda: over_http(kept, functools.partial(licensed, subscription)),
                    "api.bulk_enroll in process": in_process,
                }
            )
        show(runs, floor)
        hasher = PBKDF2PasswordHasher()
        encoded = hasher.encode(PASSWORD, "benchmark")
        check = median_time(lambda: hasher.verify(PASSWORD, encoded), repeats=RUNS) * 1000
        print(f"Left out: checking a password as Django hashes it by default takes {check:.0f} ms, for each call")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", database_connection]:
            serve(keep=database_connection == "kept")
        case _:
            main()
