"""Plain values that cross the layers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from learning_paths.keys import LearningPathKey


class StateTransition(TextChoices):
    """
    What a manual change did to a learner in a path.

    The values are those of the LMS's ``common.djangoapps.student.models``, so that reports over both fit together.
    """

    UNENROLLED_TO_ALLOWED = "from unenrolled to allowed to enroll", _("from unenrolled to allowed to enroll")
    ALLOWED_TO_ENROLLED = "from allowed to enroll to enrolled", _("from allowed to enroll to enrolled")
    ENROLLED_TO_ENROLLED = "from enrolled to enrolled", _("from enrolled to enrolled")
    ENROLLED_TO_UNENROLLED = "from enrolled to unenrolled", _("from enrolled to unenrolled")
    UNENROLLED_TO_ENROLLED = "from unenrolled to enrolled", _("from unenrolled to enrolled")
    ALLOWED_TO_UNENROLLED = "from allowed to enroll to unenrolled", _("from allowed to enroll to unenrolled")
    UNENROLLED_TO_UNENROLLED = "from unenrolled to unenrolled", _("from unenrolled to unenrolled")
    DEFAULT = "N/A", _("N/A")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who asked for a manual change, and why: what an audit row says besides the change itself."""

    enrolled_by_id: int | None
    reason: str = ""
    role: str = ""
    org: str = ""


@dataclass(frozen=True, slots=True)
class EnrollmentData:
    """An enrollment as it stood when the function that returned it was done."""

    id: int
    user_id: int
    username: str
    learning_path_key: LearningPathKey
    is_active: bool
    enrolled_at: datetime
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class EnrollmentOutcome:
    """
    What ``enroll``, ``unenroll`` or ``claim_invitations`` did.

    ``created`` is True when the learner never had an enrollment in the path before, and False when an earlier one was
    switched.
    """

    enrollment: EnrollmentData
    created: bool
    transition: StateTransition


@dataclass(frozen=True, slots=True)
class InvitationOutcome:
    """
    What ``invite`` did.

    ``enrollment`` is None while the address waits for its owner. ``changed`` is False when nothing had to change:
    the learner was enrolled, or the address was waiting, already.
    """

    email: str
    learning_path_key: LearningPathKey
    enrollment: EnrollmentData | None
    changed: bool

    @property
    def is_pending(self) -> bool:
        """Whether the address waits for an account."""
        return self.enrollment is None
