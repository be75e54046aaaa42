"""The tables behind ``sandbox.lms``."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField


class CourseRun(models.Model):
    """
    A course run, as the LMS's ``CourseOverview`` describes it.

    .. no_pii:
    """

    course_key = CourseKeyField(max_length=255, unique=True, verbose_name=_("course key"))
    display_name = models.CharField(max_length=255, blank=True, verbose_name=_("name"))
    start = models.DateTimeField(blank=True, null=True, verbose_name=_("start"))
    end = models.DateTimeField(blank=True, null=True, verbose_name=_("end"))

    class Meta:
        verbose_name = _("course run")
        verbose_name_plural = _("course runs")

    def __str__(self) -> str:
        return f"{self.display_name} ({self.course_key})"


class CourseEnrollment(models.Model):
    """
    The enrollment of one learner in one course run.

    .. no_pii: names a learner only by the id of the account
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, verbose_name=_("learner"))
    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, verbose_name=_("course run"))
    is_active = models.BooleanField(default=True, verbose_name=_("active"))
    mode = models.CharField(max_length=100, default="audit", verbose_name=_("mode"))
    created = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("created"))

    class Meta:
        verbose_name = _("course enrollment")
        verbose_name_plural = _("course enrollments")
        constraints = [models.UniqueConstraint(fields=["user", "course_run"], name="one_enrollment_per_user_and_run")]

    def __str__(self) -> str:
        return f"{self.user}: {self.course_run}"
