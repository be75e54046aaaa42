"""The page that copies a learning path under another key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.domain_form import acting_user
from learning_paths.admin.uploads import takes_uploads
from learning_paths.exceptions import LearningPathExists, LearningPathNotFound
from learning_paths.keys import LearningPathKeyFormField, validate_new_key
from learning_paths.models import LearningPath

DUPLICATE_URL = "learning_paths_learningpath_duplicate"
LONGEST_NAME = 255


class DuplicateForm(forms.Form):
    """What makes a copy another path than its original."""

    key = LearningPathKeyFormField(
        label=_("Key"),
        max_length=255,
        validators=[validate_new_key],
        widget=AdminTextInputWidget(attrs={"spellcheck": "false", "autocomplete": "off", "autofocus": True}),
        help_text=_("This is the key of the original. Change it: the copy needs one of its own, and keeps it."),
    )
    display_name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, widget=AdminTextInputWidget)
    invite_only = forms.BooleanField(
        label=_("Invite only"),
        required=False,
        help_text=_(
            "Only staff and the people whom staff enrolled or invited see the copy and can enroll. Untick it once the "
            "copy is ready for everybody."
        ),
    )


class DuplicatePathAdmin(PatientAdmin):
    """An admin of learning paths with a page that copies one, for those who may see it and add paths."""

    def get_urls(self) -> list[URLPattern]:
        """Add the page."""
        view = self.admin_site.admin_view(self.duplicate_view)
        return [path("<path:object_id>/duplicate/", view, name=DUPLICATE_URL), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: LearningPath | None = None,
    ) -> HttpResponse:
        """Hand the template of the form where the path is copied."""
        if obj is not None and self._may_duplicate(request, obj):
            context["duplicate_url"] = reverse(f"{self.admin_site.name}:{DUPLICATE_URL}", args=[obj.pk])
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    @takes_uploads
    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the key and the name of the copy, make it, and go on to its form."""
        original: LearningPath | None = self.get_object(request, unquote(object_id))
        if not self._may_duplicate(request, original):
            raise PermissionDenied
        if original is None:
            return self._elsewhere(request, object_id)
        form = DuplicateForm(request.POST if request.method == "POST" else None, initial=_initial(original))
        if form.is_valid():
            try:
                copy = api.duplicate_path(original, **form.cleaned_data, acting_user=acting_user(request))
            except LearningPathExists as refusal:
                form.add_error("key", str(refusal))
            except LearningPathNotFound:
                return self._elsewhere(request, object_id)
            else:
                return self._made(request, original, copy)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Duplicate %(path)s") % {"path": original},
            "original": original,
            "form": form,
            "fieldsets": AdminForm(form, [(None, {"fields": list(form.fields)})], {}),  # type: ignore[arg-type]  # any form will do
            "media": self.media + form.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "learning_paths/admin/duplicate_path.html", context)

    def _may_duplicate(self, request: HttpRequest, learning_path: LearningPath | None) -> bool:
        return self.has_view_or_change_permission(request, learning_path) and self.has_add_permission(request)

    def _made(self, request: HttpRequest, original: LearningPath, copy: LearningPath) -> HttpResponse:
        """Log the copy, say what it is and what it lacks, and go on to its form."""
        self.log_addition(request, copy, gettext("Copied from %(path)s.") % {"path": original})
        text = gettext("This is the copy of %(path)s. Nobody is enrolled in it or invited to it yet.")
        self.message_user(request, text % {"path": original}, messages.SUCCESS)
        if original.image and not copy.image:
            text = gettext("The image could not be copied: its file is missing or can't be read. Choose it once more.")
            self.message_user(request, text, messages.WARNING)
        change = reverse(f"{self.admin_site.name}:learning_paths_learningpath_change", args=[copy.pk])
        return HttpResponseRedirect(change)

    def _elsewhere(self, request: HttpRequest, object_id: str) -> HttpResponse:
        model_admin: Any = self  # the stubs leave the method out
        elsewhere: HttpResponse = model_admin._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return elsewhere


def _initial(original: LearningPath) -> dict[str, Any]:
    """Return what the form begins with. A copy is edited before it is shown to everybody."""
    name = gettext("Copy of %(name)s") % {"name": original.display_name}
    return {"key": original.key, "display_name": Truncator(name).chars(LONGEST_NAME), "invite_only": True}
