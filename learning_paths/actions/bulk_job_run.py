"""
Running a bulk job, chunk by chunk, so that it may be killed, delivered twice and cancelled at any moment.

A worker takes a job for itself by one statement. Each transaction of the engine begins by showing that the worker still
has the job, which locks its row, and ends by writing down the outcomes of the rows. So what is done is known, nothing
is done twice, and a worker whose job was cancelled or given to another stops before it touches anything. See ADR 0010.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from copy import copy
from datetime import timedelta
from uuid import uuid4

from django.db import DatabaseError, connection
from django.db.models import DateTimeField, F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from learning_paths.actions.bulk_apply import RunStopped, apply_isolated
from learning_paths.actions.bulk_enrollment import ADDRESSES_PER_CHUNK, PAIRS_PER_CHUNK
from learning_paths.actions.bulk_jobs import pair_of
from learning_paths.actions.bulk_plan import Chunk, PlannedRow
from learning_paths.actions.bulk_write import SWITCHING
from learning_paths.data import Attribution, BulkOperation, JobState
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPath
from learning_paths.queries.bulk_jobs import LEASE

log = logging.getLogger(__name__)

WRITTEN = ["code", "username", "enrollment", "changed_at"]


def run_bulk_job(job_id: int) -> timedelta | None:
    """
    Do what is left to do of a job that was queued, or whose worker is gone.

    Runs until the job is over, in transactions of some hundred rows. Call it outside of a transaction: inside one
    nobody sees how far it is, and nobody can stop it.

    Arguments:
        job_id: the id of a job. There need not be one any more.

    Returns:
        None when there is nothing left to do. While another worker has the job, how long to wait before that one can
        be taken for dead: call again then.

    Raises:
        Exception: what stopped the job for no fault of a row. The job is marked as failed, and can be resumed.
    """
    token = str(uuid4())
    if not _take(job_id, token):
        return _time_left(job_id)
    job = BulkEnrollmentJob.objects.select_related("author").get(pk=job_id)
    try:
        _work(job, token)
    except RunStopped:
        log.info("Learning paths: a worker stops at bulk job %s, which it no longer has", job_id)
    except Exception:
        log.exception("Learning paths: bulk job %s failed", job_id)
        _end(job, token, JobState.FAILED)
        raise
    return None


class JobLedger:
    """Writes the outcomes of some rows of a job down, as long as this worker has the job."""

    def __init__(self, job: BulkEnrollmentJob, token: str, rows: Sequence[BulkEnrollmentRow]) -> None:
        self._mine = BulkEnrollmentJob.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=token)
        self._rows = {(row.email, row.learning_path_id): row for row in rows}

    def open(self) -> None:
        """Show that the worker still has the job, and keep it and any other from the row until the commit."""
        if not self._mine.update(heartbeat_at=timezone.now()):
            raise RunStopped

    def record(self, rows: Sequence[PlannedRow]) -> None:
        """Write the outcomes of these rows and the new counts of the job."""
        target = (
            [BulkEnrollmentRow._meta.pk.name] if connection.features.supports_update_conflicts_with_target else None
        )
        BulkEnrollmentRow.objects.bulk_create(
            [self._written(row) for row in rows], update_conflicts=True, update_fields=WRITTEN, unique_fields=target
        )
        counts = Counter(self._mine.values_list("counts", flat=True).get())
        counts.update(row.code.value for row in rows)
        self._mine.update(counts=dict(counts))

    def _written(self, planned: PlannedRow) -> BulkEnrollmentRow:
        row = copy(self._rows[planned.email, planned.path.pk])
        row.code = planned.code.value
        row.username = planned.user.get_username() if planned.user else ""
        if planned.code.is_change:
            switched = planned.enrollment if planned.code in SWITCHING else None
            row.enrollment_id = None if switched is None else switched.pk
            row.changed_at = planned.changed_at
        return row


def _take(job_id: int, token: str) -> bool:
    now = timezone.now()
    free = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, heartbeat_at__lt=now - LEASE)
    taken = BulkEnrollmentJob.objects.filter(free, pk=job_id).update(
        state=JobState.RUNNING,
        worker=token,
        heartbeat_at=now,
        started_at=Coalesce(F("started_at"), Value(now, output_field=DateTimeField())),
    )
    return bool(taken)


def _time_left(job_id: int) -> timedelta | None:
    running = BulkEnrollmentJob.objects.filter(pk=job_id, state=JobState.RUNNING)
    heartbeat = running.values_list("heartbeat_at", flat=True).first()
    return None if heartbeat is None else max(timedelta(), heartbeat + LEASE - timezone.now()) + timedelta(seconds=1)


def _work(job: BulkEnrollmentJob, token: str) -> None:
    operation = BulkOperation(job.operation)
    attribution = Attribution(job.author_id, job.reason, job.role, job.org)
    paths: dict[int | None, LearningPath] = {path.pk: path for path in job.learning_paths.all()}
    at_once = min(PAIRS_PER_CHUNK, ADDRESSES_PER_CHUNK * max(1, len(paths)))
    while rows := list(job.rows.filter(code="").order_by("pk")[:at_once]):
        chunk = Chunk([pair_of(row, paths) for row in rows])
        apply_isolated(operation, chunk, attribution, job.author, JobLedger(job, token, rows))
    _end(job, token, JobState.FINISHED)


def _end(job: BulkEnrollmentJob, token: str, state: JobState) -> None:
    try:
        BulkEnrollmentJob.objects.filter(pk=job.pk, state=JobState.RUNNING, worker=token).update(
            state=state, worker="", finished_at=timezone.now()
        )
    except DatabaseError:
        log.exception("Learning paths: bulk job %s could not be marked as %s", job.pk, state)
