"""The screen of the enrollments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminRadioSelect
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.audit import audit_link
from learning_paths.admin.domain_form import ATTRIBUTION_FIELDS, DomainForm, acting_user, state_of
from learning_paths.admin.enrollment_actions import EnrollmentActions
from learning_paths.admin.learning_path import OrganizationFilter
from learning_paths.admin.relations import RelationsMixin, StrangeAddressesMixin
from learning_paths.admin.trail import TrailAdmin
from learning_paths.exceptions import AlreadyEnrolled, LearningPathNotFound, NotEnrolled, UserNotFound
from learning_paths.models import LearningPath, LearningPathEnrollment

if TYPE_CHECKING:
    from django.http import QueryDict


class EnrollmentAddForm(DomainForm):
    """Enrolls a learner, for the first time or again."""

    class Meta:
        model = LearningPathEnrollment
        fields = ["user", "learning_path"]
        help_texts = {
            "user": _("The id of the learner's account. The magnifying glass finds it by username or e-mail address.")
        }

    refused_fields = {AlreadyEnrolled: "user", UserNotFound: "user", LearningPathNotFound: "learning_path"}


class EnrollmentChangeForm(DomainForm):
    """
    Switches an enrollment on or off.

    The form remembers what it showed: a change is what differs from that, not from what somebody else made of the
    enrollment meanwhile.
    """

    refused_fields = {AlreadyEnrolled: "is_active", NotEnrolled: "is_active"}

    is_active = forms.TypedChoiceField(
        label=_("Enrollment"),
        choices=[(True, _("active")), (False, _("not active"))],
        coerce=lambda value: str(value) == "True",
        widget=AdminRadioSelect,
        show_hidden_initial=True,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Once the domain refused, what is shown is what is."""
        super().__init__(*args, **kwargs)
        if self.is_bound and self.refusal is not None:
            data = cast("QueryDict", self.data).copy()
            data[self.add_initial_prefix("is_active")] = str(self.initial["is_active"])
            self.data = data

    @property
    def is_switched(self) -> bool:
        """Whether the person who sent the form chose something else than it showed."""
        shown = self.data.get(self.add_initial_prefix("is_active"), str(self.initial["is_active"]))
        return bool(str(self.cleaned_data["is_active"]) != shown)


class PathOrganizationFilter(OrganizationFilter):
    """The organization of the path. The paths, which are few, are looked up first: a join would be sorted whole."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the enrollments in paths of the chosen organization."""
        if self.value() is None:
            return queryset
        paths = super().queryset(request, LearningPath.objects.all())
        return queryset.filter(learning_path__in=list(paths.values_list("pk", flat=True)))


@admin.register(LearningPathEnrollment)
class LearningPathEnrollmentAdmin(StrangeAddressesMixin, EnrollmentActions, RelationsMixin, TrailAdmin):
    """Adding enrolls, changing switches on and off, both through the same functions as everywhere else."""

    list_display = ["user", "path", "is_active", "enrolled"]
    list_display_links = ["user", "path"]
    list_filter = ["is_active", "enrolled_at", PathOrganizationFilter, "learning_path"]
    list_select_related = ()  # see get_queryset
    ordering = ["-pk"]
    search_fields = ["user__username", "user__email", "learning_path__key", "learning_path__display_name"]
    search_help_text = _("The learner's username or e-mail address, or the name or key of the learning path")
    show_full_result_count = False
    raw_id_fields = ["user"]
    autocomplete_fields = ["learning_path"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LearningPathEnrollment]:
        """
        Bring learners and paths along by a query each, not by joins.

        Ordered and cut to a page, a join lets MariaDB begin with the few paths and sort all enrollments of each.
        """
        enrollments: QuerySet[LearningPathEnrollment] = super().get_queryset(request)
        return enrollments.prefetch_related("user", "learning_path")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Lead to the history of each enrollment, and those who may see it to the audit."""
        return [*self.list_display, "audit_and_history" if _may_see_audit(request) else "past"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Add with one form and change with another; a person who may only look gets neither."""
        if obj is None:
            kwargs["form"] = EnrollmentAddForm
        elif self._is_changeable(request, obj):
            kwargs["form"] = EnrollmentChangeForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: LearningPathEnrollment | None = None) -> Any:
        """Ask for the reason only where something can be changed."""
        record = ["enrolled_at", "created", "modified"]
        if obj is not None and not _is_past(obj) and _may_see_audit(request):
            record.append("audit")
        why = (_("For the audit"), {"fields": ATTRIBUTION_FIELDS})
        if obj is None:
            return [(None, {"fields": ["user", "learning_path"]}), why]
        return [
            (None, {"fields": ["user", "learning_path", "is_active"]}),
            *([why] if self._is_changeable(request, obj) else []),
            (_("Record"), {"fields": record}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: LearningPathEnrollment | None = None) -> list[str]:
        """Whom an enrollment enrolls in what never changes."""
        if obj is None:
            return []
        fields = ["user", "learning_path", "enrolled_at", "created", "modified", "audit"]
        return fields if self._is_changeable(request, obj) else [*fields, "is_active"]

    def save_model(self, request: HttpRequest, obj: LearningPathEnrollment, form: DomainForm, change: bool) -> None:
        """Enroll or unenroll through the domain; do nothing when the choice is the one that was shown."""
        if not change:
            self._enroll(request, obj, form)
        elif not isinstance(form, EnrollmentChangeForm) or not form.is_switched:
            state = state_of(request)
            state.changed = False
            state.notice = gettext("Nothing was changed: the enrollment is what it was before.")
        elif form.cleaned_data["is_active"]:
            self._enroll(request, obj, form)
        else:
            api.unenroll(obj.user, obj.learning_path, **form.attribution, acting_user=acting_user(request))
            obj.refresh_from_db()

    def _enroll(self, request: HttpRequest, obj: LearningPathEnrollment, form: DomainForm) -> None:
        outcome = api.enroll(obj.user, obj.learning_path, **form.attribution, acting_user=acting_user(request))
        if not outcome.created and obj.pk is None:
            names = {"username": outcome.enrollment.username, "path": outcome.enrollment.learning_path_key}
            state_of(request).notice = gettext("%(username)s is enrolled in %(path)s again.") % names
        obj.pk = outcome.enrollment.id
        obj.refresh_from_db()

    @admin.display(description=_("learning path"), ordering="learning_path__display_name")
    def path(self, enrollment: LearningPathEnrollment) -> LearningPath:
        """Return the path. As a field of the row it would be kept on one line, and push the rest off the screen."""
        return enrollment.learning_path

    @admin.display(description=_("enrolled at"), ordering="enrolled_at")
    def enrolled(self, enrollment: LearningPathEnrollment) -> str:
        """Return when the learner enrolled last: the date, and in a line below the time."""
        moment = timezone.localtime(enrollment.enrolled_at)
        parts = (date_format(moment), time_format(moment.time()))
        return " ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)

    @admin.display(description=_("record"))
    def past(self, enrollment: LearningPathEnrollment) -> SafeString:
        """Lead to who changed the enrollment and when."""
        address = reverse(f"{self.admin_site.name}:learning_paths_learningpathenrollment_history", args=[enrollment.pk])
        return _row_link(address, gettext("History"), enrollment)

    @admin.display(description=_("record"))
    def audit_and_history(self, enrollment: LearningPathEnrollment) -> SafeString:
        """Lead to what was changed by hand and why, and to the whole history."""
        address = reverse(f"{self.admin_site.name}:learning_paths_manualenrollmentaudit_changelist")
        audit = _row_link(f"{address}?enrollment__id__exact={enrollment.pk}", gettext("Audit"), enrollment)
        return format_html("{} {}", audit, self.past(enrollment))

    @admin.display(description=_("audit"))
    def audit(self, enrollment: LearningPathEnrollment) -> SafeString:
        """Lead to the audit rows of the enrollment."""
        return audit_link(enrollment.audit.count(), enrollment=enrollment.pk)

    def _is_changeable(self, request: HttpRequest, obj: LearningPathEnrollment) -> bool:
        return not _is_past(obj) and self.has_change_permission(request, obj)


def _may_see_audit(request: HttpRequest) -> bool:
    return request.user.has_perm("learning_paths.view_manualenrollmentaudit")


def _row_link(address: str, text: str, enrollment: LearningPathEnrollment) -> SafeString:
    """Return a link that those who hear it out of its row can tell from those of the other rows."""
    return format_html('<a href="{}" aria-label="{}: {}">{}</a>', address, text, enrollment, text)


def _is_past(obj: LearningPathEnrollment) -> bool:
    """Whether this is a past state of an enrollment, which django-simple-history marks so."""
    return hasattr(obj, "_history")
