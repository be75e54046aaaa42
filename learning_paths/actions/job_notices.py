"""
Telling the learners of a bulk job, in portions, so that it may be interrupted and delivered twice.

Some learners are taken by one statement that moves the mark on the job past their addresses, and only then sent their
e-mails: nobody gets two, and a worker that is killed costs those that it had taken and had not reached. See ADR 0011.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import F
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.notices import NOTICES_AT_ONCE, notices_of_rows, send_notices
from learning_paths.data import LearnerNotice, NoticeReport, NoticeState, RowCode, RowOutcome
from learning_paths.keys import LearningPathKey
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.queries.notices import jobs_to_tell, rows_to_tell

if TYPE_CHECKING:
    from django.db.models import QuerySet


def send_job_notices(job_id: int) -> bool:
    """
    Send the next learners of a job their e-mails, and return whether there may be more to do: then call it again.

    A job tells when it is over: also when it was cancelled, those whom it had changed by then. Drafts, jobs that are
    not over, that do not enroll or were not to tell, and jobs that are gone, tell nobody.

    Arguments:
        job_id: the id of a job. Call it outside of a transaction.

    Raises:
        DatabaseError: the database could not be asked. What was sent is not sent again.
    """
    job = jobs_to_tell().filter(pk=job_id).first()
    if job is None:
        return False
    after = job.notified_to
    left = rows_to_tell(job).filter(email__gt=after)
    emails = list(left.order_by("email").values_list("email", flat=True).distinct()[:NOTICES_AT_ONCE])
    mine = BulkEnrollmentJob.objects.filter(pk=job_id, notified_to=after, notified_at=None)
    if not emails:
        mine.update(notified_at=timezone.now())
        return False
    total = job.notices_total if after else left.order_by().values("email").distinct().count()
    if not mine.update(notified_to=emails[-1], notices_total=total, modified=timezone.now()):
        return False
    rows = left.filter(email__lte=emails[-1])
    report = send_notices(_notices(rows))
    _record(job_id, rows, report)
    if report.gave_up:
        _give_up(job, emails[-1])
        return False
    return True


def notices_of_job(job: BulkEnrollmentJob) -> list[LearnerNotice]:
    """Return what each learner is to be told of a job, in one query."""
    return _notices(rows_to_tell(job))


def _notices(rows: QuerySet[BulkEnrollmentRow]) -> list[LearnerNotice]:
    """Return what the rows tell, in one query; the addresses in their order."""
    columns = ("email", "learning_path__key", "course_key", "unknown_path", "code", "username")
    return notices_of_rows(
        RowOutcome(email, _key(*texts), RowCode(code), username)
        for email, *texts, code, username in rows.order_by("email", "pk").values_list(*columns)
    )


def _key(path_key: LearningPathKey | None, course_key: str, deleted_path: str) -> LearningPathKey | CourseKey:
    if path_key is not None:
        return path_key
    return CourseKey.from_string(course_key) if course_key else LearningPathKey.from_string(deleted_path)


def _record(job_id: int, rows: QuerySet[BulkEnrollmentRow], report: NoticeReport) -> None:
    """Write down what became of the e-mails, on the rows and in the numbers of the job, in at most four queries."""
    for state, emails in (
        (NoticeState.SENT, report.sent),
        (NoticeState.WITHHELD, report.withheld),
        (NoticeState.FAILED, report.failed),
    ):
        if emails:
            rows.filter(email__in=emails).update(notice=state)
    _count(job_id, report.sent, report.withheld, len(report.failed))


def _give_up(job: BulkEnrollmentJob, last: str) -> None:
    """Write down that the rest of a job's learners are not told, unless another delivery went on with them."""
    closed = BulkEnrollmentJob.objects.filter(pk=job.pk, notified_to=last, notified_at=None)
    if closed.update(notified_at=timezone.now()):
        rest = rows_to_tell(job).filter(email__gt=last)
        _count(job.pk, (), (), rest.order_by().values("email").distinct().count())
        rest.update(notice=NoticeState.FAILED)


def _count(job_id: int, sent: Collection[str], withheld: Collection[str], failed: int) -> None:
    BulkEnrollmentJob.objects.filter(pk=job_id).update(
        notices_sent=F("notices_sent") + len(sent),
        notices_withheld=F("notices_withheld") + len(withheld),
        notices_failed=F("notices_failed") + failed,
    )
