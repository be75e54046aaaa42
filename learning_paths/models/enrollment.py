"""Who is enrolled in which path, who is invited to it, and who changed that by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from learning_paths.data import EnrollmentData, StateTransition
from learning_paths.models.history import PathHistory

if TYPE_CHECKING:
    from learning_paths.keys import LearningPathKey


class LearningPathEnrollment(TimeStampedModel):
    """
    The enrollment of one learner in one path: one row, switched on and off, never deleted.

    ``enrolled_at`` is the time of the latest enrollment, ``created`` that of the first.

    .. no_pii: names a learner only by the id of the account; retiring the account retires it
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, verbose_name=_("learner"))
    learning_path = models.ForeignKey("LearningPath", on_delete=models.CASCADE, verbose_name=_("learning path"))
    is_active = models.BooleanField(default=True, verbose_name=_("active"))
    enrolled_at = models.DateTimeField(default=timezone.now, verbose_name=_("enrolled at"))

    history = PathHistory()

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        unique_together = [("user", "learning_path")]

    def __str__(self) -> str:
        return f"{self.user}: {self.learning_path}"

    @property
    def username(self) -> str:
        """The learner's username. Select ``user`` along with the enrollment, or this costs a query."""
        return self.user.get_username()

    @property
    def learning_path_key(self) -> LearningPathKey:
        """The key of the path. Select ``learning_path`` along with the enrollment, or this costs a query."""
        key: LearningPathKey = self.learning_path.key
        return key

    def as_data(self) -> EnrollmentData:
        """Return the enrollment as a plain value."""
        return EnrollmentData(
            id=self.pk,
            user_id=self.user_id,
            username=self.username,
            learning_path_key=self.learning_path_key,
            is_active=self.is_active,
            enrolled_at=self.enrolled_at,
            created=self.created,
            modified=self.modified,
        )


class InvitationQuerySet(models.QuerySet["LearningPathEnrollmentAllowed"]):
    """Reads over invitations."""

    def pending(self) -> InvitationQuerySet:
        """Return the invitations that wait for an account."""
        return self.filter(is_active=True, user=None)

    def pending_for(self, email: str) -> InvitationQuerySet:
        """Return the invitations of a normalized address that wait for its owner."""
        return self.pending().filter(email=email)


class LearningPathEnrollmentAllowed(TimeStampedModel):
    """
    An invitation of an address to a path: pending, consumed (``user`` is set) or withdrawn (``is_active`` is False).

    An invitation that one account used is never claimed by another. It waits again only when staff invite the address
    once more while that account still has it, is not enrolled and not active.

    .. pii: the e-mail address of a person who may have no account
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    email = models.EmailField(db_index=True, verbose_name=_("e-mail address"))
    learning_path = models.ForeignKey("LearningPath", on_delete=models.CASCADE, verbose_name=_("learning path"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, blank=True, null=True, verbose_name=_("claimed by")
    )
    is_active = models.BooleanField(default=True, db_index=True, verbose_name=_("active"))

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        unique_together = [("email", "learning_path")]
        # The addresses that wait, in their order, out of the index alone; most invitations of a site are consumed.
        indexes = [models.Index(fields=["is_active", "user", "email"], name="learning_paths_waiting_emails")]

    def __str__(self) -> str:
        return f"{self.email}: {self.learning_path}"

    @property
    def is_pending(self) -> bool:
        """Whether the invitation waits for its owner."""
        return self.is_active and self.user_id is None


class ManualEnrollmentAudit(TimeStampedModel):
    """
    One manual change of one learner in one path. Rows are added, never changed.

    ``enrolled_email`` is the normalized address as it was at the time, so that the row tells whom it was about after
    the account or the invitation is gone.

    .. pii: the e-mail address of the learner whose enrollment was changed
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    enrollment = models.ForeignKey(
        LearningPathEnrollment,
        on_delete=models.SET_NULL,
        null=True,
        related_name="audit",
        verbose_name=_("enrollment"),
    )
    enrollment_allowed = models.ForeignKey(
        LearningPathEnrollmentAllowed,
        on_delete=models.SET_NULL,
        null=True,
        related_name="audit",
        verbose_name=_("invitation"),
    )
    enrolled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",  # the LMS has a model of this name too, and no two can have the same reverse accessor
        verbose_name=_("changed by"),
    )
    enrolled_email = models.EmailField(db_index=True, blank=True, verbose_name=_("learner's e-mail address"))
    role = models.CharField(max_length=255, blank=True, verbose_name=_("role"))
    state_transition = models.CharField(
        max_length=255,
        choices=StateTransition.choices,
        default=StateTransition.DEFAULT,
        verbose_name=_("change"),
    )
    reason = models.TextField(blank=True, verbose_name=_("reason"))
    org = models.CharField(max_length=255, blank=True, db_index=True, verbose_name=_("organization"))

    history = PathHistory()

    class Meta:
        verbose_name = _("manual enrollment audit")
        verbose_name_plural = _("manual enrollment audits")

    def __str__(self) -> str:
        return f"{self.enrolled_email}: {self.get_state_transition_display()}"
