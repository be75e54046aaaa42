"""Bulk jobs and their rows, for those who look at them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from learning_paths.data import JobState, RowCode, RowGroup
from learning_paths.emails import in_stored_form
from learning_paths.exceptions import BulkJobNotFound
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.queries.clock import untouched_for

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LEASE = timedelta(seconds=60)
"""A worker that gave no sign for so long has lost its job."""


def visible_bulk_jobs(user: User) -> QuerySet[BulkEnrollmentJob]:
    """
    Return the jobs that a member of the staff may see: all but the drafts of others.

    Two queries: the jobs with their authors and the jobs that they follow, and their paths.
    """
    jobs = BulkEnrollmentJob.objects.visible_to(user).select_related("author", "origin")
    jobs = jobs.defer("typed", "file_content", "origin__typed", "origin__file_content")
    return jobs.prefetch_related("learning_paths")


def get_visible_bulk_job(user: User, uuid: UUID) -> BulkEnrollmentJob:
    """
    Return the job with this uuid.

    Raises:
        BulkJobNotFound: there is none, or it is the draft of somebody else.
    """
    job = visible_bulk_jobs(user).filter(uuid=uuid).first()
    if job is None:
        raise BulkJobNotFound
    return job


def bulk_job_rows(
    job: BulkEnrollmentJob, *, group: RowGroup | None = None, search: str = ""
) -> QuerySet[BulkEnrollmentRow]:
    """
    Return the rows of a job in the order of the request, of a draft by what is planned, else by the outcome.

    Arguments:
        job: the job.
        group: only the rows of this group.
        search: only the rows whose address or username has this in it.
    """
    rows = job.rows.select_related("learning_path").order_by("pk")
    if group is not None:
        column = "planned__in" if job.state == JobState.DRAFT else "code__in"
        rows = rows.filter(**{column: group.codes})
    if search := search.strip():
        rows = rows.filter(
            Q(email__icontains=search)
            | Q(email__icontains=in_stored_form(search))
            | Q(username__icontains=search)
            | Q(unknown_path__icontains=search)
        )
    return rows


def bulk_job_counts(job: BulkEnrollmentJob) -> dict[RowGroup, int]:
    """Return how many rows each group has: of a draft by what is planned, in one query; else by what the job knows."""
    return bulk_job_counts_of([job])[job.pk]


def bulk_job_counts_of(jobs: Collection[BulkEnrollmentJob]) -> dict[int, dict[RowGroup, int]]:
    """Return ``bulk_job_counts`` of each job by its id, in one query for all the drafts among them, or in none."""
    drafts = [job.pk for job in jobs if job.state == JobState.DRAFT]
    counts = {job.pk: {group: job.count_group(group) for group in RowGroup} for job in jobs}
    counts.update((pk, dict.fromkeys(RowGroup, 0)) for pk in drafts)
    if drafts:
        rows = BulkEnrollmentRow.objects.filter(job__in=drafts).order_by()
        for pk, code, count in rows.values_list("job", "planned").annotate(Count("pk")):
            counts[pk][RowCode(code).group] += count
    return counts


def worker_is_gone() -> Q:
    """Match running jobs whose worker gave no sign for a lease, or whose last sign bears a moment still to come."""
    return Q(state=JobState.RUNNING) & untouched_for("heartbeat_at", LEASE)


def abandoned_bulk_jobs(queued_for: timedelta) -> list[BulkEnrollmentJob]:
    """Return the jobs whose worker is gone, and those that nobody has taken for so long."""
    left = Q(state=JobState.QUEUED) & untouched_for("modified", queued_for)
    gone = worker_is_gone()
    return list(BulkEnrollmentJob.objects.defer("typed", "file_content").filter(gone | left).order_by("pk"))
