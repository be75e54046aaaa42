"""
The life of a bulk job: drafted and confirmed by a person, or queued at once, then run by a worker.

A draft stores its plan, row by row, and nothing else happens before it is confirmed. What the worker does is in
``bulk_job_run``. See ADR 0010.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from learning_paths.actions.bulk_enrollment import PAIRS_PER_CHUNK, BulkWork
from learning_paths.actions.bulk_job_rows import StoredRow, insert_rows, read_rows
from learning_paths.actions.bulk_plan import Chunk, Pair, plan
from learning_paths.data import BulkOperation, JobState, RowCode, RowGroup
from learning_paths.exceptions import BulkJobConflict, BulkTooLarge
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPath

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

UNDOABLE = [RowCode.ENROLLED, RowCode.ENROLLED_AGAIN, RowCode.INVITED]
TO_RETRY = [*RowGroup.FAILURE.codes, *RowGroup.NOT_DONE.codes]


def draft_bulk_job(
    work: BulkWork,
    *,
    operation: BulkOperation = BulkOperation.ENROLL,
    reason: str = "",
    role: str = "",
    org: str = "",
    typed: str = "",
    file_name: str = "",
    file_content: bytes = b"",
    replaces: BulkEnrollmentJob | None = None,
    acting_user: User | None,
) -> BulkEnrollmentJob:
    """
    Store what a bulk run would do to each pair, as a draft that can be looked at, confirmed, or thrown away.

    No learner is touched. Whether ``acting_user`` may do this is for the caller to check.

    Arguments:
        work: what ``prepare_bulk`` returned.
        operation: enroll or unenroll.
        reason, role, org: what the audit rows will say.
        typed, file_name, file_content: what the author gave, to be shown to the author once more.
        replaces: an earlier draft, which becomes this one.
        acting_user: the author.

    Raises:
        BulkTooLarge: there are more pairs, or more invalid entries, than a job takes.
        BulkJobConflict: the earlier draft is none any more.
    """
    _check_size(work)
    with transaction.atomic():
        if replaces is None:
            job = BulkEnrollmentJob(state=JobState.DRAFT, author=acting_user)
        else:
            job = _locked(replaces, JobState.DRAFT)
            job.rows.all().delete()
        job.operation = operation
        job.reason, job.role, job.org = reason, role, org
        job.typed, job.file_name, job.file_content = typed, file_name, file_content
        return _store(job, work, _planned(operation, work.chunks()))


def queue_bulk_job(
    work: BulkWork,
    *,
    operation: BulkOperation = BulkOperation.ENROLL,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
) -> BulkEnrollmentJob:
    """
    Store a job that is not looked at before it runs. Its rows are stored before anything else happens.

    The caller tells a worker of it, or calls ``run_bulk_job``, after the commit. Arguments and errors as for
    ``draft_bulk_job``.
    """
    _check_size(work)
    job = BulkEnrollmentJob(operation=operation, state=JobState.QUEUED, author=acting_user)
    job.reason, job.role, job.org = reason, role, org
    job.confirmed_at = timezone.now()
    rows = (_row_of(pair) for chunk in work.chunks() for pair in chunk.pairs)
    with transaction.atomic():
        return _store(job, work, rows)


def confirm_bulk_job(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Queue a draft. From now on it is the job of who confirmed it.

    The caller tells a worker of it, or calls ``run_bulk_job``, after the commit.

    Raises:
        BulkJobConflict: it is no draft any more: somebody else was quicker, or it was sent twice.
    """
    with transaction.atomic():
        job = _locked(job, JobState.DRAFT)
        job.state = JobState.QUEUED
        job.author = acting_user
        job.confirmed_at = timezone.now()
        job.typed, job.file_content = "", b""
        job.save()
    return job


def cancel_bulk_job(job: BulkEnrollmentJob) -> BulkEnrollmentJob:
    """
    Stop a job that waits or runs. What is done stays done; after this returned, nothing more is.

    Raises:
        BulkJobConflict: it is a draft, or over.
    """
    with transaction.atomic():
        job = _locked(job, JobState.QUEUED, JobState.RUNNING)
        job.state = JobState.CANCELLED
        job.worker = ""
        job.finished_at = timezone.now()
        job.save()
    return job


def resume_bulk_job(job: BulkEnrollmentJob) -> BulkEnrollmentJob:
    """
    Queue a job once more that failed by no fault of its rows. The caller tells a worker, after the commit.

    Raises:
        BulkJobConflict: it has not failed.
    """
    with transaction.atomic():
        job = _locked(job, JobState.FAILED)
        job.state = JobState.QUEUED
        job.finished_at = None
        job.save()
    return job


def discard_bulk_job(job: BulkEnrollmentJob) -> None:
    """
    Delete a draft.

    Raises:
        BulkJobConflict: it is no draft any more.
    """
    with transaction.atomic():
        _locked(job, JobState.DRAFT).delete()


def discard_drafts(*, older_than: timedelta) -> int:
    """Delete the drafts that nobody has touched for so long, and return how many there were."""
    limit = timezone.now() - older_than
    discarded = 0
    for draft in BulkEnrollmentJob.objects.only("pk").filter(state=JobState.DRAFT, modified__lt=limit):
        with suppress(BulkJobConflict), transaction.atomic():
            locked = _locked(draft, JobState.DRAFT)
            if locked.modified < limit:
                locked.delete()
                discarded += 1
    return discarded


def retry_bulk_job(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Draft a job of the rows of this one that failed or were not done.

    Raises:
        BulkJobConflict: it is not over, or it has no such rows.
    """
    rows = job.rows.filter(code__in=TO_RETRY, learning_path__isnull=False)
    return _follow(job, BulkOperation(job.operation), rows, job.reason, acting_user)


def undo_bulk_job(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Draft a job that unenrolls whom this one enrolled and withdraws what it left pending.

    A row that changed since, by whatever road, is left as it is: when it is drafted, and again when it runs.

    Raises:
        BulkJobConflict: it is not over, or it enrolled and invited nobody.
    """
    rows = job.rows.filter(code__in=UNDOABLE, changed_at__isnull=False)
    if job.operation != BulkOperation.ENROLL:
        rows = rows.none()
    reason = _("Undoes job %(number)s.") % {"number": job.pk}
    return _follow(job, BulkOperation.UNDO, rows, f"{reason} {job.reason}".strip(), acting_user)


def _follow(
    origin: BulkEnrollmentJob,
    operation: BulkOperation,
    rows: QuerySet[BulkEnrollmentRow],
    reason: str,
    acting_user: User | None,
) -> BulkEnrollmentJob:
    with transaction.atomic():
        origin = _locked(origin, JobState.FINISHED, JobState.CANCELLED, JobState.FAILED)
        paths: dict[int | None, LearningPath] = {path.pk: path for path in origin.learning_paths.all()}
        pairs = [row.pair(paths) for row in read_rows(rows)]
        if not pairs:
            raise BulkJobConflict(_("The job has no rows for which that could be done."))
        job = BulkEnrollmentJob(operation=operation, state=JobState.DRAFT, author=acting_user, origin=origin)
        job.reason, job.role, job.org = reason, origin.role, origin.org
        emails, paths_left = dict.fromkeys(pair.email for pair in pairs), dict.fromkeys(pair.path for pair in pairs)
        work = BulkWork(tuple(emails), tuple(paths_left), (), ())
        return _store(job, work, _planned(operation, _chunks(pairs)))


def _chunks(pairs: list[Pair]) -> Iterator[Chunk]:
    return (Chunk(pairs[begin : begin + PAIRS_PER_CHUNK]) for begin in range(0, len(pairs), PAIRS_PER_CHUNK))


def _check_size(work: BulkWork) -> None:
    most = settings.LEARNING_PATHS_BULK_MAX_PAIRS
    numbers = {"pairs": len(work), "most": most}
    if len(work) > most:
        text = _(
            "These are %(pairs)d pairs of address and learning path. One job takes at most %(most)d. "
            "Take fewer addresses or learning paths at a time."
        )
        raise BulkTooLarge(text % numbers)
    if len(work.invalid_emails) + len(work.invalid_learning_paths) > most:
        text = _("More than %(most)d of the addresses are not valid. Is this the right list?")
        raise BulkTooLarge(text % numbers)


def _planned(operation: BulkOperation, chunks: Iterable[Chunk]) -> Iterator[StoredRow]:
    for chunk in chunks:
        for pair, row in zip(chunk.pairs, plan(operation, chunk, lock=False), strict=True):
            yield _row_of(pair, planned=row.code.value, username=row.user.get_username() if row.user else "")


def _row_of(pair: Pair, *, planned: str = "", username: str = "") -> StoredRow:
    row = StoredRow(pair.email, pair.path.pk, planned=planned, username=username)
    return row if pair.made is None else row._replace(enrollment_id=pair.made.enrollment_id, changed_at=pair.made.at)


def _invalid(work: BulkWork) -> Iterator[StoredRow]:
    for entry in work.invalid_emails:
        code = RowCode.INVALID_EMAIL.value
        yield StoredRow(entry.text, line=entry.line, planned=code, code=code)
    for text in work.invalid_learning_paths:
        code = RowCode.UNKNOWN_PATH.value
        yield StoredRow(unknown_path=text, planned=code, code=code)


def _store(job: BulkEnrollmentJob, work: BulkWork, rows: Iterable[StoredRow]) -> BulkEnrollmentJob:
    """Save a job with its paths and rows, invalid ones first, in the transaction of the caller."""
    job.counts = {}
    if work.invalid_emails:
        job.counts[RowCode.INVALID_EMAIL.value] = len(work.invalid_emails)
    if work.invalid_learning_paths:
        job.counts[RowCode.UNKNOWN_PATH.value] = len(work.invalid_learning_paths)
    job.total = 0
    job.save()
    job.learning_paths.set(work.paths)
    rows = chain(_invalid(work), rows)
    while some := list(islice(rows, PAIRS_PER_CHUNK)):
        insert_rows(job, some)
        job.total += sum(row.learning_path_id is not None for row in some)
    job.save(update_fields=["total"])
    return job


def _locked(job: BulkEnrollmentJob, *states: JobState) -> BulkEnrollmentJob:
    """
    Return the job as it is now, locked, within a transaction.

    Raises:
        BulkJobConflict: it is not in one of these states, or gone.
    """
    locked = BulkEnrollmentJob.objects.select_for_update().filter(pk=job.pk).first()
    if locked is None or locked.state not in states:
        raise BulkJobConflict
    return locked
