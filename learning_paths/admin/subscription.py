"""The screen of the subscription plans."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, Field, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths.admin.assign_licenses import ASSIGN_URL, assign_view, may_assign
from learning_paths.admin.course_runs import CourseKeyFormField, CourseRunSelect, course_runs_response
from learning_paths.admin.license import PLAN_PARAMETER
from learning_paths.admin.path_inlines import StepForm, StepFormSet
from learning_paths.admin.relations import LARGEST_ID, RelationsMixin, StrangeAddressesMixin
from learning_paths.admin.trail import TrailAdmin, short_date
from learning_paths.admin.uploads import takes_uploads
from learning_paths.digits import whole_number
from learning_paths.models import License, SubscriptionPlan, SubscriptionPlanCourse

LIST_URL = "learning_paths_subscriptionplan_changelist"
COURSE_RUNS_URL = "learning_paths_subscriptionplan_course_runs"


class CurrentFilter(admin.SimpleListFilter):
    """Whether the licenses of a plan count now, which three columns tell."""

    title = _("current")
    parameter_name = "current"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer yes and no."""
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SubscriptionPlan]) -> QuerySet[SubscriptionPlan]:
        """Keep the plans that are current, or those that are not."""
        current = SubscriptionPlan.objects.current().values("pk")
        match self.value():
            case "yes":
                return queryset.filter(pk__in=current)
            case "no":
                return queryset.exclude(pk__in=current)
        return queryset


class CoveredRunSelect(CourseRunSelect):
    """Searches where those may who keep plans; they need not see learning paths."""

    def get_url(self) -> str:
        """Return the address that the script searches at."""
        return reverse(f"{self.admin_site.name}:{COURSE_RUNS_URL}")


class CoveredRunFormSet(StepFormSet):
    """The course runs of a plan, of which the platform is asked as for the steps of a path."""

    def get_unique_error_message(self, unique_check: Any) -> str:
        """Say what is wrong with the same run twice."""
        return gettext("A course run can be covered by a subscription plan only once.")


class CoveredRunInline(admin.TabularInline):  # type: ignore[type-arg]  # generic for the checker only
    """The course runs that a plan covers besides those of its paths."""

    model = SubscriptionPlanCourse
    form = StepForm
    formset = CoveredRunFormSet
    fields = ["course_key"]
    extra = 0
    verbose_name = _("course run")
    verbose_name_plural = _("course runs, besides those of the learning paths")

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the platform's course runs by search."""
        if db_field.name == "course_key":
            widget = CoveredRunSelect(db_field, self.admin_site, attrs={"style": "width: 40em"})
            return db_field.formfield(form_class=CourseKeyFormField, widget=widget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(SubscriptionPlan)
class SubscriptionPlanAdmin(StrangeAddressesMixin, RelationsMixin, TrailAdmin):
    """Plans with what they cover, and how many of their licenses are in use."""

    list_display = ["title", "org", "begins", "expires", "is_current", "usage"]
    list_filter = [CurrentFilter, "org"]
    ordering = ["title", "pk"]
    search_fields = ["title", "org", "uuid"]
    search_help_text = _("Title, organization or UUID")
    autocomplete_fields = ["learning_paths"]
    inlines = [CoveredRunInline]
    actions = None
    change_form_template = "learning_paths/admin/subscription_plan_change_form.html"

    def get_fieldsets(self, request: HttpRequest, obj: SubscriptionPlan | None = None) -> Any:
        """Show what the site recorded about a plan once there is one."""
        licenses = ["num_licenses", "start_date", "expiration_date", "is_active"]
        fieldsets = [
            (None, {"fields": ["title", "org"]}),
            (_("Licenses"), {"fields": licenses if obj is None else [*licenses, "usage"]}),
            (_("What it covers"), {"fields": ["learning_paths"]}),
        ]
        if obj is not None:
            fieldsets.append((_("Record"), {"fields": ["uuid", "created", "modified"]}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: SubscriptionPlan | None = None) -> list[str]:
        """Keep what is not for hands to change."""
        return ["usage", "uuid", "created", "modified"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionPlan]:
        """Count the licenses in use, for the list by one query with it."""
        plans: QuerySet[SubscriptionPlan] = super().get_queryset(request)
        if request.resolver_match is None or request.resolver_match.url_name != LIST_URL:
            return plans
        seated = License.objects.seated().filter(subscription_plan=OuterRef("pk"))
        counted = seated.order_by().values("subscription_plan").annotate(n=Count("pk")).values("n")
        return plans.annotate(used=Coalesce(Subquery(counted), 0, output_field=IntegerField()))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Lock a plan that is to be changed, so that no license is assigned between the check of the number and it."""
        if request.method == "POST" and connection.in_atomic_block:
            pk = whole_number(object_id, largest=LARGEST_ID) or 0
            SubscriptionPlan.objects.select_for_update().filter(pk=pk).first()
        return super().get_object(request, object_id, from_field)

    def has_delete_permission(self, request: HttpRequest, obj: SubscriptionPlan | None = None) -> bool:
        """Refuse once there are licenses: they are a record of who had one. A plan is switched off instead."""
        if obj is not None and obj.pk is not None and obj.licenses.exists():
            return False
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed

    def get_urls(self) -> list[URLPattern]:
        """Add the page that assigns licenses, and the search for course runs."""
        wrap = self.admin_site.admin_view
        own = [
            path("course-runs/", wrap(self.course_runs_view), name=COURSE_RUNS_URL),
            path("<path:object_id>/assign/", wrap(self.assign_view), name=ASSIGN_URL),
        ]
        return [*own, *super().get_urls()]

    def course_runs_view(self, request: HttpRequest) -> JsonResponse:
        """Find course runs for a plan, for those who may see or fill in its form."""
        if not self.has_view_or_change_permission(request) and not self.has_add_permission(request):
            raise PermissionDenied
        return course_runs_response(request)

    @takes_uploads
    @method_decorator(transaction.non_atomic_requests)
    def assign_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Assign licenses to addresses, in a transaction of its own, which can be tried again."""
        if not self.has_view_or_change_permission(request) or not may_assign(request.user):
            raise PermissionDenied
        plan = self.get_object(request, unquote(object_id))
        if plan is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return elsewhere
        return assign_view(self, request, plan)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add the buttons of a plan: assign licenses, see who has one."""
        plan = kwargs.get("obj")
        return super().render_change_form(
            request, {**context, "plan_links": self._links(request, plan)}, *args, **kwargs
        )

    def _links(self, request: HttpRequest, plan: SubscriptionPlan | None) -> list[dict[str, Any]]:
        links: list[dict[str, Any]] = []
        if plan is None or plan.pk is None:
            return links
        if may_assign(request.user):
            address = reverse(f"{self.admin_site.name}:{ASSIGN_URL}", args=[plan.pk])
            links.append({"url": address, "label": _("Assign licenses")})
        if any(request.user.has_perm(f"learning_paths.{name}_license") for name in ("view", "change")):
            address = reverse(f"{self.admin_site.name}:learning_paths_license_changelist")
            links.append({"url": f"{address}?{urlencode({PLAN_PARAMETER: plan.pk})}", "label": _("Licenses")})
        return links

    @admin.display(description=_("begins"), ordering="start_date")
    def begins(self, plan: SubscriptionPlan) -> str:
        """Return the day."""
        return short_date(plan.start_date)

    @admin.display(description=_("expires"), ordering="expiration_date")
    def expires(self, plan: SubscriptionPlan) -> str:
        """Return the day."""
        return short_date(plan.expiration_date)

    @admin.display(description=_("current"), boolean=True)
    def is_current(self, plan: SubscriptionPlan) -> bool:
        """Return whether the licenses count now."""
        return plan.is_current

    @admin.display(description=_("in use"))
    def usage(self, plan: Any) -> SafeString:
        """Return how many of the licenses are in use, as a bar and in numbers."""
        used = plan.used if hasattr(plan, "used") else plan.seats_taken()
        text = gettext("%(used)d of %(total)d") % {"used": used, "total": plan.num_licenses}
        if not plan.num_licenses:
            return format_html("{}", text)
        return format_html(
            '<meter min="0" max="{}" value="{}" aria-label="{}">{}</meter> {}',
            plan.num_licenses,
            min(used, plan.num_licenses),
            gettext("Licenses in use"),
            text,
            text.replace(" ", "\N{NO-BREAK SPACE}"),
        )
