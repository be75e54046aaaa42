"""Learners are told by real workers, which are killed and get their messages twice."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from learning_paths import api, tasks
from learning_paths.models import BulkEnrollmentJob
from tests.factories import make_path
from tests.worker import StartWorker

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="A worker needs a database that it can reach."),
]

LEARNERS = 1100
MOST_LOST = 50
"""As many e-mails a worker that is killed costs."""


@pytest.fixture
def mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the workers put their e-mails here."""
    monkeypatch.setenv("EMAIL_FILE_PATH", str(tmp_path))
    return tmp_path


def sent(mailbox: Path) -> Counter[str]:
    """Return how many e-mails each address got."""
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in mailbox.glob("*.log")]
    return Counter(address for text in texts for address in re.findall(r"^To: (\S+)$", text, re.MULTILINE))


def eventually(condition: Callable[[], bool], *, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return met


def finished_job() -> BulkEnrollmentJob:
    """Return a job that invited many, and has told nobody yet."""
    sam = User.objects.create(username="sam", is_staff=True)
    emails = "\n".join(f"new{number:04}@example.com" for number in range(LEARNERS))
    job = api.queue_bulk_job(api.prepare_bulk(emails, [make_path().key]), notify=True, acting_user=sam)
    api.run_bulk_job(job.pk)
    return job


def is_told(job: BulkEnrollmentJob) -> bool:
    job.refresh_from_db()
    return job.notified_at is not None


def test_two_workers_and_four_deliveries_tell_everybody_once(start_worker: StartWorker, mailbox: Path) -> None:
    job = finished_job()
    for _ in range(4):
        tasks.send_job_notices.delay(job.pk)
    two = [start_worker(), start_worker()]
    assert eventually(lambda: is_told(job) and not job.notices_unknown), [worker.log for worker in two]
    for worker in two:
        worker.stop()
    found = sent(mailbox)
    assert len(found) == LEARNERS
    assert set(found.values()) == {1}
    job.refresh_from_db()
    assert (job.notices_total, job.notices_sent, job.notices_failed) == (LEARNERS, LEARNERS, 0)


def test_a_worker_that_is_killed_costs_those_it_had_taken_and_nobody_is_told_twice(
    start_worker: StartWorker, mailbox: Path
) -> None:
    job = finished_job()
    first = start_worker("--pool=solo")
    tasks.tell_learners_of_job(job.pk)
    assert eventually(lambda: len(sent(mailbox)) > 50), first.log
    first.kill()
    before = len(sent(mailbox))
    tasks.tell_learners_of_job(job.pk)
    second = start_worker()
    assert eventually(lambda: is_told(job)), second.log
    second.stop()
    found = sent(mailbox)
    assert set(found.values()) == {1}
    assert before < len(found)
    assert len(found) >= LEARNERS - MOST_LOST


def test_of_a_request_a_worker_that_is_killed_costs_one_portion_and_nobody_is_told_twice(
    start_worker: StartWorker, mailbox: Path
) -> None:
    emails = "\n".join(f"new{number:04}@example.com" for number in range(300))
    report = api.bulk_enroll(api.prepare_bulk(emails, [make_path().key]), acting_user=None)
    first = start_worker("--pool=solo", visibility_timeout=5)
    assert tasks.tell_learners(report)["queued"] == 300
    assert eventually(lambda: len(sent(mailbox)) > 120), first.log
    first.kill()
    before = len(sent(mailbox))
    assert before < 300
    second = start_worker(visibility_timeout=5)  # gets what the first had fetched and not begun, after so many seconds
    assert eventually(lambda: len(sent(mailbox)) >= 300 - MOST_LOST), second.log
    time.sleep(8)
    second.stop()
    found = sent(mailbox)
    assert set(found.values()) == {1}
    assert before < 300 - MOST_LOST <= len(found)


def test_what_a_request_changed_is_told_by_a_worker(start_worker: StartWorker, mailbox: Path) -> None:
    report = api.bulk_enroll(api.prepare_bulk("new@example.com", [make_path().key]), acting_user=None)
    assert tasks.tell_learners(report) == {"queued": 1, "sent": 0, "withheld": 0, "failed": 0}
    worker = start_worker()
    assert eventually(lambda: sent(mailbox) == Counter(["new@example.com"])), worker.log
