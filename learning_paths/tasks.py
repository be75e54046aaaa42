"""Celery tasks: ids in, call the api, log. No logic."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import shared_task
from django.db import OperationalError, transaction
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api
from learning_paths.models import BulkEnrollmentJob

log = logging.getLogger(__name__)

STEPS_PER_TASK = 200


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
        wait = api.run_bulk_job(job_id)
    except OperationalError as error:
        if self.request.is_eager:
            raise
        raise self.retry(exc=error) from error
    if wait is not None and not self.request.is_eager:
        raise self.retry(countdown=wait.total_seconds())


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
    except BrokerError:
        log.exception("Learning paths: no broker for bulk job %s; resume_bulk_jobs will start it", job_id)
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
        except BrokerError:
            left = len(ids) - begin
            log.exception("Learning paths: no broker; course enrollments that retry_step_enrollments will do: %d", left)
            return False
    return True
