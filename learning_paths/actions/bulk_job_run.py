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
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import Error, OperationalError, connection, transaction
from django.db.models import DateTimeField, F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from learning_paths.actions.bulk_apply import RunStopped
from learning_paths.actions.bulk_enrollment import ADDRESSES_PER_CHUNK, PAIRS_PER_CHUNK, apply_chunk, chunks_of
from learning_paths.actions.bulk_job_rows import StoredRow, count_rows, read_rows, targets_of, update_outcomes
from learning_paths.actions.bulk_licensing import licensed_among
from learning_paths.actions.bulk_plan import Pair, PlannedRow, target_key
from learning_paths.actions.bulk_write import SWITCHING
from learning_paths.data import Attribution, BulkOperation, JobState, RowCode, RowStatus
from learning_paths.faults import ERRORS_OF_THE_CONNECTION, TRANSIENT_ERRORS
from learning_paths.models import BulkEnrollmentJob
from learning_paths.queries.bulk_jobs import LEASE, worker_is_gone
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = logging.getLogger(__name__)


class ChunkOutdated(RunStopped):
    """What the rows of a chunk were read with is no longer so. They are to be read anew."""


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
        OperationalError: the database was away, or busy for long. The job is queued once more: call again later.
        Exception: what else stopped the job for no fault of a row. The job is marked as failed, and can be resumed.
    """
    token = str(uuid4())
    if not _take(job_id, token):
        return _time_left(job_id)
    try:
        _work(job_id, token)
    except RunStopped:
        log.info("Learning paths: a worker stops at bulk job %s, which it no longer has", job_id)
    except Exception as error:
        if _passes(error):
            log.warning("Learning paths: bulk job %s waits: no answer of the database\n%s", job_id, trace(error))
            _leave(job_id, token, JobState.QUEUED)
        else:
            log.error("Learning paths: bulk job %s failed\n%s", job_id, trace(error))
            _leave(job_id, token, JobState.FAILED)
        raise
    return None


class JobLedger:
    """Writes the outcomes of some rows of a job down, as long as this worker has the job."""

    def __init__(self, job: BulkEnrollmentJob, token: str, rows: Sequence[StoredRow], pairs: Sequence[Pair]) -> None:
        self._job = job
        self._mine = _held(job.pk, token)
        self._rows = {pair.id: row for pair, row in zip(pairs, rows, strict=True)}
        self._ids = (rows[0].id, rows[-1].id)
        self._counts: Counter[str] = Counter()
        self._done: set[int | None] = set()

    def renew(self) -> None:
        """
        Show that the worker still has the job and is at it.

        Raises:
            RunStopped: it has not.
        """
        if not self._mine.update(heartbeat_at=timezone.now()):
            raise RunStopped

    def open(self) -> None:
        """
        Show that the worker still has the job, and keep it and any other from the row until the commit.

        Raises:
            RunStopped: it has not.
            ChunkOutdated: the path of some rows was deleted, or the author's account.
        """
        self.renew()
        [(author_id, counts)] = self._mine.values_list("author", "counts")
        codes = dict(self._job.rows.filter(pk__range=self._ids).values_list("pk", "code"))
        if author_id != self._job.author_id or any(
            row.id not in codes or codes[row.id] == RowCode.PATH_DELETED for row in self._rows.values()
        ):
            raise ChunkOutdated
        self._counts = Counter(counts)
        self._done = {pk for pk, code in codes.items() if code}

    def record(self, rows: Sequence[PlannedRow]) -> None:
        """
        Write the outcomes of these rows and the new counts of the job.

        Raises:
            ChunkOutdated: they have theirs. It was written by a commit whose answer did not come through.
        """
        outcomes = [self._outcome(row) for row in rows]
        if not self._done.isdisjoint(row.id for row in outcomes):
            raise ChunkOutdated
        update_outcomes(outcomes)
        self._counts.update(row.code for row in outcomes)
        self._mine.update(counts=dict(self._counts))

    def name_of(self, pair: Pair) -> str:
        """Return the id of the row, which the admin and the CSV of the job have with its address."""
        return f"row {self._rows[pair.id].id} of bulk job {self._job.pk} in {target_key(pair.target)}"

    def _outcome(self, planned: PlannedRow) -> StoredRow:
        row = self._rows[planned.id]
        row = row._replace(code=planned.code.value, username=planned.user.get_username() if planned.user else "")
        if planned.code.is_change:
            switched = planned.enrollment if planned.code in SWITCHING else None
            row = row._replace(enrollment_id=None if switched is None else switched.pk, changed_at=planned.changed_at)
        return row


def _held(job_id: int, token: str) -> QuerySet[BulkEnrollmentJob]:
    return BulkEnrollmentJob.objects.filter(pk=job_id, state=JobState.RUNNING, worker=token)


def _take(job_id: int, token: str) -> bool:
    now = timezone.now()
    free = Q(state=JobState.QUEUED) | worker_is_gone()
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
    if heartbeat is None:
        return None
    left = heartbeat + LEASE - timezone.now()  # more than a lease where the other worker's clock is ahead
    return min(max(timedelta(), left), LEASE) + timedelta(seconds=1)


def _work(job_id: int, token: str) -> None:
    job = _read(job_id)
    operation = BulkOperation(job.operation)
    targets = targets_of(job)
    at_once = min(PAIRS_PER_CHUNK, ADDRESSES_PER_CHUNK * max(1, len(targets)))
    while rows := read_rows(job.rows.filter(code=""), most=at_once):
        pairs = [row.pair(targets) for row in rows]
        ledger = JobLedger(job, token, rows, pairs)
        attribution = Attribution(job.author_id, job.reason, job.role, job.org)
        try:
            for chunk in chunks_of(_licensed(job, pairs, ledger)):
                apply_chunk(operation, chunk, attribution, job.author, ledger)
        except ChunkOutdated:
            job = _read(job_id)
    # Counted anew: what a job says of its rows is what they say.
    counts = count_rows(job)
    total = sum(count for code, count in counts.items() if RowCode(code).status != RowStatus.INVALID)
    _held(job_id, token).update(
        state=JobState.FINISHED, worker="", finished_at=timezone.now(), counts=counts, total=total
    )


def _licensed(job: BulkEnrollmentJob, pairs: list[Pair], ledger: JobLedger) -> list[Pair]:
    """Return the pairs whose addresses have a valid license now, if that is asked for, and write the others down."""
    if job.subscription is None:
        return pairs
    licensed = licensed_among({pair.email for pair in pairs}, job.subscription, show=ledger.renew)
    dropped = [PlannedRow(email, target, RowCode.LICENSE_LOST) for email, target, *_ in pairs if email not in licensed]
    if dropped:
        with transaction.atomic():
            ledger.open()
            ledger.record(dropped)
    return [pair for pair in pairs if pair.email in licensed]


def _read(job_id: int) -> BulkEnrollmentJob:
    return BulkEnrollmentJob.objects.select_related("author").get(pk=job_id)


def _passes(error: Exception) -> bool:
    """Whether the database is away or busy, so that another attempt some time later is all that is needed."""
    number = error.args[0] if isinstance(error, OperationalError) and error.args else None
    return number in TRANSIENT_ERRORS or number in ERRORS_OF_THE_CONNECTION


def _leave(job_id: int, token: str, state: JobState) -> None:
    """Give a job back that can't go on now. If the database does not take that either, its lease runs out."""
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        finished_at = timezone.now() if state == JobState.FAILED else None
        _held(job_id, token).update(state=state, worker="", finished_at=finished_at)
    except Error as error:
        log.error("Learning paths: bulk job %s could not be marked as %s\n%s", job_id, state, trace(error))
