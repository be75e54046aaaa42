"""The screen of the learning paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, Field, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths.admin.bulk_entry import BulkEntryAdmin
from learning_paths.admin.course_runs import COURSE_RUNS_URL, course_runs_response
from learning_paths.admin.path_copy import DuplicatePathAdmin
from learning_paths.admin.path_image import PathImageField, PathImageInput
from learning_paths.admin.path_inlines import (
    AcquiredSkillInline,
    GradingCriteriaInline,
    RequiredSkillInline,
    StepInline,
)
from learning_paths.admin.path_overview import PathOverviewAdmin
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.admin.step_enrollment import step_failures_of
from learning_paths.admin.uploads import takes_uploads
from learning_paths.models import (
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    LearningPathStep,
)

if TYPE_CHECKING:
    from learning_paths.models.learning_path import LearningPathQuerySet

LIST_URL = "learning_paths_learningpath_changelist"
NAMED_AT_MOST = 10


class OrganizationFilter(admin.SimpleListFilter):
    """The first part of the key. Case does not matter, as it does not to the uniqueness of keys."""

    title = _("organization")
    parameter_name = "org"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the organizations that have paths."""
        keys = LearningPath.objects.order_by().values_list("key", flat=True)
        organizations = {key.org.lower(): key.org for key in keys if key is not None}
        return sorted(organizations.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[LearningPath]) -> QuerySet[LearningPath]:
        """Keep the paths of the chosen organization."""
        if self.value() is None:
            return queryset
        return cast("LearningPathQuerySet", queryset).of_org(self.value() or "")


@admin.register(LearningPath)
class LearningPathAdmin(StrangeAddressesMixin, BulkEntryAdmin, DuplicatePathAdmin, PathOverviewAdmin):
    """Paths with their steps, skills and criteria on one page, and how many learners each has in the list."""

    list_display = [
        "display_name",
        "key",
        "level",
        "invite_only",
        "sequential",
        "steps_count",
        "active_learners",
        "pending_invitations",
    ]
    list_display_links = ["display_name", "key"]
    list_filter = ["level", "invite_only", "sequential", OrganizationFilter]
    ordering = ["display_name", "pk"]
    search_fields = ["display_name", "key"]
    search_help_text = _("Name or key")
    inlines = [StepInline, RequiredSkillInline, AcquiredSkillInline, GradingCriteriaInline]
    actions = ["bulk_enroll", "bulk_unenroll", "delete_selected"]
    change_form_template = "learning_paths/admin/learning_path_change_form.html"
    radio_fields = {"course_enrollment": admin.VERTICAL}

    class Media:
        css = {"all": ["learning_paths/admin/path_form.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: LearningPath | None = None) -> Any:
        """Show what the site recorded about a path once there is one."""
        fieldsets = [
            (_("What it is"), {"fields": ["display_name", "key", "subtitle", "description", "image"]}),
            (_("For learners to know"), {"fields": ["level", "duration", "time_commitment"]}),
            (_("Rules"), {"fields": ["sequential", "invite_only", "course_enrollment"]}),
        ]
        if obj is not None:
            fieldsets.append((_("Record"), {"fields": ["uuid", "created", "modified"]}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: LearningPath | None = None) -> list[str]:
        """Keep the key of a path, which enrollments and other systems refer to, as it is. An old path may need one."""
        fields = ["uuid", "created", "modified"]
        return fields if obj is None or obj.key is None else ["key", *fields]

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Give the subtitle the room that a subtitle needs, and show the image."""
        if db_field.name == "subtitle":
            kwargs["widget"] = AdminTextareaWidget(attrs={"rows": 2})
        if db_field.name == "image":
            kwargs.update(form_class=PathImageField, widget=PathImageInput)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LearningPath]:
        """Count what the list shows, each in a subquery of its own, and only for the list."""
        paths: QuerySet[LearningPath] = super().get_queryset(request)
        if request.resolver_match is None or request.resolver_match.url_name != LIST_URL:
            return paths
        return paths.annotate(
            steps_count=_count(LearningPathStep.objects.all()),
            active_learners=_count(LearningPathEnrollment.objects.filter(is_active=True)),
            pending_invitations=_count(LearningPathEnrollmentAllowed.objects.pending()),
        )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> LearningPath | None:
        """Find no path by a number that is larger than the database knows, which SQLite refuses on Django 4.2."""
        try:
            found: LearningPath | None = super().get_object(request, object_id, from_field)
        except OverflowError:
            return None
        return found

    @admin.display(description=_("steps"), ordering="steps_count")
    def steps_count(self, learning_path: Any) -> int:
        """Return the number of steps."""
        return int(learning_path.steps_count)

    @admin.display(description=_("learners"), ordering="active_learners")
    def active_learners(self, learning_path: Any) -> int:
        """Return the number of active enrollments."""
        return int(learning_path.active_learners)

    @admin.display(description=_("invited"), ordering="pending_invitations")
    def pending_invitations(self, learning_path: Any) -> int:
        """Return the number of addresses that wait for an account."""
        return int(learning_path.pending_invitations)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: LearningPath | None = None,
    ) -> HttpResponse:
        """Hand the template what it says of courses that failed learners of the path, and where learners see it."""
        if obj is not None:
            context["step_failures"] = step_failures_of(obj, request, site=self.admin_site.name)
            context["learner_page"] = learner_page_of(obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def get_urls(self) -> list[URLPattern]:
        """Add the search for course runs."""
        search = path("course-runs/", self.admin_site.admin_view(self.course_runs_view), name=COURSE_RUNS_URL)
        return [search, *super().get_urls()]

    def course_runs_view(self, request: HttpRequest) -> JsonResponse:
        """Find course runs for a step, for those who may see or fill in the form of a path."""
        if not self.has_view_or_change_permission(request) and not self.has_add_permission(request):
            raise PermissionDenied
        return course_runs_response(request)

    @takes_uploads
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form of a new path, or take it, with its image."""
        return super().add_view(request, form_url, extra_context)

    @takes_uploads
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form of a path, or take it, with its image."""
        return super().change_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a path that nobody was ever enrolled in or invited to; say why not, otherwise."""
        learning_path = self.get_object(request, unquote(object_id))
        if (
            learning_path is not None
            and self.has_delete_permission(request, learning_path)
            and self._refuse_to_delete(request, LearningPath.objects.filter(pk=learning_path.pk))
        ):
            address = reverse(f"{self.admin_site.name}:learning_paths_learningpath_change", args=[learning_path.pk])
            return HttpResponseRedirect(address)
        return super().delete_view(request, object_id, extra_context)

    @admin.action(description=_("Delete selected %(verbose_name_plural)s"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[LearningPath]) -> HttpResponse | None:
        """Do as ``delete_view`` does, for many."""
        if self._refuse_to_delete(request, queryset):
            return None
        return delete_selected(self, request, queryset)

    def _refuse_to_delete(self, request: HttpRequest, learning_paths: QuerySet[LearningPath]) -> bool:
        """Tell which of the paths have learners, whose enrollments would go with them, and whether there are any."""
        kept = LearningPath.objects.filter(pk__in=learning_paths.order_by().values("pk")).filter(
            Exists(LearningPathEnrollment.objects.filter(learning_path=OuterRef("pk")))
            | Exists(LearningPathEnrollmentAllowed.objects.filter(learning_path=OuterRef("pk")))
        )
        names = [str(learning_path) for learning_path in kept.order_by(*self.ordering)[: NAMED_AT_MOST + 1]]
        if not names:
            return False
        text = gettext(
            "Nothing was deleted. There are enrollments in %(paths)s, or invitations to it, and those are kept as a "
            "record of what happened. To close a learning path to new learners, make it invite only."
        )
        shown = ", ".join([*names[:NAMED_AT_MOST], *(["…"] if len(names) > NAMED_AT_MOST else [])])
        self.message_user(request, text % {"paths": shown}, messages.ERROR)
        return True


def learner_page_of(learning_path: LearningPath) -> str | None:
    """Return the address of the page that learners see; None where the site has none."""
    if not settings.LEARNING_PATHS_LEARNER_PAGES:
        return None
    try:
        return reverse("learning_paths:learner-path", kwargs={"learning_path_key": str(learning_path.key)})
    except NoReverseMatch:
        return None


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Return how many of the rows belong to the path of the outer query. Joins would multiply one another."""
    counted = rows.filter(learning_path=OuterRef("pk")).order_by().values("learning_path").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0, output_field=IntegerField())
