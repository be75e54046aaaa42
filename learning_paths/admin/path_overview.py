"""How a path is doing, at the top of its page: its learners in numbers, and a year of enrollments as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from learning_paths.admin.busy import PatientAdmin
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathEnrollmentAllowed

MONTHS = 12
CHART_HEIGHT, CHART_TOP, CHART_BOTTOM = 150, 20, 125  # in pixels; widths are shares, so that the text keeps its size
BAR_SHARE = 0.7


@dataclass(frozen=True)
class Month:
    """One month of the chart. Positions are texts, so that no locale puts a comma into them."""

    name: str
    short_name: str
    count: int
    address: str
    x: str
    y: str
    width: str
    height: str
    middle: str


@dataclass(frozen=True)
class Overview:
    """What the template shows."""

    active: int
    pending: int
    this_month: int
    months: list[Month]
    summary: str
    active_address: str
    pending_address: str | None
    this_month_address: str

    chart_height = CHART_HEIGHT
    chart_bottom = CHART_BOTTOM
    names_at = CHART_HEIGHT - 8


class PathOverviewAdmin(PatientAdmin):
    """Adds the overview to the page of a path, for those who may see enrollments."""

    class Media:
        css = {"all": ["learning_paths/admin/overview.css"]}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: LearningPath | None = None,
    ) -> HttpResponse:
        """Hand the overview to the template of the form."""
        if obj is not None and _may_view(request, "learningpathenrollment"):
            invitations = _may_view(request, "learningpathenrollmentallowed")
            context["overview"] = overview_of(obj, site=self.admin_site.name, link_invitations=invitations)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)


def overview_of(learning_path: LearningPath, *, site: str, link_invitations: bool) -> Overview:
    """
    Return the overview of a path, in three queries.

    A month is one of UTC. An enrollment counts in the month of its ``enrolled_at``, whether it is active or not: a
    learner who left still enrolled then, and one who came back counts once, when that was. So the numbers are those
    that the list of enrollments shows for the same dates.

    Arguments:
        learning_path: the path.
        site: the name of the admin site whose lists the numbers lead to.
        link_invitations: whether the number of invitations leads to their list.
    """
    starts = _starts_of_months(timezone.now())
    enrollments = LearningPathEnrollment.objects.filter(learning_path=learning_path)
    # The database must not be asked to convert time zones: MySQL knows none unless its tables are loaded.
    found = (
        enrollments.filter(enrolled_at__gte=starts[0], enrolled_at__lt=starts[-1])
        .annotate(month=TruncMonth("enrolled_at", tzinfo=UTC))
        .order_by()
        .values_list("month")
        .annotate(count=Count("pk"))
    )
    counts = {(month.year, month.month): count for month, count in found}

    def listed(**query: Any) -> str:
        address = reverse(f"{site}:learning_paths_learningpathenrollment_changelist")
        return f"{address}?{urlencode({'learning_path__id__exact': learning_path.pk, **query})}"

    highest = max(counts.values(), default=0)
    months = [
        _month(
            number,
            start,
            counts.get((start.year, start.month), 0),
            highest,
            listed(enrolled_at__gte=start, enrolled_at__lt=end),
        )
        for number, (start, end) in enumerate(pairwise(starts))
    ]
    invitations = reverse(f"{site}:learning_paths_learningpathenrollmentallowed_changelist")
    pending = urlencode({"learning_path__id__exact": learning_path.pk, "state": "pending"})
    return Overview(
        active=enrollments.filter(is_active=True).count(),
        pending=LearningPathEnrollmentAllowed.objects.pending().filter(learning_path=learning_path).count(),
        this_month=months[-1].count,
        months=months,
        summary=_summary(months),
        active_address=listed(is_active__exact=1),
        pending_address=f"{invitations}?{pending}" if link_invitations else None,
        this_month_address=months[-1].address,
    )


def _may_view(request: HttpRequest, model: str) -> bool:
    """Whether the person who asks may see the list, which the admin also shows to those who may change it."""
    return any(request.user.has_perm(f"learning_paths.{action}_{model}") for action in ("view", "change"))


def _starts_of_months(now: datetime) -> list[datetime]:
    """Return when each of the last months began, this one among them, and when the next one begins."""
    this_month = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    numbers = range(this_month - MONTHS + 1, this_month + 2)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in numbers]


def _month(number: int, start: datetime, count: int, highest: int, address: str) -> Month:
    slot = 100 / MONTHS
    height = (CHART_BOTTOM - CHART_TOP) * count / highest if highest else 0.0
    return Month(
        name=date_format(start, "YEAR_MONTH_FORMAT"),
        short_name=date_format(start, "M"),
        count=count,
        address=address,
        x=f"{slot * (number + (1 - BAR_SHARE) / 2):.2f}%",
        y=f"{CHART_BOTTOM - height:.2f}",
        width=f"{slot * BAR_SHARE:.2f}%",
        height=f"{height:.2f}",
        middle=f"{slot * (number + 0.5):.2f}%",
    )


def _summary(months: list[Month]) -> str:
    """Say in a sentence what the chart shows."""
    highest = max(months, key=lambda month: month.count)
    names = {"first": months[0].name, "last": months[-1].name}
    if not highest.count:
        return gettext("From %(first)s to %(last)s nobody enrolled.") % names
    names |= {"total": number_format(sum(month.count for month in months)), "month": highest.name}
    names["most"] = number_format(highest.count)
    return gettext("From %(first)s to %(last)s: %(total)s in all, most of them in %(month)s (%(most)s).") % names
