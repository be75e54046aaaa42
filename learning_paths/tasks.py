"""Celery tasks: ids in, call the api, log. No logic."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from celery.result import EagerResult
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api
from learning_paths.data import BulkReport, LearnerNotice, NoticeReport
from learning_paths.models import BulkEnrollmentJob
from learning_paths.traces import outline, trace

log = logging.getLogger(__name__)

STEPS_PER_TASK = 200


class TaskFailed(Exception):
    """What Celery is told, and logs, in place of an error whose text could name a person."""


@contextmanager
def _nameless() -> Iterator[None]:
    """
    Let no error reach Celery as it is but those of a database that is away or busy, after which a task is tried again.

    Raises:
        OperationalError: as the body raised it.
        TaskFailed: in place of any other error, which is logged.
    """
    try:
        yield
    except OperationalError:
        raise
    except Exception as error:
        log.error("Learning paths: a task failed\n%s", trace(error))
        raise TaskFailed(outline(error)) from None


@shared_task(
    name="learning_paths.tasks.run_bulk_job",  # operators route it by this name
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=30,
    default_retry_delay=30,
)
def run_bulk_job(self: Any, job_id: int) -> None:
    """
    Run a bulk job. Safe to deliver twice; a delivery that finds another worker at it comes back later.

    It is acknowledged when it is done, so that a broker delivers it once more when the worker dies. Where there is no
    broker nothing comes back later: ``resume_bulk_jobs`` does.
    """
    try:
        with _nameless():
            wait = api.run_bulk_job(job_id)
    except OperationalError as error:
        if self.request.is_eager:
            raise
        raise self.retry(exc=error) from error
    if wait is None:
        tell_learners_of_job(job_id)
    elif not self.request.is_eager:
        raise self.retry(countdown=wait.total_seconds())


@shared_task(name="learning_paths.tasks.send_notices", acks_late=False, max_retries=0)
def send_notices(payload: list[dict[str, Any]]) -> dict[str, int]:
    """
    Send e-mails to some learners, and return how many were sent, withheld and not sent.

    It is acknowledged before it begins: nobody gets an e-mail twice, and a worker that dies leaves some without.
    """
    with _nameless():
        return counts_of(api.send_notices([LearnerNotice.from_payload(notice) for notice in payload]))


@shared_task(name="learning_paths.tasks.send_job_notices", bind=True, acks_late=False, max_retries=0)
def send_job_notices(self: Any, job_id: int) -> None:
    """Send e-mails to some learners of a job, and ask for the next. Safe to deliver twice: nobody gets two."""
    with _nameless():
        while api.send_job_notices(job_id):
            if not self.request.is_eager and _ask_for_job_notices(job_id):
                return


def start_bulk_job(job: BulkEnrollmentJob) -> None:
    """
    Tell the workers of a queued job, after the commit.

    A broker that can't be reached is logged and no error: the job waits, and ``resume_bulk_jobs`` tells them again.
    """
    job_id = job.pk
    transaction.on_commit(lambda: tell_workers(job_id), robust=True)  # a partial has no name for Django's log


def tell_workers(job_id: int) -> bool:
    """Tell the workers of a job that is committed. Return whether that could be done; why it could not is logged."""
    try:
        run_bulk_job.delay(job_id)
    except BrokerError as error:
        log.error("Learning paths: no broker for bulk job %s; resume_bulk_jobs will start it\n%s", job_id, trace(error))
        return False
    return True


@shared_task(
    name="learning_paths.tasks.enroll_in_steps",
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=30,
    default_retry_delay=30,
)
def enroll_in_steps(self: Any, ids: list[int]) -> None:
    """
    Enroll in the course runs that wait under these ids. Safe to deliver twice.

    What a lost message, or a database that is away for long, leaves waiting, ``retry_step_enrollments`` picks up.
    """
    try:
        with _nameless():
            api.enroll_in_steps(ids)
    except OperationalError as error:
        if self.request.is_eager:
            raise
        raise self.retry(exc=error) from error


def tell_workers_of_steps(ids: Sequence[int]) -> bool:
    """Tell the workers of course enrollments that wait. Return whether that could be done; why not is logged."""
    for begin in range(0, len(ids), STEPS_PER_TASK):
        some = list(ids[begin : begin + STEPS_PER_TASK])
        try:
            enroll_in_steps.delay(some)
        except BrokerError as error:
            text = "Learning paths: no broker; course enrollments that retry_step_enrollments will do: %d\n%s"
            log.error(text, len(ids) - begin, trace(error))
            return False
    return True


def start_telling(job: BulkEnrollmentJob) -> None:
    """
    Have the learners told of a job that was cancelled, after the commit.

    Its worker does that too, if there is one; nobody is told twice.
    """
    job_id = job.pk
    transaction.on_commit(lambda: tell_learners_of_job(job_id), robust=True)


def tell_learners_of_job(job_id: int) -> bool:
    """Have the learners of a job told, if it is over and they are to be. Return whether that could be asked for."""
    return not api.has_learners_to_tell(job_id) or _ask_for_job_notices(job_id)


def _ask_for_job_notices(job_id: int) -> bool:
    try:
        send_job_notices.delay(job_id)
    except BrokerError as error:
        text = "Learning paths: no broker to tell the learners of bulk job %s; resume_bulk_jobs will\n%s"
        log.error(text, job_id, trace(error))
        return False
    return True


def tell_learners(report: BulkReport) -> dict[str, int]:
    """
    Have the learners told of a bulk run that enrolled. Call it after the commit.

    Returns:
        How many e-mails wait for a worker, were sent, were withheld and failed. Without a broker none of them waits.
        With one that can't be reached all have failed, which is logged.
    """
    counts = Counter(queued=0, sent=0, withheld=0, failed=0)
    notices = api.notices_of(report)
    for begin in range(0, len(notices), api.NOTICES_AT_ONCE):
        counts.update(_ask_for_notices(notices[begin : begin + api.NOTICES_AT_ONCE]))
    return dict(counts)


def _ask_for_notices(notices: Sequence[LearnerNotice]) -> dict[str, int]:
    try:
        result = send_notices.delay([notice.payload() for notice in notices])
    except BrokerError as error:
        log.error("Learning paths: no broker for %d e-mails; they are not sent\n%s", len(notices), trace(error))
        return {"failed": len(notices)}
    if not isinstance(result, EagerResult):
        return {"queued": len(notices)}
    counts: dict[str, int] = result.result if result.successful() else {"failed": len(notices)}  # type: ignore[assignment]
    return counts


def counts_of(report: NoticeReport) -> dict[str, int]:
    """Return the numbers of a report."""
    return {"sent": len(report.sent), "withheld": len(report.withheld), "failed": len(report.failed)}
