"""Where bulk enrollment begins: on the list of the learning paths, for the selected ones, and on a path's page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths.admin.bulk_enrollment import TITLES, form_link, may_run
from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.relations import LARGEST_ID
from learning_paths.data import BulkOperation
from learning_paths.digits import whole_number
from learning_paths.models import LearningPath

MOST_PATHS_IN_A_LINK = 100


def bulk_links(model_admin: Any, request: HttpRequest, paths: list[int]) -> list[dict[str, Any]]:
    """Return the buttons that begin a bulk job on these paths: those that the user may press."""
    return [
        {"label": title, "url": form_link(model_admin, operation, paths)}
        for operation, title in TITLES.items()
        if may_run(request.user, operation)
    ]


class BulkEntryAdmin(PatientAdmin):
    """An admin of learning paths with the ways into the bulk form."""

    change_list_template = "learning_paths/admin/learning_path_list.html"

    def has_bulk_enroll_permission(self, request: HttpRequest) -> bool:
        """Tell the action whether it is offered."""
        return may_run(request.user, BulkOperation.ENROLL)

    def has_bulk_unenroll_permission(self, request: HttpRequest) -> bool:
        """Tell the action whether it is offered."""
        return may_run(request.user, BulkOperation.UNENROLL)

    @admin.action(description=_("Bulk enroll in the selected learning paths"), permissions=["bulk_enroll"])
    def bulk_enroll(self, request: HttpRequest, queryset: QuerySet[LearningPath]) -> HttpResponse | None:
        """Go to the form with the selected paths."""
        return self._begin(request, BulkOperation.ENROLL, queryset)

    @admin.action(description=_("Bulk unenroll from the selected learning paths"), permissions=["bulk_unenroll"])
    def bulk_unenroll(self, request: HttpRequest, queryset: QuerySet[LearningPath]) -> HttpResponse | None:
        """Go to the form with the selected paths."""
        return self._begin(request, BulkOperation.UNENROLL, queryset)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the buttons to the list."""
        return super().changelist_view(request, {**(extra_context or {}), "bulk_links": bulk_links(self, request, [])})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Add the buttons to the page of a path."""
        number = whole_number(object_id or "", largest=LARGEST_ID)
        paths = [] if number is None else [number]
        context = {**(extra_context or {}), "bulk_links": bulk_links(self, request, paths)}
        return super().changeform_view(request, object_id, form_url, context)

    def _begin(
        self, request: HttpRequest, operation: BulkOperation, paths: QuerySet[LearningPath]
    ) -> HttpResponse | None:
        ids = list(paths.order_by("pk").values_list("pk", flat=True)[: MOST_PATHS_IN_A_LINK + 1])
        if len(ids) > MOST_PATHS_IN_A_LINK:
            text = gettext("Select at most %(most)d learning paths at a time.")
            self.message_user(request, text % {"most": MOST_PATHS_IN_A_LINK}, messages.ERROR)
            return None
        return HttpResponseRedirect(form_link(self, operation, ids))
