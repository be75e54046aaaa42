"""
Forms of the admin that save by asking the domain.

Django's admin validates a form, saves the object and says that it was saved. Enrollments and invitations are changed by
the functions of ``learning_paths.api`` instead, which may refuse, or find that nothing has to change. The classes here
let the stock admin pages live with both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from learning_paths.admin.busy import PatientAdmin
from learning_paths.exceptions import LearningPathsError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STATE = "learning_paths.admin.state"
ATTRIBUTION_FIELDS = ["reason", "role", "org"]


@dataclass
class RequestState:
    """What one request has come to so far. A ``ModelAdmin`` serves all requests, so it can't hold it itself."""

    refusal: LearningPathsError | None = None
    notice: str | None = None
    changed: bool = True


def state_of(request: HttpRequest) -> RequestState:
    """Return the state of the request, which is the same object each time."""
    state: RequestState = request.META.setdefault(STATE, RequestState())
    return state


def acting_user(request: HttpRequest) -> User:
    """Return who asks. The admin lets nobody in who is not logged in."""
    return cast("User", request.user)


class AttributionForm(forms.Form):
    """What an audit row says besides who changed what: the reason, role and org."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Why, for those who read the audit later."),
    )
    role = forms.CharField(
        label=_("Role"),
        required=False,
        max_length=255,
        widget=AdminTextInputWidget,
        help_text=_("What the learner is in this learning path, such as “scholar”."),
    )
    org = forms.CharField(
        label=_("Organization"),
        required=False,
        max_length=255,
        widget=AdminTextInputWidget,
        help_text=_("On whose behalf the change is made."),
    )

    @property
    def attribution(self) -> dict[str, str]:
        """The three, as keyword arguments of a function of the domain."""
        return {name: self.cleaned_data[name] for name in ATTRIBUTION_FIELDS}


class DomainForm(AttributionForm, forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """
    A form whose fields are handed to a function of the domain, with the attribution that an audit row takes.

    It leaves it to that function to tell whether the row exists: the domain switches an old row on again where the
    model's own validation would refuse a second one.
    """

    refusal: ClassVar[LearningPathsError | None] = None
    refused_fields: ClassVar[Mapping[type[LearningPathsError], str]] = {}

    def clean(self) -> dict[str, Any] | None:
        """Show why the domain refused what was typed, beside the field that it is about."""
        cleaned = super().clean()
        if self.refusal is not None:
            name = self.refused_fields.get(type(self.refusal))
            self.add_error(name if name in self.fields else None, str(self.refusal))
        return cleaned

    def validate_unique(self) -> None:
        """Leave it to the domain."""


class DomainFormAdmin(PatientAdmin):
    """
    An admin whose ``save_model`` calls the domain.

    When the domain refuses, everything is rolled back and the form is shown again with the refusal as an error and all
    that was typed. When it finds that nothing has to change, ``state_of(request)`` says so: then no log entry claims
    the contrary, and the message is the one given there.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or save it; show it once more when the domain refuses."""
        request.META.pop(STATE, None)  # of an attempt before, which is undone
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except LearningPathsError as refusal:
            state_of(request).refusal = refusal
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Hand the domain's refusal on to the form."""
        form_class: Any = super().get_form(request, obj, change=change, **kwargs)
        form_class.refusal = state_of(request).refusal
        return form_class

    def message_user(
        self, request: HttpRequest, message: Any, level: int | str = messages.INFO, *args: Any, **kwargs: Any
    ) -> None:
        """Say what the domain did, where that is not what Django would say of a saved form."""
        super().message_user(request, state_of(request).notice or message, level, *args, **kwargs)

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Log what was added, unless nothing had to change."""
        return super().log_addition(request, obj, message) if state_of(request).changed else None

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Log what was changed, unless nothing had to change."""
        return super().log_change(request, obj, message) if state_of(request).changed else None

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: rows are switched off, never deleted."""
        return False
