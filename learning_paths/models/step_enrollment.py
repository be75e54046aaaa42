"""Enrollments in course runs that follow an enrollment in a path."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from learning_paths.data import RowCode, StepState
from learning_paths.keys import StoredCourseKeyField


class StepEnrollment(TimeStampedModel):
    """
    The enrollment in one course run that an enrollment in a path asks for, and what became of it.

    It is written in the transaction of the enrollment in the path and carried out after it. ``acting_user`` is whom the
    platform's audit names, ``code`` that of the error for which it failed. See ADR 0007, "Paths and their courses".

    .. no_pii: names people only by the ids of their accounts; retiring an account retires it
    """

    enrollment = models.ForeignKey(
        "LearningPathEnrollment",
        on_delete=models.CASCADE,
        related_name="step_enrollments",
        verbose_name=_("enrollment in the learning path"),
    )
    course_key = StoredCourseKeyField(max_length=255, verbose_name=_("course run"))
    state = models.CharField(
        max_length=16, choices=StepState.choices, default=StepState.WAITING, verbose_name=_("state")
    )
    code = models.CharField(max_length=64, blank=True, verbose_name=_("code of the error"))
    attempts = models.PositiveIntegerField(default=0, verbose_name=_("attempts"))
    tried_at = models.DateTimeField(blank=True, null=True, verbose_name=_("last tried"))
    acting_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        blank=True,
        null=True,
        related_name="+",
        verbose_name=_("enrolled by"),
    )

    class Meta:
        verbose_name = _("course enrollment of a learning path")
        verbose_name_plural = _("course enrollments of learning paths")
        unique_together = [("enrollment", "course_key")]
        indexes = [models.Index(fields=["state", "modified"], name="learning_paths_step_state")]

    def __str__(self) -> str:
        return f"{self.course_key}: {self.get_state_display()}"

    @property
    def explanation(self) -> str:
        """Why it failed or was skipped, in words for people; empty otherwise."""
        if self.state == StepState.SKIPPED:
            return str(_("The learner had left the learning path."))
        return str(RowCode(self.code).label) if self.code in RowCode.values else self.code
