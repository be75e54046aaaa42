"""The page that assigns licenses of a plan to addresses, and tells what became of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import AdminForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.addresses import AddressesForm
from learning_paths.admin.domain_form import acting_user
from learning_paths.data import LicenseCode, LicenseReport, ParsedEmails

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.auth.models import AnonymousUser, User
    from django.core.files.uploadedfile import UploadedFile

    from learning_paths.models import SubscriptionPlan

ASSIGN_URL = "learning_paths_subscriptionplan_assign"
LISTED_AT_MOST = 500
"""Addresses that the result lists."""


class AssignForm(AddressesForm):
    """Whom to give a license."""

    without_account = _("Who has no account yet activates the license with the account.")

    def clean(self) -> dict[str, Any] | None:
        """Read the addresses."""
        cleaned = super().clean() or {}
        sources: dict[str, Callable[[], ParsedEmails]] = {"emails": lambda: api.parse_text(cleaned.get("emails") or "")}
        file: UploadedFile[Any] | None = cleaned.get("file")
        if file is not None:
            sources["file"] = lambda: api.parse_csv(file.read())
        self.take_addresses(sources)
        return cleaned


def may_assign(user: User | AnonymousUser) -> bool:
    """Return whether the user may give licenses to people."""
    return user.has_perm("learning_paths.add_license")


def assign_view(model_admin: ModelAdmin[Any], request: HttpRequest, plan: SubscriptionPlan) -> HttpResponse:
    """Show the form, or take it, assign, and show what became of each address. Who may do so is for the caller."""
    report = None
    form = AssignForm()
    if request.method == "POST":
        form = AssignForm(request.POST, request.FILES)
        if form.is_valid():
            report = api.assign_licenses(plan, form.parsed, acting_user=acting_user(request))
            given = report.count(LicenseCode.ASSIGNED, LicenseCode.ACTIVATED)
            if given:
                text = ngettext("Assigned %(count)d license.", "Assigned %(count)d licenses.", given)
                model_admin.log_change(request, plan, text % {"count": given})
            form = AssignForm()
    used = plan.seats_taken()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": gettext("Assign licenses of %(plan)s") % {"plan": plan},
        "plan": plan,
        "used": used,
        "free": max(0, plan.num_licenses - used),
        "form": form,
        "fieldsets": AdminForm(form, [(None, {"fields": ["emails", "file"]})], {}),  # type: ignore[arg-type]  # any form will do
        "media": model_admin.media + form.media,
        "report": report,
        "counts": _counts(report) if report else [],
        "refused": _refused(report)[:LISTED_AT_MOST] if report else [],
        "unlisted": max(0, len(_refused(report)) - LISTED_AT_MOST) if report else 0,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "learning_paths/admin/assign_licenses.html", context)


def _counts(report: LicenseReport) -> list[dict[str, Any]]:
    """Return the numbers of the result, in the groups that the style sheet has colors for."""
    waiting = report.count(LicenseCode.ASSIGNED)
    return [
        {"group": "changed", "label": gettext("activated at once"), "count": report.count(LicenseCode.ACTIVATED)},
        {"group": "pending", "label": gettext("assigned, wait for an account"), "count": waiting},
        {
            "group": "unchanged",
            "label": gettext("had a license already"),
            "count": report.count(LicenseCode.ALREADY_ASSIGNED),
        },
        {"group": "failure", "label": gettext("without a license"), "count": len(_refused(report))},
    ]


def _refused(report: LicenseReport) -> list[dict[str, Any]]:
    """Return each address that did not get a license, and what was no address, with the reason."""
    invalid = gettext("Line %(line)d: not a valid e-mail address.")
    return [
        *({"email": row.email, "reason": row.code.label} for row in report.failures),
        *({"email": entry.text, "reason": invalid % {"line": entry.line}} for entry in report.invalid_emails),
    ]
