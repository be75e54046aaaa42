"""Admin of the sandbox's course runs."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from sandbox.courses.models import (
    CourseEnrollment,
    CourseEnrollmentAllowed,
    CourseProgress,
    CourseRun,
    ManualCourseEnrollmentAudit,
)


@admin.register(CourseRun)
class CourseRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """The runs that the step of a path may name, and who may enroll in them."""

    list_display = [
        "display_name",
        "course_key",
        "start",
        "end",
        "enrollment_start",
        "enrollment_end",
        "max_enrollments",
        "modes",
    ]
    list_display_links = ["display_name", "course_key"]
    ordering = ["display_name", "course_key"]
    search_fields = ["display_name", "course_key"]


@admin.register(CourseEnrollment)
class CourseEnrollmentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Who takes which run."""

    autocomplete_fields = ["user", "course_run"]
    list_display = ["user", "course_run", "is_active", "mode", "created"]
    list_filter = ["is_active", "mode"]
    list_select_related = ["user", "course_run"]
    search_fields = ["user__username", "user__email", "course_run__course_key"]


@admin.register(CourseProgress)
class CourseProgressAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """How far who is in which run: change it, and look at the pages of a learning path."""

    autocomplete_fields = ["user", "course_run"]
    list_display = ["user", "course_run", "completion", "grade"]
    list_select_related = ["user", "course_run"]
    search_fields = ["user__username", "user__email", "course_run__course_key"]


@admin.register(CourseEnrollmentAllowed)
class CourseEnrollmentAllowedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Who waits for an account to be enrolled in which run."""

    autocomplete_fields = ["course_run", "user"]
    list_display = ["email", "course_run", "auto_enroll", "user", "created"]
    list_filter = ["auto_enroll"]
    list_select_related = ["user", "course_run"]
    search_fields = ["email", "course_run__course_key"]


@admin.register(ManualCourseEnrollmentAudit)
class ManualCourseEnrollmentAuditAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Who enrolled whom; to be read only."""

    date_hierarchy = "created"
    list_display = ["enrolled_email", "enrollment", "state_transition", "enrolled_by", "reason", "created"]
    list_select_related = ["enrolled_by", "enrollment__user", "enrollment__course_run"]
    search_fields = ["enrolled_email"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come about by enrolling."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ManualCourseEnrollmentAudit | None = None) -> bool:
        """They stay as they are."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ManualCourseEnrollmentAudit | None = None) -> bool:
        """They stay where they are."""
        return False
