"""
The life of a bulk job: drafted and confirmed by a person, or queued at once, then run by a worker.

A draft stores its plan, row by row, and nothing else happens before it is confirmed. What the worker does is in
``bulk_job_run``. See ADR 0010.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from learning_paths.actions.bulk_enrollment import BulkWork, plan_chunk
from learning_paths.actions.bulk_job_rows import StoredRow, read_rows, targets_of, with_present_addresses
from learning_paths.actions.bulk_job_store import store_bulk_job, storing
from learning_paths.data import INVITING, BulkOperation, JobState, RowCode, RowGroup
from learning_paths.exceptions import BulkJobChanged, BulkJobConflict, BulkTooLarge
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.retrying import patient

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

UNDOABLE = [RowCode.ENROLLED, RowCode.ENROLLED_AGAIN, *INVITING]
NOT_TO_RETRY = frozenset({RowCode.ADDRESS_CHANGED.value, RowCode.PATH_DELETED.value})
"""Failures of which the same would come again. For the first, see ``draft_changed_addresses``."""
TO_RETRY = [
    *(code for code in RowGroup.FAILURE.codes if code not in NOT_TO_RETRY),
    *RowGroup.NOT_DONE.codes,
]


@patient
def draft_bulk_job(
    work: BulkWork,
    *,
    operation: BulkOperation = BulkOperation.ENROLL,
    reason: str = "",
    role: str = "",
    org: str = "",
    notify: bool = False,
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
        work: what ``prepare_bulk`` returned, and ``license_gate`` let through.
        operation: enroll or unenroll.
        reason, role, org: what the audit rows will say.
        notify: whether the learners are told, in the end, of what was changed for them.
        typed, file_name, file_content: what the author gave, to be shown to the author once more.
        replaces: an earlier draft, which becomes this one, with a version of its own.
        acting_user: the author.

    Raises:
        BulkTooLarge: there are more pairs, or more invalid entries, than a job takes.
        BulkJobConflict: the earlier draft is none any more, or a learning path was deleted meanwhile.
    """
    _check_size(work)
    with storing():
        if replaces is None:
            job = BulkEnrollmentJob(state=JobState.DRAFT, author=acting_user)
        else:
            job = _locked(replaces, JobState.DRAFT)
            job.rows.all().delete()
            job.version += 1
        job.operation = operation
        job.reason, job.role, job.org, job.notify = reason, role, org, notify
        job.typed, job.file_name, job.file_content = typed, file_name, file_content
        return store_bulk_job(job, work, _planned(operation, work))


@patient
def queue_bulk_job(
    work: BulkWork,
    *,
    operation: BulkOperation = BulkOperation.ENROLL,
    reason: str = "",
    role: str = "",
    org: str = "",
    notify: bool = False,
    acting_user: User | None,
) -> BulkEnrollmentJob:
    """
    Store a job that is not looked at before it runs. Its rows are stored before anything else happens.

    The caller tells a worker of it, or calls ``run_bulk_job``, after the commit. Arguments and errors as for
    ``draft_bulk_job``.
    """
    _check_size(work)
    job = BulkEnrollmentJob(operation=operation, state=JobState.QUEUED, author=acting_user)
    job.reason, job.role, job.org, job.notify = reason, role, org, notify
    job.confirmed_at = timezone.now()
    rows = (StoredRow.of(pair) for chunk in work.chunks() for pair in chunk.pairs)
    with storing():
        return store_bulk_job(job, work, rows)


@patient
def confirm_bulk_job(
    job: BulkEnrollmentJob, *, version: int | None = None, acting_user: User | None
) -> BulkEnrollmentJob:
    """
    Queue a draft. From now on it is the job of who confirmed it.

    The caller tells a worker of it, or calls ``run_bulk_job``, after the commit. See ADR 0010.

    Arguments:
        job: the draft.
        version: the ``version`` of the draft whose preview was looked at; None: the one that ``job`` has.
        acting_user: who confirms it.

    Raises:
        BulkJobChanged: the draft has another version by now, which nobody who confirms this one has seen.
        BulkJobConflict: it is no draft any more: somebody else was quicker, or it was sent twice. Or its learning paths
            were deleted, so that nothing is left to do.
    """
    seen = job.version if version is None else version
    with transaction.atomic():
        job = _locked(job, JobState.DRAFT)
        if job.version != seen:
            raise BulkJobChanged
        if job.deleted_paths and not job.rows.filter(code="").exists():
            raise BulkJobConflict(_("Nothing is left to do: the learning paths have been deleted."))
        job.state = JobState.QUEUED
        job.author = acting_user
        job.confirmed_at = timezone.now()
        job.typed, job.file_content = "", b""
        job.save()
    return job


@patient
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


@patient
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


@patient
def discard_bulk_job(job: BulkEnrollmentJob) -> None:
    """
    Delete a draft.

    Raises:
        BulkJobConflict: it is no draft any more.
    """
    with transaction.atomic():
        _locked(job, JobState.DRAFT).delete()


def discard_drafts(*, older_than: timedelta) -> int:
    """
    Delete the drafts that nobody has touched for so long, and return how many there were.

    A draft that bears a moment still to come, since the clock was set back, is kept until that moment is so old.
    """
    limit = timezone.now() - older_than
    discarded = 0
    for draft in BulkEnrollmentJob.objects.only("pk").filter(state=JobState.DRAFT, modified__lt=limit):
        with suppress(BulkJobConflict), transaction.atomic():
            locked = _locked(draft, JobState.DRAFT)
            if locked.modified < limit:
                locked.delete()
                discarded += 1
    return discarded


@patient
def retry_bulk_job(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Draft a job of the rows of this one that failed or were not done.

    Raises:
        BulkJobConflict: it is not over, or it has no such rows, or only such whose learning path was deleted.
    """
    rows = job.rows.filter(code__in=TO_RETRY)
    return _follow(job, BulkOperation(job.operation), rows, job.reason, acting_user)


@patient
def draft_changed_addresses(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Draft a job that unenrolls those whom this one found under another address, by the addresses that they have now.

    The job may be a draft itself, which stays as it is. Its ``address_changed`` rows name the accounts; an account
    without an address that can be named here is left out. See ADR 0004.

    Raises:
        BulkJobConflict: it waits or runs, or there is no such row.
    """
    column = "planned" if job.state == JobState.DRAFT else "code"
    rows = job.rows.filter(**{column: RowCode.ADDRESS_CHANGED})
    return _follow(job, BulkOperation.UNENROLL, rows, job.reason, acting_user, by_account=True)


@patient
def undo_bulk_job(job: BulkEnrollmentJob, *, acting_user: User | None) -> BulkEnrollmentJob:
    """
    Draft a job that unenrolls whom this one enrolled and withdraws what it left pending.

    A row that changed since, by whatever road, is left as it is: when it is drafted, and again when it runs. Of a path
    that was deleted since there is nothing to undo, which its rows say.

    Raises:
        BulkJobConflict: it is not over, or it enrolled and invited nobody, or into learning paths that are deleted.
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
    *,
    by_account: bool = False,
) -> BulkEnrollmentJob:
    drafts = [JobState.DRAFT] if by_account else []
    with storing():
        origin = _locked(origin, JobState.FINISHED, JobState.CANCELLED, JobState.FAILED, *drafts)
        targets = targets_of(origin)
        found = read_rows(rows)
        if by_account:
            found = with_present_addresses(found)
        pairs = [row.pair(targets) for row in found if row.has_target]
        deleted = [row.path_deleted() for row in found if not row.has_target]
        if deleted and not pairs:
            raise BulkJobConflict(_("Nothing is left to do: the learning paths have been deleted."))
        if not pairs:
            raise BulkJobConflict(_("The job has no rows for which that could be done."))
        job = BulkEnrollmentJob(operation=operation, state=JobState.DRAFT, author=acting_user, origin=origin)
        job.reason, job.role, job.org = reason, origin.role, origin.org
        job.notify = origin.notify and operation != BulkOperation.UNDO
        work = BulkWork(pairs=tuple(pairs), subscription=origin.subscription)
        return store_bulk_job(job, work, _planned(operation, work), deleted=deleted)


def _check_size(work: BulkWork) -> None:
    most = settings.LEARNING_PATHS_BULK_MAX_PAIRS
    numbers = {"pairs": len(work), "most": most}
    if len(work) > most:
        text = _(
            "These are %(pairs)d pairs of an address and a learning path or course. One job takes at most %(most)d. "
            "Take fewer of them at a time."
        )
        raise BulkTooLarge(text % numbers)
    if work.invalid_count > most:
        text = _("More than %(most)d of the addresses are not valid. Is this the right list?")
        raise BulkTooLarge(text % numbers)


def _planned(operation: BulkOperation, work: BulkWork) -> Iterator[StoredRow]:
    for chunk in work.chunks():
        for pair, row in zip(chunk.pairs, plan_chunk(operation, chunk), strict=True):
            yield StoredRow.of(pair, planned=row.code.value, username=row.user.get_username() if row.user else "")


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
