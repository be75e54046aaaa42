"""Which learners are told by e-mail of what a bulk job did for them, and whom that did not reach."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from learning_paths.data import TELLING, BulkOperation, JobState, NoticeState
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.queries.clock import untouched_for


def jobs_to_tell() -> QuerySet[BulkEnrollmentJob]:
    """Return the jobs that are over and whose learners are to be told, or the rest of them."""
    return BulkEnrollmentJob.objects.defer("typed", "file_content").filter(
        notify=True,
        notified_at=None,
        operation=BulkOperation.ENROLL,
        state__in=[JobState.FINISHED, JobState.CANCELLED],
    )


def jobs_left_to_tell(idle_for: timedelta) -> list[BulkEnrollmentJob]:
    """Return the jobs whose learners are to be told, and which nobody has told any of for so long."""
    return list(jobs_to_tell().filter(untouched_for("modified", idle_for)).order_by("pk"))


def has_learners_to_tell(job_id: int) -> bool:
    """Return whether a job is over, and has learners who are to be told, in one query. It may turn out to be nobody."""
    return jobs_to_tell().filter(pk=job_id).exists()


def rows_to_tell(job: BulkEnrollmentJob) -> QuerySet[BulkEnrollmentRow]:
    """Return the rows of which learners are told: of a draft by what is planned, else by what became of them."""
    column = "planned__in" if job.state == JobState.DRAFT else "code__in"
    return job.rows.filter(**{column: [code.value for code in TELLING]})


def count_learners_to_tell(job: BulkEnrollmentJob) -> int:
    """Return how many learners get an e-mail of a job, were it to begin now, in one query."""
    return rows_to_tell(job).order_by().values("email").distinct().count()


def undelivered(job: BulkEnrollmentJob) -> QuerySet[BulkEnrollmentRow, str]:
    """Return the addresses to which the e-mail of a job could not be sent, each once, in their order."""
    failed = job.rows.filter(notice=NoticeState.FAILED)
    return failed.order_by("email").values_list("email", flat=True).distinct()
