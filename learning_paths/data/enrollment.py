"""What becomes of one learner in one path or course run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

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
    the learner was enrolled, or the address was waiting, already. ``account_not_active`` tells that the address has an
    account, and that it is not active.
    """

    email: str
    learning_path_key: LearningPathKey
    enrollment: EnrollmentData | None
    changed: bool
    account_not_active: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether the address waits for an account."""
        return self.enrollment is None


@dataclass(frozen=True, slots=True)
class CourseEnrollmentOutcome:
    """
    What ``enroll_user_in_course`` or ``enroll_in_step`` did.

    ``created`` is False when the learner was actively enrolled before; then ``mode_changed`` tells whether in another
    mode than ``mode``.
    """

    username: str
    course_key: CourseKey
    mode: str
    created: bool
    mode_changed: bool


@dataclass(frozen=True, slots=True)
class CourseEnrollmentRequest:
    """
    One learner, by address or by the id of the account, who is to be enrolled in one course run.

    With ``best_mode`` the learner is enrolled in the best mode that the course run offers, and who is enrolled in a
    lesser one changes to it; else in its default mode. ``force`` enrolls though the course run is closed or full.
    """

    course_key: CourseKey
    email: str = ""
    user_id: int | None = None
    license_uuid: UUID | None = None
    force: bool = False
    best_mode: bool = False


class StepState(TextChoices):
    """Where the enrollment in the course run of a step stands, which follows that in the path."""

    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")
    """The learner had left the path before it could be done."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the owner of an address."""

    invitations: bool
    licenses: bool


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep came to: what it claimed, and at how many accounts it failed."""

    enrollments: int
    licenses: int
    failed: int
