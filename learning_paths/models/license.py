"""Subscription plans: how many licenses an organization bought, for what, and who has them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from learning_paths.data import LicenseStatus
from learning_paths.keys import StoredCourseKeyField
from learning_paths.models.history import PathHistory

if TYPE_CHECKING:
    from learning_paths.models.learning_path import LearningPath

SEATED = (LicenseStatus.ASSIGNED, LicenseStatus.ACTIVATED)
"""What takes a seat of the plan; in a current plan, it is valid."""


class SubscriptionPlanQuerySet(models.QuerySet["SubscriptionPlan"]):
    """Reads over plans."""

    def current(self) -> SubscriptionPlanQuerySet:
        """Return the plans that are active and within their dates. See ``SubscriptionPlan.is_current``."""
        now = timezone.now()
        return self.filter(is_active=True, start_date__lte=now, expiration_date__gt=now)


class SubscriptionPlan(TimeStampedModel):
    """
    What an organization bought: so many licenses, from one day to another, for these paths and course runs.

    A plan that covers a path covers the course runs of its steps, as they are at the time of the question.

    .. no_pii:
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name=_("UUID"))
    title = models.CharField(max_length=255, verbose_name=_("title"))
    org = models.CharField(max_length=255, blank=True, db_index=True, verbose_name=_("organization"))
    start_date = models.DateTimeField(verbose_name=_("begins"))
    expiration_date = models.DateTimeField(verbose_name=_("expires"))
    is_active = models.BooleanField(
        default=True,
        verbose_name=_("active"),
        help_text=_("Switch a plan off to suspend all of its licenses, whatever its dates."),
    )
    num_licenses = models.PositiveIntegerField(verbose_name=_("licenses"))
    learning_paths: models.ManyToManyField[LearningPath, Any] = models.ManyToManyField(
        "LearningPath",
        blank=True,
        related_name="subscription_plans",
        verbose_name=_("learning paths"),
        help_text=_("With a learning path, its course runs are covered too."),
    )

    history = PathHistory()
    objects = SubscriptionPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription plan")
        verbose_name_plural = _("subscription plans")

    def __str__(self) -> str:
        return f"{self.title} ({self.org})" if self.org else self.title

    @property
    def is_current(self) -> bool:
        """Whether the plan is active and within its dates, so that its licenses count."""
        return self.is_active and self.start_date <= timezone.now() < self.expiration_date

    def clean(self) -> None:
        """
        Refuse dates in the wrong order, and fewer licenses than there are in use.

        Lock the row before, or a license may be assigned in between.
        """
        errors: dict[str, Any] = {}
        if self.start_date and self.expiration_date and self.expiration_date <= self.start_date:
            errors["expiration_date"] = _("The plan must expire after it begins.")
        if self.pk and self.num_licenses is not None and self.num_licenses < (used := self.seats_taken()):
            errors["num_licenses"] = _("%(used)d licenses are in use. Revoke some before you lower the number.") % {
                "used": used
            }
        if errors:
            raise ValidationError(errors)

    def seats_taken(self) -> int:
        """Return how many licenses are assigned or activated, in one query."""
        return self.licenses.seated().count()


class SubscriptionPlanCourse(models.Model):
    """
    A course run that a plan covers by itself.

    .. no_pii:
    """

    subscription_plan = models.ForeignKey(SubscriptionPlan, on_delete=models.CASCADE, related_name="courses")
    course_key = StoredCourseKeyField(max_length=255, verbose_name=_("course run"))

    class Meta:
        verbose_name = _("course run of a subscription plan")
        verbose_name_plural = _("course runs of subscription plans")
        unique_together = [("subscription_plan", "course_key")]

    def __str__(self) -> str:
        return str(self.course_key)


class LicenseQuerySet(models.QuerySet["License"]):
    """Reads over licenses."""

    def seated(self) -> LicenseQuerySet:
        """Return the licenses that take a seat of their plan."""
        return self.filter(status__in=SEATED)

    def valid(self) -> LicenseQuerySet:
        """Return the licenses that are assigned or activated in a current plan."""
        return self.seated().filter(subscription_plan__in=SubscriptionPlan.objects.current())

    def waiting(self) -> LicenseQuerySet:
        """Return the licenses that wait for the owner of their address."""
        return self.filter(status=LicenseStatus.ASSIGNED)

    def waiting_for(self, email: str) -> LicenseQuerySet:
        """Return the licenses that a normalized address has, and that wait for its owner."""
        return self.waiting().filter(email=email)


class License(TimeStampedModel):
    """
    The license of one address in one plan: one row, assigned, activated by an account, revoked, assigned again.

    It takes a seat while it is assigned or activated. It belongs to the address: an account that activated it and has
    another address later leaves it behind.

    .. pii: the e-mail address of a person who may have no account
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name=_("UUID"))
    subscription_plan = models.ForeignKey(
        SubscriptionPlan, on_delete=models.CASCADE, related_name="licenses", verbose_name=_("subscription plan")
    )
    email = models.EmailField(verbose_name=_("e-mail address"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        blank=True,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    status = models.CharField(
        max_length=16, choices=LicenseStatus.choices, default=LicenseStatus.UNASSIGNED, verbose_name=_("status")
    )
    assigned_date = models.DateTimeField(blank=True, null=True, verbose_name=_("assigned"))
    activated_date = models.DateTimeField(blank=True, null=True, verbose_name=_("activated"))
    revoked_date = models.DateTimeField(blank=True, null=True, verbose_name=_("revoked"))

    history = PathHistory()
    objects = LicenseQuerySet.as_manager()

    class Meta:
        verbose_name = _("license")
        verbose_name_plural = _("licenses")
        # The address first: at each registration the licenses of an address are looked for, whatever their plan.
        unique_together = [("email", "subscription_plan")]
        # As for invitations: the addresses that wait, in their order.
        indexes = [models.Index(fields=["status", "email"], name="learning_paths_license_emails")]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_status_display()}"
