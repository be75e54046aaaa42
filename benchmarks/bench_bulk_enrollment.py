"""
What a bulk enrollment over REST costs, against the bare inserts, against a rival, and as it grows.

1,000 registered learners and 200 unknown addresses (``LEARNERS``, ``UNKNOWN``) in 5 paths (``PATHS``), on SQLite in a
file, and before that on the server that ``DATABASE_URL`` names. See README.rst for what is compared and how.

The program runs itself anew for each database, and there for each measured request.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks import rival
from benchmarks.common import QueryCounter, empty_tables, peak_memory, scratch_database, set_up_django, timed

if TYPE_CHECKING:
    from django.db.models import Model

RUNS = int(os.environ.get("RUNS", "3"))
PATHS = int(os.environ.get("PATHS", "5"))
GROWTH = int(os.environ.get("GROWTH", "10"))
PARTS = os.environ.get("PARTS", "floor ours rival growth trace").split()

URL = "/api/v1/enrollment/bulk_enroll/"
REASON = "benchmark"
KEYS = [f"path-v1:DemoX+P{number}+2026+All" for number in range(PATHS)]
WARM_UP_KEY = "path-v1:DemoX+WarmUp+2026+All"
WARM_UP_EMAIL = "warm-up@example.com"


@dataclass(frozen=True)
class Size:
    """How many addresses a request names: those of registered learners, and unknown ones."""

    learners: int
    unknown: int

    @property
    def emails(self) -> list[str]:
        """The addresses, as the benchmark's accounts have them."""
        return [
            *(f"learner{number}@example.com" for number in range(self.learners)),
            *(f"unknown{number}@example.com" for number in range(self.unknown)),
        ]

    @property
    def pairs(self) -> int:
        """How many pairs of an address and a path."""
        return (self.learners + self.unknown) * PATHS

    def __mul__(self, factor: int) -> Size:
        return Size(self.learners * factor, self.unknown * factor)


SIZE = Size(int(os.environ.get("LEARNERS", "1000")), int(os.environ.get("UNKNOWN", "200")))
ACCOUNTS = (SIZE * max(GROWTH, 1)).learners


@dataclass(frozen=True)
class Aims:
    """What is aimed at on one kind of database."""

    floor: float
    queries: int
    rival_first: float
    rival_repeat: float = 30
    growth_factor: float = 1.1
    growth_mb: float = 60


AIMS = {"mysql": Aims(floor=2.5, queries=60, rival_first=4), "sqlite": Aims(floor=10, queries=400, rival_first=2.5)}


def written_models() -> list[type[Model]]:
    """Return the models whose tables a bulk enrollment writes to, parents first."""
    from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit

    return [
        LearningPathEnrollment,
        LearningPathEnrollment.history.model,
        LearningPathEnrollmentAllowed,
        ManualEnrollmentAudit,
        ManualEnrollmentAudit.history.model,
    ]


def fill() -> None:
    """Make the accounts, a member of the staff and the paths."""
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath

    User.objects.bulk_create(
        [User(username=email.partition("@")[0], email=email) for email in Size(ACCOUNTS, 0).emails], batch_size=1000
    )
    User.objects.create(username="staff", is_staff=True)
    LearningPath.objects.bulk_create([LearningPath(key=key, display_name=key) for key in [*KEYS, WARM_UP_KEY]])


def floor_instances(size: Size) -> Iterator[Model]:
    """Yield what ``size`` adds to the tables, with keys that count from 1."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from learning_paths.data import StateTransition
    from learning_paths.models import (
        LearningPath,
        LearningPathEnrollment,
        LearningPathEnrollmentAllowed,
        ManualEnrollmentAudit,
    )

    users = dict(User.objects.values_list("email", "pk"))
    staff = User.objects.get(username="staff").pk
    paths = LearningPath.objects.filter(key__in=KEYS).values_list("pk", flat=True)
    # Looked up once: each look at ``history`` makes a manager class.
    enrollment_history = LearningPathEnrollment.history.model
    audit_history = ManualEnrollmentAudit.history.model
    enrollments = 0
    for pk, (email, path) in enumerate(((email, path) for email in size.emails for path in paths), start=1):
        now = timezone.now()
        by_staff: dict[str, Any] = {"history_date": now, "history_type": "+", "history_user_id": staff}
        user = users.get(email)
        if user is not None:
            enrollments += 1
            enrollment = LearningPathEnrollment(pk=enrollments, user_id=user, learning_path_id=path, enrolled_at=now)
            yield enrollment
            yield enrollment_history(history_id=enrollments, **by_staff, **tracked(enrollment_history, enrollment))
        yield LearningPathEnrollmentAllowed(pk=pk, email=email, learning_path_id=path, user_id=user)
        audit = ManualEnrollmentAudit(
            pk=pk,
            enrollment_id=None if user is None else enrollments,
            enrollment_allowed_id=pk,
            enrolled_by_id=staff,
            enrolled_email=email,
            reason=REASON,
            state_transition=(
                StateTransition.UNENROLLED_TO_ALLOWED if user is None else StateTransition.UNENROLLED_TO_ENROLLED
            ),
        )
        yield audit
        yield audit_history(history_id=pk, **by_staff, **tracked(audit_history, audit))


def tracked(history: Any, instance: Model) -> dict[str, Any]:
    """Return what a row of django-simple-history repeats of an instance."""
    return {field.attname: getattr(instance, field.attname) for field in history.tracked_fields}


def floor_statements(size: Size) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return the inserts that ``size`` amounts to, each with the parameters of its rows as the driver wants them."""
    from django.db import connection

    quote = connection.ops.quote_name
    mark = "?" if connection.vendor == "sqlite" else "%s"
    statements: dict[type[Model], tuple[str, list[tuple[Any, ...]]]] = {}
    for model in written_models():
        columns = [quote(str(field.column)) for field in model._meta.concrete_fields]
        values = ", ".join([mark] * len(columns))
        statements[model] = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(columns)}) VALUES ({values})", []
    for instance in floor_instances(size):
        fields = instance._meta.concrete_fields
        row = tuple(field.get_db_prep_save(field.pre_save(instance, True), connection) for field in fields)
        statements[type(instance)][1].append(row)
    return list(statements.values())


def insert(statements: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
    """Run the statements by the driver's own cursor, in one transaction."""
    from django.db import connection, transaction

    with transaction.atomic():
        cursor = connection.connection.cursor()
        for statement, rows in statements:
            cursor.executemany(statement, rows)
        cursor.close()


def ours(size: Size, *, repeat: bool = False, trace: bool = False) -> dict[str, Any]:
    """Measure our endpoint in a fresh process."""
    from django.db import connection

    empty_tables(*written_models())
    if connection.vendor == "sqlite":
        url = f"sqlite:///{connection.settings_dict['NAME']}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    task = {"learners": size.learners, "unknown": size.unknown, "repeat": repeat, "trace": trace}
    done = subprocess.run(
        [sys.executable, __file__, "request", json.dumps(task)],
        stdout=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": url},
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def request(*, learners: int, unknown: int, repeat: bool, trace: bool) -> dict[str, Any]:
    """Send the request of ``ours``, after a small one that loads what is loaded late; return the measurements."""
    set_up_django()
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import override_settings
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_authenticate(User.objects.get(username="staff"))

    def rows() -> int:
        return sum(model._default_manager.count() for model in written_models())

    def post(keys: list[str], emails: list[str]) -> tuple[float, int, Any]:
        responses: list[Any] = []
        body = {"learning_paths": keys, "emails": emails, "reason": REASON}
        counter = QueryCounter()
        with connection.execute_wrapper(counter):
            seconds = timed(lambda: responses.append(client.post(URL, body, format="json")))
        assert responses[0].status_code in (200, 201), f"{responses[0].status_code}: {responses[0].content[:500]!r}"
        return seconds, counter.count, responses[0]

    with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=10**9, LEARNING_PATHS_BULK_MAX_PAIRS=10**9):
        post([WARM_UP_KEY], [WARM_UP_EMAIL])
        emails = Size(learners, unknown).emails
        before = rows()
        if trace:
            tracemalloc.start()
        seconds, queries, response = post(KEYS, emails)
        result = {"first": seconds, "first_queries": queries, "peak": peak_memory()}
        if trace:
            result["traced_peak"] = tracemalloc.get_traced_memory()[1] / 1024**2
        result["first_rows"] = rows() - before
        assert response.json()["enrollments_created"] == learners * PATHS
        if repeat:
            result["repeat"], result["repeat_queries"], response = post(KEYS, emails)
            assert response.json()["enrollments_created"] == 0
            result["repeat_rows"] = rows() - before - result["first_rows"]
    return result


def median(runs: list[dict[str, Any]], name: str) -> float:
    """Return the median of one measurement."""
    return float(statistics.median(run[name] for run in runs))


def show(label: str, value: float, unit: str, note: str = "") -> None:
    """Print a line of the table."""
    digits = 3 if unit == "s" else 1 if unit == "MB" else 2 if unit == "x" else 0
    print(f"  {label:44}{value:12,.{digits}f} {unit:3} {note}".rstrip(), flush=True)


def judge(label: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> None:
    """Print a line of the table that has an aim."""
    if at_most is not None:
        show(label, value, unit, f"aim: at most {at_most:g}, {'met' if value <= at_most else 'NOT met'}")
    elif at_least is not None:
        show(label, value, unit, f"aim: at least {at_least:g}, {'met' if value >= at_least else 'NOT met'}")


def show_times(label: str, seconds: list[float], note: str) -> None:
    """Print the median of some times, and how far apart they are."""
    show(label, statistics.median(seconds), "s", f"({min(seconds):.3f} to {max(seconds):.3f}) {note}")


def show_runs(name: str, runs: list[dict[str, Any]]) -> None:
    """Print what one of the contestants took, for a first request and a repeat."""
    for which, label in (("first", "first run"), ("repeat", "repeat")):
        note = f"{median(runs, which + '_queries'):,.0f} queries, {median(runs, which + '_rows'):,.0f} rows"
        show_times(f"{name}, {label}", [run[which] for run in runs], note)


def measure_rival(directory: Path) -> list[dict[str, Any]]:
    """Return the runs of the rival, in a database of its own beside ours; none if it can't be had."""
    work = {
        "runs": RUNS,
        "receivers": os.environ.get("RIVAL_RECEIVERS", "1") != "0",
        "accounts": Size(ACCOUNTS, 0).emails,
        "learning_paths": KEYS,
        "emails": SIZE.emails,
        "warm_up": {"learning_path": WARM_UP_KEY, "email": WARM_UP_EMAIL},
    }
    try:
        result = rival.measure(rival.database_beside_ours(directory), work)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(f"  The rival did not run. {error}")
        return []
    runs: list[dict[str, Any]] = result["runs"]
    return runs


def show_growth(aims: Aims) -> None:
    """Measure the request and one ``GROWTH`` times as large in turn, so that a busy machine slows both; print them."""
    small, big = [], []
    for _ in range(RUNS):
        big.append(ours(SIZE * GROWTH))
        small.append(ours(SIZE))
    pairs, small_pairs = f"{SIZE.pairs * GROWTH:,} pairs", f"{SIZE.pairs:,} pairs"
    show_times(f"ours, {pairs}", [run["first"] for run in big], f"{median(big, 'first_queries'):,.0f} queries")
    show_times(f"ours, {small_pairs}, in turn with these", [run["first"] for run in small], "")
    ratio = median(big, "first") / median(small, "first")
    judge(f"{pairs} / {small_pairs}, time", ratio, "x", at_most=aims.growth_factor * GROWTH)
    show(f"peak memory, {small_pairs}", median(small, "peak"), "MB", "of the process")
    show(f"peak memory, {pairs}", median(big, "peak"), "MB", "of the process")
    judge("growth of peak memory", median(big, "peak") - median(small, "peak"), "MB", at_most=aims.growth_mb)


def compare(directory: Path) -> None:
    """Print the table of one database."""
    with scratch_database(directory) as name:
        from django.db import connection

        aims = AIMS[connection.vendor]
        fill()
        print(
            f"\n{name}: {SIZE.learners:,} registered and {SIZE.unknown:,} unknown addresses x {PATHS} paths = "
            f"{SIZE.pairs:,} pairs; {ACCOUNTS:,} accounts; median of {RUNS}"
        )
        statements = floor_statements(SIZE) if "floor" in PARTS else []
        floor_runs, our_runs = [], []
        for _ in range(RUNS):
            if statements:
                empty_tables(*written_models())
                floor_runs.append(timed(lambda: insert(statements)))
            if "ours" in PARTS:
                our_runs.append(ours(SIZE, repeat=True))
        if floor_runs:
            floor = statistics.median(floor_runs)
            show_times("floor", floor_runs, f"{sum(len(rows) for _, rows in statements):,} rows by executemany")
        if our_runs:
            show_runs("ours", our_runs)
            judge("queries of ours, first run", median(our_runs, "first_queries"), "", at_most=aims.queries)
        if floor_runs and our_runs:
            judge("ours / floor", median(our_runs, "first") / floor, "x", at_most=aims.floor)

        if "rival" in PARTS:
            rival_runs = measure_rival(directory)
            if rival_runs:
                show_runs("rival", rival_runs)
            if rival_runs and our_runs:
                first, repeat = (median(rival_runs, which) / median(our_runs, which) for which in ("first", "repeat"))
                judge("rival / ours, first run", first, "x", at_least=aims.rival_first)
                judge("rival / ours, repeat", repeat, "x", at_least=aims.rival_repeat)

        if "growth" in PARTS and GROWTH > 1:
            show_growth(aims)

        if "trace" in PARTS:
            for size in (SIZE, SIZE * GROWTH):
                traced = ours(size, trace=True)["traced_peak"]
                show(f"peak memory by tracemalloc, {size.pairs:,} pairs", traced, "MB", "of the request")


def main() -> None:
    """Print a table for each database; trace memory, which is slow and comes out alike, for the first one alone."""
    server = os.environ.get("DATABASE_URL", "")
    parts = " ".join(PARTS)
    with tempfile.TemporaryDirectory() as directory:
        for url in [server] * server.startswith("mysql:") + [f"sqlite:///{directory}/none.sqlite3"]:
            environment = {**os.environ, "DATABASE_URL": url, "PARTS": parts}
            subprocess.run([sys.executable, __file__, "compare", directory], env=environment, check=True)
            parts = parts.replace("trace", "")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["request", task]:
            print(json.dumps(request(**json.loads(task))))
        case ["compare", directory]:
            compare(Path(directory))
        case _:
            main()
