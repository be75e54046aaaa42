"""
What a bulk job costs: from the upload to the preview, and then the run, against the same pairs without a job.

50,000 addresses, every other one of a registered learner (``ADDRESSES``), in 2 paths (``PATHS``): 100,000 pairs, on the
server that ``DATABASE_URL`` names and after that on SQLite in a file. See README.rst for what is compared and how.

The program runs itself anew for each database, and there for each run, as a worker would.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bench_bulk_enrollment import judge, show, show_times, written_models
from benchmarks.common import QueryCounter, empty_tables, scratch_database, set_up_django, timed

RUNS = int(os.environ.get("RUNS", "3"))
ADDRESSES = int(os.environ.get("ADDRESSES", "50000"))
PATHS = int(os.environ.get("PATHS", "2"))

KEYS = [f"path-v1:DemoX+P{number}+2026+All" for number in range(PATHS)]
REASON = "benchmark"
ROWS_OF_A_PAGE = 50
MOST_SECONDS_TO_PREVIEW = 20
MOST_OF_PLAIN = 1.3
MOST_GROWTH_MB = 5


def resident() -> float:
    """Return how much memory this process has resident now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


class Sampler(QueryCounter):
    """Notes besides how much memory the process has at each sign of life of the worker, which is one a chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: list[float] = []

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "SET `heartbeat_at`" in sql.replace('"', "`"):
            self.memory.append(resident())
        return super().__call__(execute, sql, params, many, context)

    @property
    def growth(self) -> float:
        """How much memory came to the process between a tenth of the job and its end, in MB."""
        return max(self.memory[len(self.memory) // 10 :]) - self.memory[len(self.memory) // 10]


def emails() -> list[str]:
    """Return the addresses, learners and strangers in turn."""
    return [f"{'unknown' if number % 2 else 'learner'}{number}@example.com" for number in range(ADDRESSES)]


def fill() -> None:
    """Make the accounts, a member of the staff and the paths."""
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath

    User.objects.bulk_create(
        [User(username=email.partition("@")[0], email=email) for email in emails()[::2]], batch_size=1000
    )
    User.objects.create(username="staff", is_staff=True)
    LearningPath.objects.bulk_create([LearningPath(key=key, display_name=key) for key in KEYS])


def empty() -> None:
    """Take out what an earlier run wrote."""
    from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow

    empty_tables(*written_models(), BulkEnrollmentRow, BulkEnrollmentJob.learning_paths.through, BulkEnrollmentJob)


def preview() -> dict[str, Any]:
    """Do what the upload of a file does until its preview is there; return the seconds of each step, and the job."""
    from django.contrib.auth.models import User

    from learning_paths import api

    staff = User.objects.get(username="staff")
    content = "\r\n".join(["Email", *emails()]).encode()
    made: dict[str, Any] = {}

    def step(name: str, function: Callable[[], Any]) -> None:
        seconds[name] = timed(lambda: made.update({name: function()}))

    seconds: dict[str, float] = {}
    step("parse the CSV", lambda: api.parse_csv(content))
    step("find the paths", lambda: api.prepare_bulk(made["parse the CSV"], KEYS))
    step(
        "plan and store",
        lambda: api.draft_bulk_job(
            made["find the paths"], reason=REASON, file_name="all.csv", file_content=content, acting_user=staff
        ),
    )
    job = made["plan and store"]
    step("first page", lambda: list(api.bulk_job_rows(job)[:ROWS_OF_A_PAGE]))
    step("counts", lambda: api.bulk_job_counts(job))
    assert sum(made["counts"].values()) == job.total == ADDRESSES * PATHS
    assert len(made["first page"]) == ROWS_OF_A_PAGE
    return {"seconds": seconds, "job": job}


def in_a_fresh_process(**task: Any) -> dict[str, Any]:
    """Measure a run in a process that is new, on the database of this one."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    done = subprocess.run(
        [sys.executable, __file__, "run", json.dumps(task)],
        stdout=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": url},
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run(*, job: int | None) -> dict[str, Any]:
    """Run a job, or the same pairs without one; return the measurements."""
    set_up_django()
    from django.contrib.auth.models import User
    from django.db import connection

    from learning_paths import api
    from learning_paths.models import BulkEnrollmentJob

    sampler = Sampler()
    staff = User.objects.get(username="staff")
    work = api.prepare_bulk(emails(), KEYS)
    with connection.execute_wrapper(sampler):
        cpu = process_time()
        if job is None:
            seconds = timed(lambda: api.bulk_enroll(work, reason=REASON, acting_user=staff))
        else:
            seconds = timed(lambda: api.run_bulk_job(job))
            ended = BulkEnrollmentJob.objects.get(pk=job)
            assert (ended.state, ended.done) == ("finished", ADDRESSES * PATHS)
    cpu = process_time() - cpu
    growth = sampler.growth if job is not None else 0
    return {"seconds": seconds, "cpu": cpu, "queries": sampler.count, "growth": growth, "memory": resident()}


def measure(directory: Path) -> None:
    """Print the table of one database."""
    with scratch_database(directory) as name:
        from django.contrib.auth.models import User

        from learning_paths import api

        fill()
        pairs = ADDRESSES * PATHS
        print(f"\n{name}: {ADDRESSES:,} addresses x {PATHS} paths = {pairs:,} pairs; median of {RUNS}", flush=True)
        staff = User.objects.get(username="staff")
        previews: list[dict[str, float]] = []
        jobs: list[dict[str, Any]] = []
        plain: list[dict[str, Any]] = []
        for _ in range(RUNS):
            empty()
            plain.append(in_a_fresh_process(job=None))
            empty()
            drafted = preview()
            previews.append(drafted["seconds"])
            jobs.append(in_a_fresh_process(job=api.confirm_bulk_job(drafted["job"], acting_user=staff).pk))
        for step in previews[0]:
            show_times(step, [seconds[step] for seconds in previews], "")
        upload = statistics.median(sum(seconds.values()) for seconds in previews)
        judge("from the upload to the preview", upload, "s", at_most=MOST_SECONDS_TO_PREVIEW)
        for label, runs in (("job", jobs), ("without a job", plain)):
            seconds = [run["seconds"] for run in runs]
            show_times(label, seconds, f"{pairs / statistics.median(seconds):,.0f} pairs/s")
            show_times(f"{label}, of it CPU of the process", [run["cpu"] for run in runs], "")
            show(f"{label}, queries", runs[0]["queries"], "")
        ratio = statistics.median(run["seconds"] for run in jobs) / statistics.median(run["seconds"] for run in plain)
        judge("job / without a job", ratio, "x", at_most=MOST_OF_PLAIN)
        show("memory of the worker at the end", statistics.median(run["memory"] for run in jobs), "MB")
        growth = statistics.median(run["growth"] for run in jobs)
        judge("its growth between 10 % and 100 % of the job", growth, "MB", at_most=MOST_GROWTH_MB)


def main() -> None:
    """Print a table for each database."""
    server = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as directory:
        for url in [server] * server.startswith("mysql:") + [f"sqlite:///{directory}/none.sqlite3"]:
            environment = {**os.environ, "DATABASE_URL": url}
            subprocess.run([sys.executable, __file__, "measure", directory], env=environment, check=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", task]:
            print(json.dumps(run(**json.loads(task))))
        case ["measure", directory]:
            measure(Path(directory))
        case _:
            main()
