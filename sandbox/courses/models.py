"""The tables behind ``sandbox.lms``."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.django.models import CourseKeyField

from learning_paths.emails import comparable


class CourseRun(models.Model):
    """
    A course run, as the LMS's ``CourseOverview`` describes it.

    .. no_pii:
    """

    course_key = CourseKeyField(max_length=255, unique=True, verbose_name=_("course key"))
    display_name = models.CharField(max_length=255, blank=True, verbose_name=_("name"))
    start = models.DateTimeField(blank=True, null=True, verbose_name=_("start"))
    end = models.DateTimeField(blank=True, null=True, verbose_name=_("end"))
    enrollment_start = models.DateTimeField(blank=True, null=True, verbose_name=_("enrollment begins"))
    enrollment_end = models.DateTimeField(blank=True, null=True, verbose_name=_("enrollment ends"))
    max_enrollments = models.PositiveIntegerField(
        blank=True, null=True, verbose_name=_("room for"), help_text=_("Learners. Nothing here: as many as there are.")
    )
    modes = models.CharField(
        max_length=255,
        default="audit",
        validators=[RegexValidator(r"^[a-z-]+(,[a-z-]+)*$", _("Modes, divided by commas without spaces."))],
        verbose_name=_("modes"),
        help_text=_("Such as audit,verified. The first one is the default."),
    )

    class Meta:
        verbose_name = _("course run")
        verbose_name_plural = _("course runs")

    def __str__(self) -> str:
        return f"{self.display_name} ({self.course_key})"

    @property
    def offered_modes(self) -> list[str]:
        """The modes, of which the first one is the default."""
        return self.modes.split(",")

    @property
    def is_enrollment_open(self) -> bool:
        """Whether one may enroll today."""
        now = timezone.now()
        return (self.enrollment_start is None or self.enrollment_start <= now) and (
            self.enrollment_end is None or now < self.enrollment_end
        )

    @property
    def is_full(self) -> bool:
        """Whether there is no room. One query, if there is a limit."""
        return (
            self.max_enrollments is not None
            and self.courseenrollment_set.filter(is_active=True).count() >= self.max_enrollments
        )


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


class CourseProgress(models.Model):
    """
    How far a learner is in a course run, which the LMS works out of what the learner does there.

    .. no_pii: names a learner only by the id of the account
    """

    SHARE = [MinValueValidator(0), MaxValueValidator(1)]

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, verbose_name=_("learner"))
    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, verbose_name=_("course run"))
    completion = models.FloatField(
        blank=True, null=True, validators=SHARE, verbose_name=_("completed"), help_text=_("A share from 0 to 1.")
    )
    grade = models.FloatField(
        blank=True, null=True, validators=SHARE, verbose_name=_("grade"), help_text=_("A share from 0 to 1.")
    )

    class Meta:
        verbose_name = _("progress in a course")
        verbose_name_plural = _("progress in courses")
        constraints = [models.UniqueConstraint(fields=["user", "course_run"], name="one_progress_per_user_and_run")]

    def __str__(self) -> str:
        return f"{self.user}: {self.course_run}"


class CourseEnrollmentAllowed(models.Model):
    """
    An address whose owner may enroll in a course run, and with ``auto_enroll`` is enrolled as soon as there is one.

    ``user`` is the account that used it; no other one can.

    .. pii: the e-mail address of a person who may have no account; a made-up one, as is everything in the sandbox
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    email = models.EmailField(verbose_name=_("e-mail address"), help_text=_("In lower case."))
    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, verbose_name=_("course run"))
    auto_enroll = models.BooleanField(default=True, verbose_name=_("enroll automatically"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, blank=True, null=True, verbose_name=_("used by")
    )
    created = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("created"))

    class Meta:
        verbose_name = _("course invitation")
        verbose_name_plural = _("course invitations")
        constraints = [models.UniqueConstraint(fields=["email", "course_run"], name="one_invitation_per_email_and_run")]

    def __str__(self) -> str:
        return f"{self.email}: {self.course_run}"

    def clean(self) -> None:
        """Keep the address in the form in which it is looked for."""
        self.email = comparable(self.email) or self.email.strip().lower()


class ManualCourseEnrollmentAudit(models.Model):
    """
    What somebody did to somebody else's course enrollment: the LMS's ``ManualEnrollmentAudit``.

    .. pii: the e-mail address of a learner; a made-up one, as is everything in the sandbox
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    enrollment = models.ForeignKey(
        CourseEnrollment, on_delete=models.CASCADE, null=True, verbose_name=_("course enrollment")
    )
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("changed by")
    )
    enrolled_email = models.EmailField(verbose_name=_("learner's e-mail address"))
    state_transition = models.CharField(max_length=255, verbose_name=_("change"))
    reason = models.TextField(blank=True, verbose_name=_("reason"))
    created = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("created"))

    class Meta:
        verbose_name = _("audit of a course enrollment")
        verbose_name_plural = _("audit of course enrollments")

    def __str__(self) -> str:
        return f"{self.enrolled_email}: {self.state_transition}"
