"""Admin of the sandbox's course runs."""

from __future__ import annotations

from django.contrib import admin

from sandbox.courses.models import CourseEnrollment, CourseRun


@admin.register(CourseRun)
class CourseRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """The runs that the step of a path may name."""

    list_display = ["display_name", "course_key", "start", "end"]
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
