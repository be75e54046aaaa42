"""The workers of the tests: real processes that share the test's database, and Redis with nobody."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from learning_paths.tasks import start_bulk_job
from sandbox import celery_app
from tests.factories import make_path
from tests.services.worker_tasks import add_user
from tests.worker import StartWorker, workers

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="A worker needs a database that it can reach."),
]

OWN_TASKS = "--include=tests.services.worker_tasks"


def eventually(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


def exists(username: str) -> bool:
    return User.objects.filter(username=username).exists()


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_runs_a_task_on_the_database_of_the_test(start_worker: StartWorker) -> None:
    add_user.delay("ana")
    assert not exists("ana")
    worker = start_worker(OWN_TASKS)
    assert eventually(lambda: exists("ana")), worker.log
    worker.stop()
    assert "tests.add_user" in worker.log


def test_a_worker_that_is_asked_to_stop_finishes_its_task(start_worker: StartWorker) -> None:
    worker = start_worker(OWN_TASKS)
    add_user.delay("ana", seconds=1)
    assert eventually(lambda: exists("ana")), worker.log
    worker.stop()
    assert "succeeded" in worker.log
    assert not worker.is_up()


def test_a_worker_that_is_killed_leaves_no_process_and_its_task_to_the_next_one(start_worker: StartWorker) -> None:
    first = start_worker(OWN_TASKS, "--pool=prefork")
    statistics: Any = celery_app.control.inspect([first.name]).stats()
    [child] = statistics[first.name]["pool"]["processes"]
    assert is_running(child)
    add_user.delay("ana", seconds=600)
    assert eventually(lambda: exists("ana")), first.log
    first.kill()
    assert eventually(lambda: not is_running(child))
    User.objects.all().delete()
    second = start_worker(OWN_TASKS, visibility_timeout=0.1)
    assert eventually(lambda: exists("ana")), second.log


def test_two_sets_of_workers_share_no_task(start_worker: StartWorker) -> None:
    outer = start_worker(OWN_TASKS)
    with workers() as start_other:
        add_user.delay("ben")
        assert not outer.is_up()
        inner = start_other(OWN_TASKS)
        assert eventually(lambda: exists("ben")), inner.log
    assert outer.is_up()
    assert "tests.add_user[" not in outer.log


def test_a_bulk_job_outlives_the_worker_that_had_it(start_worker: StartWorker) -> None:
    path = make_path()
    work = api.prepare_bulk([f"new{number}@example.com" for number in range(8_000)], [str(path.key)])
    job = api.queue_bulk_job(work, acting_user=None)
    start_bulk_job(job)
    invited = LearningPathEnrollmentAllowed.objects.filter(learning_path=path)
    first = start_worker()
    assert eventually(invited.exists), first.log
    first.kill()
    kept = invited.count()
    assert 0 < kept < 8_000
    BulkEnrollmentJob.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    second = start_worker(visibility_timeout=1)
    assert eventually(lambda: BulkEnrollmentJob.objects.get().state == JobState.FINISHED, seconds=60), second.log
    assert invited.count() == ManualEnrollmentAudit.objects.count() == 8_000


class InATestCaseTests(TransactionTestCase):
    """The context manager does for a TestCase what the fixture does for a function."""

    def test_celery_is_put_back(self) -> None:
        assert celery_app.conf.task_always_eager
        with workers() as start_worker:
            assert not celery_app.conf.task_always_eager
            worker = start_worker(OWN_TASKS)
            add_user.delay("ana")
            assert eventually(lambda: exists("ana")), worker.log
        assert worker.process.poll() is not None
        add_user.delay("ben")
        assert exists("ben")
