"""The form of the first step: whom, in which paths, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.admin.sites import AdminSite
from django.contrib.admin.widgets import (
    AdminTextareaWidget,
    FilteredSelectMultiple,
)
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.addresses import NAMED_AT_MOST, AddressesForm
from learning_paths.admin.course_runs import CourseKeysFormField, CourseRunSelectMultiple, describe, well_formed
from learning_paths.admin.domain_form import ATTRIBUTION_FIELDS, AttributionForm
from learning_paths.admin.relations import SelectByIds
from learning_paths.data import BulkOperation, ParsedEmails, SubscriptionOffer
from learning_paths.exceptions import BulkTooLarge
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathStep

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.http import QueryDict

SEPARATORS = re.compile(r"[,;\s]+")
MOST_HOLDERS = 500
"""Holders of licenses that are listed to be picked: a form of more fields than a thousand is refused by Django."""


class FilteredSelect(FilteredSelectMultiple):
    """The admin's two lists side by side, in an element of their own, without which its script displaces the label."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        """Return the lists."""
        return format_html('<div class="related-widget-wrapper">{}</div>', super().render(*args, **kwargs))


class BulkForm(AddressesForm, AttributionForm):
    """
    The first step. Its author may come back to it from the preview: then the draft gives what was typed and uploaded.

    ``path_keys`` is for browsers without JavaScript, where the search for paths does not work. Within a subscription,
    what it covers is there to be ticked, and so are those who hold a license of it.
    """

    without_account = _("Who has no account yet is enrolled as soon as there is one.")

    subscription = forms.TypedChoiceField(label=_("Subscription"), required=False, coerce=UUID, empty_value=None)
    learning_paths = forms.ModelMultipleChoiceField(
        label=_("Learning paths"),
        queryset=LearningPath.objects.none(),
        required=False,
    )
    course_keys = CourseKeysFormField(
        label=_("Course runs"),
        required=False,
        help_text=_("Beside learning paths, or in their place."),
    )
    path_keys = forms.CharField(
        label=_("Keys of learning paths"),
        required=False,
        help_text=_("Such as path-v1:Org+Number+Run; several are separated by commas or new lines."),
        widget=AdminTextareaWidget(attrs={"rows": 2}),
    )
    holders = forms.MultipleChoiceField(
        label=_("Holders of a license"), required=False, widget=FilteredSelect(_("holders of a license"), False)
    )
    everybody = forms.BooleanField(required=False)
    keep_file = forms.BooleanField(required=False)
    notify = forms.BooleanField(
        label=_("Tell the learners by e-mail"),
        required=False,
        help_text=_(
            "One e-mail to each learner for whom something changes, when all is done. Who has no account yet is told "
            "how to register."
        ),
    )

    def __init__(
        self,
        *args: Any,
        admin_site: AdminSite,
        operation: BulkOperation,
        draft: BulkEnrollmentJob | None,
        plans: Sequence[api.PlanData] = (),
        offer: SubscriptionOffer | None = None,
        may_do_without: bool = True,
        **kwargs: Any,
    ) -> None:
        """Take what a draft has for a beginning."""
        self.draft = draft
        self.file_name = ""
        self.file_content = b""
        if draft is not None:
            names = [*ATTRIBUTION_FIELDS]
            given = {name: getattr(draft, name) for name in names}
            given |= {"learning_paths": draft.learning_paths.all(), "emails": draft.typed, "keep_file": True}
            given |= {"course_keys": draft.course_keys, "subscription": draft.subscription, "notify": draft.notify}
            kwargs["initial"] = {**given, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self._offer_content(admin_site, operation, offer)
        self._offer_plans(plans, offer, may_do_without=may_do_without)
        self.fields["reason"].required = settings.LEARNING_PATHS_BULK_REASON_REQUIRED
        if operation != BulkOperation.ENROLL:
            del self.fields["notify"]
        if operation == BulkOperation.UNENROLL:
            self.fields["emails"].help_text = _(
                "Separated by new lines, commas, semicolons or spaces. What waits for an account that is not there yet "
                "is withdrawn."
            )
        self.fields["emails"].widget.attrs["data-limit"] = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or "")
        keep_file = self.fields.pop("keep_file")
        if draft is not None and draft.file_name:
            keep_file.label = gettext("Keep the file %(name)s") % {"name": draft.file_name}
            self.fields["keep_file"] = keep_file

    def _offer_content(self, admin_site: AdminSite, operation: BulkOperation, offer: SubscriptionOffer | None) -> None:
        """Let paths and course runs be chosen: from what the subscription covers, or found by a search."""
        paths: Any = self.fields["learning_paths"]
        runs: Any = self.fields["course_keys"]
        if offer is None or offer.path_keys is None or offer.course_keys is None:
            paths.queryset = LearningPath.objects.all()
            paths.widget = SelectByIds(BulkEnrollmentJob._meta.get_field("learning_paths"), admin_site)
            paths.widget.choices = paths.choices
            runs.widget = CourseRunSelectMultiple(LearningPathStep._meta.get_field("course_key"), admin_site)
            runs.widget.known_runs = lambda: api.get_course_runs(well_formed(self["course_keys"].value() or []))
        else:
            paths.queryset = LearningPath.objects.filter(key__in=offer.path_keys).order_by("display_name", "pk")
            paths.widget = CheckboxSelectMultiple(choices=paths.choices)
            names = api.get_course_runs(offer.course_keys)
            runs.choices = [(str(key), describe(names[key]) if key in names else key) for key in offer.course_keys]
            runs.widget = CheckboxSelectMultiple(choices=runs.choices)
        if operation != BulkOperation.ENROLL:
            del self.fields["course_keys"]

    def _offer_plans(
        self, plans: Sequence[api.PlanData], offer: SubscriptionOffer | None, *, may_do_without: bool
    ) -> None:
        """Let one of the subscriptions be chosen, if there are any, and its holders of licenses be picked."""
        subscription: Any = self.fields["subscription"]
        without = [("", gettext("No subscription"))] if may_do_without else []
        subscription.choices = [*without, *((str(plan.uuid), str(plan.title)) for plan in plans)]
        subscription.required = not may_do_without
        if not plans and may_do_without and not self.data.get("subscription"):
            del self.fields["subscription"]
        holders: Any = self.fields["holders"]
        if offer is None or len(offer.holders) > MOST_HOLDERS:
            del self.fields["holders"]
        else:
            holders.choices = [(email, email) for email in offer.holders]
        if offer is None:
            del self.fields["everybody"]
        else:
            n = len(offer.holders)
            text = ngettext("Everybody with a valid license (%(n)d)", "Everybody with a valid license (%(n)d)", n)
            self.fields["everybody"].label = text % {"n": n}

    def clean(self) -> dict[str, Any] | None:
        """Read the addresses and look at the paths."""
        cleaned = super().clean() or {}
        self._take_file(cleaned)
        self._check_paths(cleaned)
        sources: dict[str, Callable[[], ParsedEmails]] = {
            "emails": lambda: api.parse_text(self.typed),
            "holders": lambda: api.parse_items(cleaned.get("holders", [])),
        }
        if self.file_content:
            sources["file"] = lambda: api.parse_csv(self.file_content)
        self.take_addresses(sources, others=bool(cleaned.get("everybody")))
        return cleaned

    @property
    def typed(self) -> str:
        """What was typed."""
        return str(self.cleaned_data.get("emails") or "")

    @property
    def typed_and_picked(self) -> str:
        """What was typed, with the holders who were picked, each in a line."""
        return "\n".join(filter(None, [self.typed.rstrip(), *self.cleaned_data.get("holders", [])]))

    @property
    def path_texts(self) -> list[str]:
        """The keys of the chosen paths."""
        chosen: QuerySet[LearningPath] = self.cleaned_data.get("learning_paths", LearningPath.objects.none())
        typed = SEPARATORS.split(self.cleaned_data.get("path_keys", "").strip())
        return [*(str(path.key) for path in chosen), *filter(None, typed)]

    def show_kept_file(self, draft: BulkEnrollmentJob) -> None:
        """Say that a file which the form was sent with is kept, though the form has errors."""
        self.fields["keep_file"] = forms.BooleanField(
            required=False, label=gettext("Keep the file %(name)s") % {"name": draft.file_name}
        )
        data = cast("QueryDict", self.data).copy()
        data["keep_file"] = "on"
        self.data = data

    def _take_file(self, cleaned: dict[str, Any]) -> None:
        file: UploadedFile[Any] | None = cleaned.get("file")
        if file is not None:
            self.file_name, self.file_content = (file.name or "")[:255], file.read()
        elif cleaned.get("keep_file") and self.draft is not None:
            self.file_name, self.file_content = self.draft.file_name, bytes(self.draft.file_content)

    def _check_paths(self, cleaned: dict[str, Any]) -> None:
        if "learning_paths" not in cleaned:
            return
        if not self.path_texts and not cleaned.get("course_keys"):
            self.add_error("learning_paths", gettext("Choose at least one learning path or course run."))
            return
        try:
            unknown = api.prepare_bulk([], self.path_texts).invalid_learning_paths
        except BulkTooLarge as error:
            self.add_error("path_keys", str(error))
            return
        if unknown:
            text = gettext("There is no such learning path: %(keys)s")
            self.add_error("path_keys", text % {"keys": ", ".join(unknown[:NAMED_AT_MOST])})
