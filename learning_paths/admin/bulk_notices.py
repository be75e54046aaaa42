"""What the page of a bulk job says of the e-mails to the learners."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob


def notice_words(job: BulkEnrollmentJob) -> str:
    """Return how many the job will tell, in one query, or what became of the e-mails. Empty when it tells nobody."""
    if not job.notify:
        return ""
    if job.state == JobState.DRAFT:
        n = api.count_learners_to_tell(job)
        return _counted(ngettext("%(n)s learner will get an e-mail.", "%(n)s learners will get an e-mail.", n), n)
    if job.state == JobState.FAILED or not job.is_over:
        return gettext("The learners get their e-mails when the job is over.")
    if not job.notified_at and not job.notices_total:
        return gettext("The e-mails to the learners are about to be sent.")
    if not job.notices_total:
        return gettext("No e-mails were sent: nothing has changed for anybody.")
    return gettext("E-mails to learners: %(numbers)s.") % {"numbers": ", ".join(_numbers(job))}


def _numbers(job: BulkEnrollmentJob) -> Iterator[str]:
    yield _counted(gettext("%(n)s sent"), job.notices_sent)
    if job.notices_failed:
        yield _counted(gettext("%(n)s failed"), job.notices_failed)
    if job.notices_withheld:
        yield _counted(
            gettext("%(n)s withheld, by the site's policies or as the learning path was deleted"), job.notices_withheld
        )
    if job.notices_left:
        yield _counted(gettext("%(n)s not sent yet"), job.notices_left)
    if job.notices_unknown:
        yield _counted(gettext("%(n)s not known, as a worker was stopped while it sent them"), job.notices_unknown)


def _counted(text: str, n: int) -> str:
    return text % {"n": number_format(n, force_grouping=True)}


def undelivered_csv(job: BulkEnrollmentJob) -> StreamingHttpResponse:
    """Return the addresses to which the e-mail could not be sent, as a file that goes into the bulk form again."""
    rows = ([email] for email in ["email", *api.undelivered(job)])
    response = StreamingHttpResponse(api.csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}-without-e-mail.csv"'
    return response
