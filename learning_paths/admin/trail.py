"""What happened to an object and when: its history in the admin, to be read only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from simple_history.admin import SimpleHistoryAdmin

from learning_paths.admin.busy import PatientAdmin


def short_date(moment: datetime) -> str:
    """Return the date without the time, which a list has no room for, on one line."""
    return date_format(timezone.localtime(moment)).replace(" ", "\N{NO-BREAK SPACE}")


class TrailAdmin(PatientAdmin, SimpleHistoryAdmin):
    """
    An admin that shows who changed an object and when, and offers no way back to a past state.

    Bringing one back would be a change beside the domain.
    """

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who changed the object and when."""
        self._check_ids(object_id)
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a past state, and refuse to bring it back."""
        if request.method == "POST":
            raise PermissionDenied
        self._check_ids(object_id, version_id)
        context = {**(extra_context or {}), "change_history": False}
        response: HttpResponse = super().history_form_view(request, object_id, version_id, context)
        return response

    def revert_disabled(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Offer no way back."""
        return True

    def _check_ids(self, *texts: str) -> None:
        """Answer 404 to what can't be an id; django-simple-history would fail."""
        try:
            for text in texts:
                self.model._meta.pk.to_python(unquote(text))
        except ValidationError as error:
            raise Http404 from error
