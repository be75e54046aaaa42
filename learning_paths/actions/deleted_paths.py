"""
Keeping the rows of bulk jobs when their learning path is deleted.

A row is what somebody asked for and what became of it, so it outlives its path: it keeps the key as text. See ADR 0010.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, Count, F, Value, When

from learning_paths.data import JobState, RowCode
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPath

if TYPE_CHECKING:
    from django.db.models import QuerySet

JOBS_AT_ONCE = 500


def keep_rows_of_deleted_path(learning_path: LearningPath) -> None:
    """
    Let the rows of bulk jobs go on without their learning path. Call it in the transaction that deletes the path.

    The rows keep the path's key as text. Those that are done keep their outcome; those that are not get the code
    ``path_deleted``, which the counts of their jobs tell too. A draft gets a new version: what it would do is not what
    its author has seen.

    It locks the jobs before their rows, as a worker does, and takes the same few statements for any number of rows.

    Arguments:
        learning_path: the path that is about to be deleted.
    """
    with transaction.atomic():
        done = _detach_all(learning_path, but=())
        # Whoever is storing a job about the path holds the path until the commit. From here on nobody can begin one.
        LearningPath.objects.select_for_update().filter(pk=learning_path.pk).values_list("pk").first()
        _detach_all(learning_path, but=done)


def _detach_all(learning_path: LearningPath, *, but: Collection[int]) -> set[int]:
    """Detach the rows of all jobs about the path, but of these, and return the ids of the jobs."""
    about = BulkEnrollmentJob.objects.filter(learning_paths=learning_path.pk)
    ids = sorted(set(about.values_list("pk", flat=True)) - set(but))
    for begin in range(0, len(ids), JOBS_AT_ONCE):
        _detach(learning_path, ids[begin : begin + JOBS_AT_ONCE])
    return set(ids)


def _detach(learning_path: LearningPath, ids: Sequence[int]) -> None:
    jobs = BulkEnrollmentJob.objects.filter(pk__in=ids).only("state", "version", "counts", "deleted_paths")
    jobs_by_id = {job.pk: job for job in jobs.select_for_update().order_by("pk")}
    rows = BulkEnrollmentRow.objects.filter(learning_path=learning_path.pk, job__in=jobs_by_id)
    not_done = _count_not_done(rows)
    key = str(learning_path.key)
    drafts = [job.pk for job in jobs_by_id.values() if job.state == JobState.DRAFT]
    deleted = Value(RowCode.PATH_DELETED.value)
    rows.update(
        planned=Case(When(job__in=drafts, then=deleted), default=F("planned")),
        code=Case(When(code="", then=deleted), default=F("code")),
        unknown_path=key,
        learning_path=None,
    )
    for pk, job in jobs_by_id.items():
        job.deleted_paths = sorted({*job.deleted_paths, key})
        job.version += job.state == JobState.DRAFT
        if pk in not_done:
            job.counts = {**job.counts, RowCode.PATH_DELETED.value: job.count(RowCode.PATH_DELETED) + not_done[pk]}
    BulkEnrollmentJob.objects.bulk_update(jobs_by_id.values(), ["version", "counts", "deleted_paths"])


def _count_not_done(rows: QuerySet[BulkEnrollmentRow]) -> dict[int, int]:
    """Return how many of these rows are not done, by their jobs."""
    return dict(rows.filter(code="").order_by().values_list("job").annotate(Count("pk")))
