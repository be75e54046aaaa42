"""The screen of the licenses."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from learning_paths import api
from learning_paths.admin.assign_licenses import ASSIGN_URL, may_assign
from learning_paths.admin.domain_form import acting_user
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.admin.trail import TrailAdmin, short_date
from learning_paths.data import LicenseStatus
from learning_paths.models import License, SubscriptionPlan

PLAN_PARAMETER = "subscription_plan__id__exact"


@admin.register(License)
class LicenseAdmin(StrangeAddressesMixin, TrailAdmin):
    """
    Who has a license of what. Licenses are assigned on the page of their plan, and revoked by an action.

    Nobody edits or deletes one: an address that was wrong is revoked, and the right one is assigned.
    """

    list_display = ["email", "plan", "status_since", "user"]
    list_display_links = ["email"]
    list_filter = ["status", "subscription_plan"]
    ordering = ["-pk"]
    search_fields = ["email", "user__username", "subscription_plan__title"]
    search_help_text = _("The e-mail address, the username, or the title of the subscription plan")
    show_full_result_count = False
    readonly_fields = [
        "email",
        "subscription_plan",
        "status",
        "user",
        "uuid",
        "assigned_date",
        "activated_date",
        "revoked_date",
        "created",
        "modified",
    ]
    fields = [*readonly_fields]
    actions = ["revoke"]
    change_list_template = "learning_paths/admin/learning_path_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[License]:
        """Bring plans and accounts along by a query each, as the list of enrollments does."""
        licenses: QuerySet[License] = super().get_queryset(request)
        return licenses.prefetch_related("subscription_plan", "user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: the permission is for the page that assigns, which knows the plan."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: License | None = None) -> bool:
        """Refuse to change a given license. The permission is for the action that revokes."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: License | None = None) -> bool:
        """Refuse: licenses are revoked, never deleted."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the button that assigns, where the list is that of one plan."""
        links = []
        plan = request.GET.get(PLAN_PARAMETER, "")
        if plan.isascii() and plan.isdecimal() and may_assign(request.user):
            address = reverse(f"{self.admin_site.name}:{ASSIGN_URL}", args=[plan])
            links = [{"url": address, "label": _("Assign licenses")}]
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "bulk_links": links})
        return response

    @admin.action(description=_("Revoke the selected licenses"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[License]) -> None:
        """Take those of the licenses back that are assigned or activated, and count those that were not."""
        ids = list(queryset.order_by().values_list("pk", flat=True))
        revoked = api.revoke_licenses(ids, acting_user=acting_user(request))
        if revoked:
            text = ngettext("%(count)d license was revoked.", "%(count)d licenses were revoked.", revoked)
            self.message_user(request, text % {"count": revoked}, messages.SUCCESS)
        if others := len(ids) - revoked:
            text = ngettext(
                "%(count)d license was not in use and was left alone.",
                "%(count)d licenses were not in use and were left alone.",
                others,
            )
            self.message_user(request, text % {"count": others}, messages.WARNING)

    @admin.display(description=_("plan"), ordering="subscription_plan__title")
    def plan(self, row: License) -> SubscriptionPlan:
        """Return the plan. As a field of the row it would be kept on one line, and push the rest off the screen."""
        return row.subscription_plan

    @admin.display(description=_("status"), ordering="status")
    def status_since(self, row: License) -> SafeString:
        """Return the status, and in a line below since when."""
        moments = {
            LicenseStatus.ASSIGNED: row.assigned_date,
            LicenseStatus.ACTIVATED: row.activated_date,
            LicenseStatus.REVOKED: row.revoked_date,
        }
        since = moments.get(LicenseStatus(row.status))
        return format_html("{}<br>{}", row.get_status_display(), short_date(since) if since else "")
