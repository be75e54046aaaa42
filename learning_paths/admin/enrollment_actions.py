"""What the list of enrollments does with the selected: unenroll, enroll again, download."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, AdminForm
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.domain_form import ATTRIBUTION_FIELDS, AttributionForm, DomainFormAdmin, acting_user
from learning_paths.exceptions import AlreadyEnrolled, LearningPathsError, NotEnrolled
from learning_paths.models import LearningPathEnrollment
from learning_paths.retrying import PATIENCE, retried
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

log = logging.getLogger(__name__)

NAMED_AT_MOST = 10
CLOCKS_DIFFER_BY = timedelta(seconds=60)
"""What bears a later moment than this from now was changed before the clock was set back."""
ROWS_AT_ONCE = 2000
CSV_HEADER = ("username", "email", "learning path", "state", "enrolled at", "created")
CSV_FIELDS = ("user__username", "user__email", "learning_path__key", "is_active", "enrolled_at", "created")


class SelectionForm(AttributionForm):
    """Why many enrollments are changed at once. The site decides whether that must be told."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask for the reason as the site wants it now, not as it was when the module was loaded."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = settings.LEARNING_PATHS_BULK_REASON_REQUIRED


@dataclass(frozen=True)
class Switch:
    """One of the two ways to switch enrollments, and what the page says of it."""

    action: str
    on: bool
    title: _StrPromise
    question: _StrPromise
    button: _StrPromise


OFF = Switch(
    action="unenroll_selected",
    on=False,
    title=_("Unenroll the selected"),
    question=_("These learners will be unenrolled. Their history stays, and they can be enrolled again."),
    button=_("Unenroll"),
)
ON = Switch(
    action="enroll_selected_again",
    on=True,
    title=_("Enroll the selected again"),
    question=_("These learners will be enrolled again, from now on."),
    button=_("Enroll again"),
)


@dataclass
class Tally:
    """What became of the selected."""

    changed: int = 0
    unchanged: int = 0
    meanwhile: int = 0
    refused: list[str] = field(default_factory=list)


class EnrollmentActions(DomainFormAdmin):
    """
    The actions of the list.

    Both that change something show whom it concerns and ask why. They carry each change out in a transaction of its
    own, so that what one learner is refused does not touch the others; the list therefore stands outside of the
    transaction that the LMS begins for every request.
    """

    actions = ["unenroll_selected", "enroll_selected_again", "download_selected"]

    @transaction.non_atomic_requests
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or carry out an action."""
        return super().changelist_view(request, extra_context)

    @admin.action(description=OFF.title, permissions=["change"])
    def unenroll_selected(
        self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollment]
    ) -> HttpResponse | None:
        """Unenroll the learners who are enrolled, once it is confirmed."""
        return self._switch(request, queryset, OFF)

    @admin.action(description=ON.title, permissions=["change"])
    def enroll_selected_again(
        self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollment]
    ) -> HttpResponse | None:
        """Enroll the learners who no longer are, once it is confirmed."""
        return self._switch(request, queryset, ON)

    @admin.action(description=_("Download the selected as CSV"), permissions=["view"])
    def download_selected(
        self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollment]
    ) -> StreamingHttpResponse:
        """Send the enrollments as a file, row by row as they are read, in one query however many there are."""
        rows = queryset.prefetch_related(None).order_by("pk").values_list(*CSV_FIELDS)
        response = StreamingHttpResponse(
            api.csv_lines(_csv_rows(rows.iterator(chunk_size=ROWS_AT_ONCE))), content_type="text/csv; charset=utf-8"
        )
        response.headers["Content-Disposition"] = 'attachment; filename="enrollments.csv"'
        return response

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollment], switch: Switch
    ) -> HttpResponse | None:
        concerned = queryset.filter(is_active=not switch.on)
        counts = queryset.aggregate(total=Count("pk"), changing=Count("pk", filter=Q(is_active=not switch.on)))
        total, changing = counts["total"], counts["changing"]
        if api.is_too_much_for_a_request(changing):
            self._refuse_so_many(request, changing)
            return None
        is_sent = "post" in request.POST
        if not changing:
            self._tell(request, switch, Tally(unchanged=total))
            return None
        form = SelectionForm(request.POST if is_sent else None)
        if is_sent and form.is_valid():
            tally = Tally(unchanged=total - changing)
            self._carry_out(request, concerned, switch, form, tally)
            self._tell(request, switch, tally)
            return None
        return self._ask(request, concerned, switch, form, changing, total - changing)

    def _ask(
        self,
        request: HttpRequest,
        concerned: QuerySet[LearningPathEnrollment],
        switch: Switch,
        form: Any,
        changing: int,
        unchanged: int,
    ) -> TemplateResponse:
        """
        Return the page that asks whether and why.

        What is selected travels along as it came: as ids, or as "all that the filters in the address find".
        """
        listed = list(concerned[:NAMED_AT_MOST])
        is_across = forms.BooleanField(required=False).clean(request.POST.get("select_across"))
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": switch.title,
            "subtitle": None,
            "opts": self.opts,
            "switch": switch,
            "address": request.get_full_path(),
            "listed": listed,
            "changing": changing,
            "unlisted": changing - len(listed),
            "unchanged": unchanged,
            "is_across": is_across,
            "selected": selected[:1] if is_across else selected,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "shown": timezone.now().isoformat(),
            "adminform": AdminForm(form, [(None, {"fields": ATTRIBUTION_FIELDS})], {}, model_admin=self),
            "errors": form.errors,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "learning_paths/admin/enrollment_action.html", context)

    def _carry_out(
        self,
        request: HttpRequest,
        concerned: QuerySet[LearningPathEnrollment],
        switch: Switch,
        form: SelectionForm,
        tally: Tally,
    ) -> None:
        """Switch one enrollment after the other; leave alone what somebody else changed since the page was shown."""
        shown = _moment(request.POST.get("shown"))
        change = api.enroll if switch.on else api.unenroll
        rows = concerned.prefetch_related(None).select_related("user", "learning_path").order_by("pk")
        read = list(rows[: settings.LEARNING_PATHS_BULK_SYNC_LIMIT])
        latest = timezone.now() + CLOCKS_DIFFER_BY
        for enrollment in read:
            if shown is not None and shown < enrollment.modified < latest:
                tally.meanwhile += 1
                continue
            try:
                retried(partial(self._change, request, enrollment, change, form), patience=PATIENCE)
            except (AlreadyEnrolled, NotEnrolled):
                tally.unchanged += 1
            except LearningPathsError as refusal:
                tally.refused.append(f"{enrollment}: {refusal}")
            except DatabaseError as error:
                log.error("Enrollment %s could not be switched.\n%s", enrollment.pk, trace(error))
                tally.refused.append(f"{enrollment}: {gettext('Try again.')}")
            else:
                tally.changed += 1

    def _change(
        self, request: HttpRequest, enrollment: LearningPathEnrollment, change: Callable[..., Any], form: SelectionForm
    ) -> None:
        with transaction.atomic():
            change(enrollment.user, enrollment.learning_path, **form.attribution, acting_user=acting_user(request))
            self.log_change(request, enrollment, [{"changed": {"fields": ["Enrollment"]}}])

    def _tell(self, request: HttpRequest, switch: Switch, tally: Tally) -> None:
        """Say what was done, and what was not."""
        if tally.changed:
            self.message_user(request, _filled(_changed(switch, tally.changed), tally.changed), messages.SUCCESS)
        if tally.unchanged:
            text = ngettext(
                "%(count)s of the selected had nothing to change.",
                "%(count)s of the selected had nothing to change.",
                tally.unchanged,
            )
            self.message_user(request, _filled(text, tally.unchanged))
        if tally.meanwhile:
            text = ngettext(
                "%(count)s of the selected was changed by somebody else meanwhile, and was left alone.",
                "%(count)s of the selected were changed by somebody else meanwhile, and were left alone.",
                tally.meanwhile,
            )
            self.message_user(request, _filled(text, tally.meanwhile), messages.WARNING)
        if tally.refused:
            text = ngettext(
                "%(count)s of the selected could not be changed: %(names)s",
                "%(count)s of the selected could not be changed: %(names)s",
                len(tally.refused),
            )
            names = "; ".join([*tally.refused[:NAMED_AT_MOST], *(["…"] if len(tally.refused) > NAMED_AT_MOST else [])])
            self.message_user(request, _filled(text, len(tally.refused), names=names), messages.ERROR)

    def _refuse_so_many(self, request: HttpRequest, changing: int) -> None:
        text = gettext(
            "Nothing was changed: these are %(count)s enrollments, and at most %(limit)s are changed in one go here. "
            "Narrow the list by its filters, or use the bulk form."
        )
        limit = number_format(settings.LEARNING_PATHS_BULK_SYNC_LIMIT)
        self.message_user(request, _filled(text, changing, limit=limit), messages.ERROR)


def _changed(switch: Switch, count: int) -> str:
    if switch.on:
        return ngettext("%(count)s enrollment is active again.", "%(count)s enrollments are active again.", count)
    return ngettext("%(count)s enrollment was ended.", "%(count)s enrollments were ended.", count)


def _filled(text: str, count: int, **names: str) -> str:
    return text % {"count": number_format(count), **names}


def _moment(text: str | None) -> datetime | None:
    """Return the moment that a form says it was shown at, or None if it says no such thing."""
    try:
        moment: datetime | None = forms.DateTimeField(required=False).clean(text)
    except ValidationError:
        return None
    return moment


def _csv_rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[str, ...]]:
    yield CSV_HEADER
    for username, email, key, is_active, enrolled_at, created in rows:
        state = "active" if is_active else "inactive"
        yield username, email, str(key), state, enrolled_at.isoformat(), created.isoformat()
