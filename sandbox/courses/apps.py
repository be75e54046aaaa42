"""The app of the course runs."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoursesConfig(AppConfig):
    """The sandbox's courseware."""

    name = "sandbox.courses"
    verbose_name = _("Courses")
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        from sandbox.courses import receivers  # noqa: F401
