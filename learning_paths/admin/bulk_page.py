"""What the page of a bulk job shows: the steps, how far it is, the counts by group, and the table of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.data import INVITING, BulkOperation, JobState, RowCode, RowGroup
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow

STEPS = [_("Whom and where"), _("Preview"), _("Run"), _("Result")]
ROWS_PER_PAGE = 100

COMMON = {RowGroup.INVALID: _("not valid"), RowGroup.FAILURE: _("failed"), RowGroup.NOT_DONE: _("not done")}
PLANNED: dict[BulkOperation, dict[RowGroup, str | Promise]] = {
    BulkOperation.ENROLL: {
        RowGroup.CHANGED: _("will be enrolled"),
        RowGroup.UNCHANGED: _("enrolled already"),
        RowGroup.PENDING: _("pending until they register"),
        RowGroup.FAILURE: _("can't be enrolled"),
        RowGroup.INVALID: _("not valid"),
    },
    BulkOperation.UNENROLL: {
        RowGroup.CHANGED: _("will be unenrolled"),
        RowGroup.UNCHANGED: _("not enrolled"),
        RowGroup.FAILURE: _("can't be unenrolled"),
        RowGroup.INVALID: _("not valid"),
    },
    BulkOperation.UNDO: {
        RowGroup.CHANGED: _("will be undone"),
        RowGroup.UNCHANGED: _("changed since, left alone"),
        RowGroup.FAILURE: _("can't be undone"),
    },
}
DONE: dict[BulkOperation, dict[RowGroup, str | Promise]] = {
    BulkOperation.ENROLL: {
        RowGroup.CHANGED: _("enrolled"),
        RowGroup.UNCHANGED: _("enrolled before"),
        RowGroup.PENDING: _("pending until they register"),
        **COMMON,
    },
    BulkOperation.UNENROLL: {
        RowGroup.CHANGED: _("unenrolled"),
        RowGroup.UNCHANGED: _("not enrolled"),
        **COMMON,
    },
    BulkOperation.UNDO: {
        RowGroup.CHANGED: _("undone"),
        RowGroup.UNCHANGED: _("changed since, left alone"),
        **COMMON,
    },
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A count, and a link to the rows that it counts. Without a group it is all of them."""

    group: str
    label: str
    count: int
    query: str
    is_current: bool

    @property
    def number(self) -> str:
        """The count, as the script writes it that keeps it up to date."""
        return number_format(self.count, force_grouping=True)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    row: BulkEnrollmentRow
    group: str
    words: str


class CountedPaginator(Paginator):  # type: ignore[type-arg]  # generic for the checker only
    """A paginator that is told how many rows there are, where that is known."""

    def __init__(self, rows: Any, per_page: int, known: int | None) -> None:
        super().__init__(rows, per_page)
        self._known = known

    @cached_property
    def count(self) -> int:
        """Return the number of rows."""
        return super().count if self._known is None else self._known


class RowsTable:
    """The table of a job's rows, filtered and cut into pages as the request says. What makes no sense is ignored."""

    def __init__(self, job: BulkEnrollmentJob, request: HttpRequest) -> None:
        self._job = job
        self.counts = api.bulk_job_counts(job)
        asked = request.GET.get("group", "")
        self.group = RowGroup(asked) if asked in RowGroup.values else None
        self.search = request.GET.get("q", "").replace("\x00", "").strip()[:254]
        rows = api.bulk_job_rows(job, group=self.group, search=self.search)
        known = sum(self.counts.values()) if self.group is None else self.counts[self.group]
        self.page = CountedPaginator(rows, ROWS_PER_PAGE, None if self.search else known).get_page(
            request.GET.get("page")
        )

    @property
    def lines(self) -> list[Line]:
        """The rows of this page with what is said of them."""
        lines = []
        for row in self.page:
            code, words = self._job.describe(row)
            lines.append(Line(row, group_of(code), words))
        return lines

    @property
    def tiles(self) -> list[Tile]:
        """The counts, as filters: all, then each group. Once a job is over, nothing should be left to do."""
        labels = labels_of(self._job)
        if self._job.is_over and not self.counts[RowGroup.NOT_DONE]:
            labels.pop(RowGroup.NOT_DONE)
        named = [(group.value, str(label), self.counts[group], self.group == group) for group, label in labels.items()]
        every = ("", gettext("all rows"), sum(self.counts.values()), self.group is None)
        return [
            Tile(group, label, count, self.query(group=group), is_current)
            for group, label, count, is_current in [every, *named]
        ]

    @property
    def previous_query(self) -> str:
        """The query of the page before."""
        return self.query(page=self.page.previous_page_number())

    @property
    def next_query(self) -> str:
        """The query of the page after."""
        return self.query(page=self.page.next_page_number())

    @property
    def last_query(self) -> str:
        """The query of the last page."""
        return self.query(page=self.page.paginator.num_pages)

    @property
    def first_query(self) -> str:
        """The query of the first page."""
        return self.query()

    def query(self, *, group: str | None = None, page: int = 1) -> str:
        """Return the query of this table with another page, or another group from its beginning."""
        chosen = (self.group.value if self.group else "") if group is None else group
        parts = {"group": chosen, "q": self.search, "page": str(page) if page > 1 else ""}
        return "?" + urlencode({name: value for name, value in parts.items() if value})


def labels_of(job: BulkEnrollmentJob) -> dict[RowGroup, str | Promise]:
    """Return the groups that rows of this job can be in, with what they are called."""
    words = PLANNED if job.state == JobState.DRAFT else DONE
    labels = dict(words[BulkOperation(job.operation)])
    if job.subscription is not None:
        labels[RowGroup.INVALID] = _("not valid, licensed or covered")
    return labels


def group_of(code: str) -> str:
    """Return the group of a row by its code."""
    return RowCode(code).group.value if code in RowCode.values else code


def step_of(job: BulkEnrollmentJob) -> int:
    """Return at which of the steps a job is, from 1."""
    if job.state == JobState.DRAFT:
        return 2
    return 4 if job.is_over else 3


def progress_of(job: BulkEnrollmentJob) -> dict[str, Any]:
    """Return how far a job is, in numbers and words, as the page and the script that keeps it up to date need it."""
    counts = api.bulk_job_counts(job)
    return {
        "state": job.state,
        "state_label": JobState(job.state).label,
        "is_over": job.is_over,
        "percent": job.percent,
        "text": " · ".join(_progress_words(job)),
        "counts": {"": number_format(sum(counts.values()), force_grouping=True)}
        | {group.value: number_format(count, force_grouping=True) for group, count in counts.items()},
    }


def _progress_words(job: BulkEnrollmentJob) -> Iterable[str]:
    done = number_format(job.done, force_grouping=True)
    total = number_format(job.total, force_grouping=True)
    yield gettext("%(done)s of %(total)s rows") % {"done": done, "total": total}
    if job.state == JobState.QUEUED:
        yield gettext("waiting for a worker")
    seconds = round(job.duration.total_seconds()) if job.duration else 0
    if job.rate is None or not seconds:
        return
    rate = round(job.rate)
    words = ngettext("%(rate)s row a second", "%(rate)s rows a second", rate)
    yield words % {"rate": number_format(rate, force_grouping=True)}
    if job.is_over:
        yield ngettext("took %(n)d second", "took %(n)d seconds", seconds) % {"n": seconds}
    else:
        left = round((job.total - job.done) / job.rate)
        yield ngettext("about %(n)d second left", "about %(n)d seconds left", left) % {"n": left}


def planned_changes(job: BulkEnrollmentJob) -> Counter[RowCode]:
    """Return how many rows of a draft would change something, by what would become of them, in one query."""
    codes = [code.value for code in RowCode if code.is_change]
    planned = job.rows.filter(planned__in=codes).order_by().values_list("planned").annotate(Count("pk"))
    return Counter({RowCode(code): count for code, count in planned})


def changed_addresses(job: BulkEnrollmentJob) -> int:
    """Return for how many rows the account is enrolled under another address: by what is planned, or came of them."""
    if job.state == JobState.DRAFT:
        return job.rows.filter(planned=RowCode.ADDRESS_CHANGED).count()
    return job.count(RowCode.ADDRESS_CHANGED) if job.is_over else 0


def confirm_label(job: BulkEnrollmentJob, changes: Counter[RowCode]) -> str:
    """Return what the button says that confirms a draft."""
    invited = sum(changes[code] for code in INVITING)
    others = changes.total() - invited
    numbers = {name: number_format(n, force_grouping=True) for name, n in (("n", others), ("invited", invited))}
    match BulkOperation(job.operation):
        case BulkOperation.ENROLL if invited and others:
            return gettext("Enroll %(n)s, invite %(invited)s") % numbers
        case BulkOperation.ENROLL if invited:
            return gettext("Invite %(invited)s") % numbers
        case BulkOperation.ENROLL:
            return gettext("Enroll %(n)s") % numbers
        case BulkOperation.UNENROLL:
            return gettext("Unenroll %(n)s") % numbers
        case BulkOperation.UNDO:
            return ngettext("Undo %(n)s change", "Undo %(n)s changes", others) % numbers
