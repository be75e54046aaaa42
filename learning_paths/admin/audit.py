"""The screen of the audit: who changed whose enrollment by hand, and why. To read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.data import StateTransition
from learning_paths.models import LearningPath, ManualEnrollmentAudit

LONGEST_REASON = 60

IN_SHORT: dict[str, Any] = {
    StateTransition.UNENROLLED_TO_ALLOWED: _("invited"),
    StateTransition.ALLOWED_TO_ENROLLED: _("enrolled, was invited"),
    StateTransition.UNENROLLED_TO_ENROLLED: _("enrolled"),
    StateTransition.ENROLLED_TO_UNENROLLED: _("unenrolled"),
    StateTransition.ALLOWED_TO_UNENROLLED: _("invitation withdrawn"),
}


@admin.register(ManualEnrollmentAudit)
class ManualEnrollmentAuditAdmin(StrangeAddressesMixin, PatientAdmin):
    """Rows are added by the actions of the domain, in the transaction of the change, and never touched again."""

    list_display = ["created", "enrolled_email", "enrolled_by", "short_reason", "change", "learning_path"]
    list_display_links = ["created", "enrolled_email"]
    list_filter = ["state_transition", "org", "created"]
    ordering = ["-pk"]
    search_fields = ["enrolled_email", "reason", "enrolled_by__username"]
    search_help_text = _("The learner's e-mail address, the reason, or the username of who made the change")
    show_full_result_count = False
    fields = [
        "created",
        "enrolled_email",
        "learning_path",
        "state_transition",
        "enrolled_by",
        "role",
        "org",
        "reason",
        "enrollment",
        "enrollment_allowed",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ManualEnrollmentAudit]:
        """Return the rows with what a row shows of them, in one query."""
        return (
            super()
            .get_queryset(request)
            .select_related(
                "enrolled_by",
                "enrollment__user",
                "enrollment__learning_path",
                "enrollment_allowed__learning_path",
            )
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: the domain writes the audit."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ManualEnrollmentAudit | None = None) -> bool:
        """Refuse: what is recorded stays as it was recorded."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ManualEnrollmentAudit | None = None) -> bool:
        """Refuse: what is recorded stays."""
        return False

    @admin.display(description=_("learning path"))
    def learning_path(self, audit: ManualEnrollmentAudit) -> LearningPath | None:
        """Return the path, which the row knows through the enrollment or the invitation."""
        source = audit.enrollment or audit.enrollment_allowed
        return None if source is None else source.learning_path

    @admin.display(description=_("change"), ordering="state_transition")
    def change(self, audit: ManualEnrollmentAudit) -> str:
        """Return what was done in a word or two; the LMS's long name of it is on the row's own page."""
        return str(IN_SHORT.get(audit.state_transition) or audit.get_state_transition_display())

    @admin.display(description=_("reason"), ordering="reason")
    def short_reason(self, audit: ManualEnrollmentAudit) -> str:
        """Return the beginning of the reason; the whole of it is on the row's own page."""
        return Truncator(audit.reason).chars(LONGEST_REASON)


def audit_link(count: int, **query: int) -> SafeString:
    """Return a link to the audit rows of one enrollment or invitation."""
    name, pk = next(iter(query.items()))
    address = reverse("admin:learning_paths_manualenrollmentaudit_changelist")
    text = ngettext("%(count)d manual change", "%(count)d manual changes", count) % {"count": count}
    return format_html('<a href="{}?{}__id__exact={}">{}</a>', address, name, pk, text)
