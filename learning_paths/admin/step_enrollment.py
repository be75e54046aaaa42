"""The screen of the course enrollments that follow those in learning paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from learning_paths import api
from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.domain_form import acting_user
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.admin.trail import short_date
from learning_paths.data import StepState
from learning_paths.models import LearningPath, StepEnrollment

PATH_PARAMETER = "enrollment__learning_path__id__exact"
STATE_PARAMETER = "state__exact"

FIELDS = [
    "enrollment",
    "course_key",
    "state",
    "why",
    "code",
    "attempts",
    "tried_at",
    "acting_user",
    "created",
    "modified",
]


@admin.register(StepEnrollment)
class StepEnrollmentAdmin(StrangeAddressesMixin, PatientAdmin):
    """What became of each, to read, and to try again. See ADR 0007, "Paths and their courses"."""

    list_display = ["learner", "course", "state_and_why", "tried"]
    list_display_links = ["learner"]
    list_filter = ["state", "enrollment__learning_path"]
    ordering = ["-pk"]
    search_fields = [
        "course_key",
        "enrollment__user__username",
        "enrollment__user__email",
        "enrollment__learning_path__key",
        "enrollment__learning_path__display_name",
    ]
    search_help_text = _(
        "The key of the course run, the learner's username or e-mail address, or the name or key of the learning path"
    )
    show_full_result_count = False
    fields = [*FIELDS]
    readonly_fields = FIELDS
    actions = ["try_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[StepEnrollment]:
        """Bring learners and paths along by a query each, as the list of enrollments does."""
        rows: QuerySet[StepEnrollment] = super().get_queryset(request)
        return rows.prefetch_related("enrollment__user", "enrollment__learning_path")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: they follow the enrollments in paths."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: StepEnrollment | None = None) -> bool:
        """Refuse to change a given one. The permission is for the action that tries again."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: StepEnrollment | None = None) -> bool:
        """Refuse: what is recorded stays."""
        return False

    @admin.action(description=_("Try the selected again"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[StepEnrollment]) -> None:
        """Have those that are not done tried once more, and count those that are."""
        ids = list(queryset.order_by().values_list("pk", flat=True))
        retried = api.retry_step_enrollments(ids, acting_user=acting_user(request))
        if retried:
            text = ngettext(
                "%(count)d course enrollment is tried again. The list shows what becomes of it.",
                "%(count)d course enrollments are tried again. The list shows what becomes of them.",
                retried,
            )
            self.message_user(request, text % {"count": retried}, messages.SUCCESS)
        if others := len(ids) - retried:
            text = ngettext(
                "%(count)d course enrollment was done already and was left alone.",
                "%(count)d course enrollments were done already and were left alone.",
                others,
            )
            self.message_user(request, text % {"count": others}, messages.WARNING)

    @admin.display(description=_("learner"), ordering="enrollment__user__username")
    def learner(self, row: StepEnrollment) -> Any:
        """Return the learner."""
        return row.enrollment.user

    @admin.display(description=_("course run"), ordering="course_key")
    def course(self, row: StepEnrollment) -> SafeString:
        """Return the key, and lead in a line below to the enrollment in the path; a list has no room for a column."""
        site, enrollment = self.admin_site.name, row.enrollment
        address = reverse(f"{site}:learning_paths_learningpathenrollment_change", args=[enrollment.pk])
        name = enrollment.learning_path.display_name
        return format_html('{}<br><a href="{}">{}</a>', row.course_key, address, name)

    @admin.display(description=_("state"), ordering="state")
    def state_and_why(self, row: StepEnrollment) -> SafeString:
        """Return the state, and in a line below the reason, if there is one."""
        return format_html("{}<br>{}", row.get_state_display(), row.explanation)

    @admin.display(description=_("last tried"), ordering="tried_at")
    def tried(self, row: StepEnrollment) -> str:
        """Return the date."""
        return short_date(row.tried_at) if row.tried_at else self.get_empty_value_display()

    @admin.display(description=_("reason"))
    def why(self, row: StepEnrollment) -> str:
        """Return the reason in words."""
        return row.explanation or self.get_empty_value_display()


@dataclass(frozen=True)
class StepFailures:
    """How many course enrollments of a path failed, and where they are listed."""

    text: str
    address: str


def step_failures_of(learning_path: LearningPath, request: HttpRequest, *, site: str) -> StepFailures | None:
    """Return what is to be said of a path to those who may see the list; None when nothing failed. One query."""
    user = request.user
    if not any(user.has_perm(f"learning_paths.{action}_stepenrollment") for action in ("view", "change")):
        return None
    count = api.count_failed_step_enrollments(learning_path)
    if not count:
        return None
    text = ngettext(
        "%(count)d enrollment in a course of this learning path failed.",
        "%(count)d enrollments in courses of this learning path failed.",
        count,
    )
    query = urlencode({PATH_PARAMETER: learning_path.pk, STATE_PARAMETER: StepState.FAILED.value})
    address = reverse(f"{site}:learning_paths_stepenrollment_changelist")
    return StepFailures(text % {"count": count}, f"{address}?{query}")
