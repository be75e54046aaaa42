"""Plain values that cross the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from learning_paths import exceptions
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


@dataclass(frozen=True, slots=True)
class CourseEnrollmentOutcome:
    """
    What ``enroll_user_in_course`` did.

    ``created`` is False when the learner was actively enrolled before; then ``mode_changed`` tells whether in another
    mode than ``mode``.
    """

    username: str
    course_key: CourseKey
    mode: str
    created: bool
    mode_changed: bool


class BulkOperation(TextChoices):
    """What a bulk run does to each pair of address and path."""

    ENROLL = "enroll", _("enroll")
    UNENROLL = "unenroll", _("unenroll")
    UNDO = "undo", _("undo")
    """Unenroll those whom an earlier job enrolled and withdraw what it left pending, unless that changed since."""


class JobState(TextChoices):
    """Where a bulk job stands."""

    DRAFT = "draft", _("draft")
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    CANCELLED = "cancelled", _("cancelled")
    FAILED = "failed", _("failed")

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in {JobState.FINISHED, JobState.CANCELLED, JobState.FAILED}


class StepState(TextChoices):
    """Where the enrollment in the course run of a step stands, which follows that in the path."""

    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("skipped")
    """The learner had left the path before it could be done."""


class RowStatus(TextChoices):
    """In which of the lists of a report a row stands."""

    SUCCESS = "success", _("success")
    PENDING = "pending", _("pending")
    FAILURE = "failure", _("failure")
    INVALID = "invalid", _("invalid")


class RowGroup(TextChoices):
    """What people ask of a list of rows: who is changed, who was so already, who waits, what went wrong."""

    CHANGED = "changed", _("changed")
    UNCHANGED = "unchanged", _("nothing to change")
    PENDING = "pending", _("pending")
    FAILURE = "failure", _("failed")
    INVALID = "invalid", _("invalid")
    NOT_DONE = "not_done", _("not done")

    @property
    def codes(self) -> list[str]:
        """The codes of the rows of this group. A row that is not done has none."""
        return [code.value for code in RowCode if code.group == self] or [""]


class RowCode(TextChoices):
    """What became of one pair of address and path, stable for programs, with the words for people."""

    ENROLLED = "enrolled", _("Enrolled.")
    ENROLLED_AGAIN = "enrolled_again", _("Enrolled again.")
    ALREADY_ENROLLED = "already_enrolled", _("Was enrolled already.")
    INVITED = "invited", _("Will be enrolled as soon as an account with this address is activated.")
    ALREADY_INVITED = "already_invited", _("Was invited already, and waits for an account.")
    UNENROLLED = "unenrolled", _("Unenrolled.")
    WITHDRAWN = "invitation_withdrawn", _("The invitation was withdrawn.")
    NOT_ENROLLED = "not_enrolled", _("Was not enrolled.")
    AMBIGUOUS = exceptions.AmbiguousEmail.code, exceptions.AmbiguousEmail.default_message
    RETIRED = exceptions.RetiredEmail.code, exceptions.RetiredEmail.default_message
    TAKEN = exceptions.InvitationTaken.code, exceptions.InvitationTaken.default_message
    NOT_SAVED = (
        "not_saved",
        _("It could not be saved. Try it once more, and tell the site's operators if that fails too."),
    )
    COURSE_NOT_FOUND = exceptions.CourseNotFound.code, exceptions.CourseNotFound.default_message
    COURSE_CLOSED = exceptions.CourseEnrollmentClosed.code, exceptions.CourseEnrollmentClosed.default_message
    COURSE_FULL = exceptions.CourseFull.code, exceptions.CourseFull.default_message
    COURSE_MODE = exceptions.CourseModeNotAvailable.code, exceptions.CourseModeNotAvailable.default_message
    COURSE_REFUSED = exceptions.CourseEnrollmentRefused.code, exceptions.CourseEnrollmentRefused.default_message
    COURSE_FAILED = exceptions.CourseEnrollmentFailed.code, exceptions.CourseEnrollmentFailed.default_message
    LICENSE_LOST = "license_not_valid", _("The license is not valid, or not this learner's.")
    CHANGED_SINCE = "changed_since", _("Has changed since then, and is left as it is.")
    INVALID_EMAIL = exceptions.InvalidEmail.code, exceptions.InvalidEmail.default_message
    UNKNOWN_PATH = exceptions.LearningPathNotFound.code, exceptions.LearningPathNotFound.default_message
    INVALID_COURSE = "invalid_course_key", _("This is not the key of a course run.")
    UNLICENSED = "unlicensed", _("The address has no valid license of the subscription.")
    UNCOVERED = "uncovered", _("The subscription does not cover this.")

    @property
    def is_failure(self) -> bool:
        """Whether nothing could be done for such a row."""
        return self in {
            RowCode.AMBIGUOUS,
            RowCode.RETIRED,
            RowCode.TAKEN,
            RowCode.NOT_SAVED,
            RowCode.COURSE_NOT_FOUND,
            RowCode.COURSE_CLOSED,
            RowCode.COURSE_FULL,
            RowCode.COURSE_MODE,
            RowCode.COURSE_REFUSED,
            RowCode.COURSE_FAILED,
            RowCode.LICENSE_LOST,
        }

    @property
    def status(self) -> RowStatus:
        """In which list of the report such a row stands."""
        if self.is_failure:
            return RowStatus.FAILURE
        if self in {
            RowCode.INVALID_EMAIL,
            RowCode.UNKNOWN_PATH,
            RowCode.INVALID_COURSE,
            RowCode.UNLICENSED,
            RowCode.UNCOVERED,
        }:
            return RowStatus.INVALID
        return RowStatus.PENDING if self in {RowCode.INVITED, RowCode.ALREADY_INVITED} else RowStatus.SUCCESS

    @property
    def group(self) -> RowGroup:
        """In which group people look for such a row."""
        if self.status == RowStatus.SUCCESS:
            return RowGroup.CHANGED if self.is_change else RowGroup.UNCHANGED
        return RowGroup(self.status.value)

    @property
    def is_change(self) -> bool:
        """Whether something was written for such a row."""
        return self in {
            RowCode.ENROLLED,
            RowCode.ENROLLED_AGAIN,
            RowCode.INVITED,
            RowCode.UNENROLLED,
            RowCode.WITHDRAWN,
        }

    @property
    def plan(self) -> str:
        """The words for people, of what is to come."""
        return str(_PLANS.get(self, self.label))


_PLANS = {
    RowCode.ENROLLED: _("Will be enrolled."),
    RowCode.ENROLLED_AGAIN: _("Will be enrolled again."),
    RowCode.ALREADY_ENROLLED: _("Is enrolled already."),
    RowCode.ALREADY_INVITED: _("Is invited already, and waits for an account."),
    RowCode.UNENROLLED: _("Will be unenrolled."),
    RowCode.WITHDRAWN: _("The invitation will be withdrawn."),
    RowCode.NOT_ENROLLED: _("Is not enrolled."),
}


@dataclass(frozen=True, slots=True)
class CourseEnrollmentRequest:
    """One learner, by address or by the id of the account, who is to be enrolled in one course run."""

    course_key: CourseKey
    email: str = ""
    user_id: int | None = None
    license_uuid: UUID | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionOffer:
    """
    What staff can choose from, once they chose a subscription: who holds a valid license, and what it covers.

    Without ``path_keys`` and ``course_keys`` nobody can list what it covers; the gate says so of each thing.
    """

    uuid: UUID
    title: str
    holders: tuple[str, ...]
    path_keys: tuple[LearningPathKey, ...] | None
    course_keys: tuple[CourseKey, ...] | None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became, or in a plan would become, of one pair of an address and a learning path or course run."""

    email: str
    key: LearningPathKey | CourseKey
    code: RowCode
    username: str = ""


@dataclass(frozen=True, slots=True)
class BulkReport:
    """
    What became of everything that a bulk request named: each pair once, in the order of the request, what was no
    address, path or course run, and what a subscription does not allow.
    """

    rows: tuple[RowOutcome, ...]
    invalid_emails: tuple[InvalidEntry, ...] = ()
    invalid_learning_paths: tuple[str, ...] = ()
    invalid_course_keys: tuple[str, ...] = ()
    invalid_user_ids: tuple[int, ...] = ()
    unlicensed_emails: tuple[str, ...] = ()
    uncovered_content: tuple[str, ...] = ()
    subscription: UUID | None = None

    def with_status(self, status: RowStatus) -> list[RowOutcome]:
        """Return the rows of one list."""
        return [row for row in self.rows if row.code.status == status]

    def count(self, *codes: RowCode) -> int:
        """Return how many rows have one of these codes."""
        return sum(row.code in codes for row in self.rows)


class NoticeState(TextChoices):
    """What became of the e-mail to one learner."""

    SENT = "sent", _("sent")
    WITHHELD = "withheld", _("withheld by the site's policies")
    FAILED = "failed", _("failed")


TELLING = (RowCode.ENROLLED, RowCode.ENROLLED_AGAIN, RowCode.INVITED)
"""What learners are told of."""


@dataclass(frozen=True, slots=True)
class LearnerNotice:
    """What one learner is to be told: the keys of what the learner was enrolled in, or invited to."""

    email: str
    username: str = ""
    enrolled: tuple[LearningPathKey | CourseKey, ...] = ()
    invited: tuple[LearningPathKey | CourseKey, ...] = ()

    @property
    def keys(self) -> tuple[LearningPathKey | CourseKey, ...]:
        """All the keys."""
        return (*self.enrolled, *self.invited)

    def payload(self) -> dict[str, Any]:
        """Return the notice in a form that is fit for JSON."""
        enrolled, invited = map(str, self.enrolled), map(str, self.invited)
        return {"email": self.email, "username": self.username, "enrolled": [*enrolled], "invited": [*invited]}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> LearnerNotice:
        """Return the notice that had this payload."""
        keys = {name: tuple(map(_any_key, payload[name])) for name in ("enrolled", "invited")}
        return cls(payload["email"], payload["username"], **keys)


def _any_key(text: str) -> LearningPathKey | CourseKey:
    is_path = text.startswith(f"{LearningPathKey.CANONICAL_NAMESPACE}:")
    return LearningPathKey.from_string(text) if is_path else CourseKey.from_string(text)


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """
    The addresses to which e-mails were sent, were kept back by the site's policies, or could not be sent.

    ``gave_up`` tells that the mail server could not be reached several times in a row, so that the rest was not tried.
    """

    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class InvalidEntry:
    """
    A piece of staff's input that is no e-mail address.

    ``text`` is fit to be shown: short, and without control characters and lone surrogates. ``line`` counts from 1, and
    is the line of a text or CSV file, or the place in a list.
    """

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ParsedEmails:
    """
    What was found in staff's input, each thing once and in the order of its first appearance.

    ``emails`` are normalized. Of ``invalid``, entries that differ only in case are one.
    """

    emails: tuple[str, ...]
    invalid: tuple[InvalidEntry, ...]


class LicenseStatus(TextChoices):
    """Where a license stands. Assigned and activated ones take a seat of their plan."""

    UNASSIGNED = "unassigned", _("unassigned")
    ASSIGNED = "assigned", _("assigned")
    ACTIVATED = "activated", _("activated")
    REVOKED = "revoked", _("revoked")


class LicenseCode(TextChoices):
    """What became of one address that was to get a license, stable for programs, with the words for people."""

    ASSIGNED = "assigned", _("Has a license, which waits for an account with this address to be activated.")
    ACTIVATED = "activated", _("Has a license, which its account activated at once.")
    ALREADY_ASSIGNED = "already_assigned", _("Had a license already.")
    NO_SEAT_LEFT = exceptions.NoSeatLeft.code, exceptions.NoSeatLeft.default_message
    AMBIGUOUS = (
        exceptions.AmbiguousEmail.code,
        _("More than one account has this e-mail address, so it can't be told whose license it would be."),
    )
    RETIRED = (
        exceptions.RetiredEmail.code,
        _("The account with this e-mail address was retired. It can't be given a license."),
    )

    @property
    def is_failure(self) -> bool:
        """Whether such an address has no license."""
        return self in {LicenseCode.NO_SEAT_LEFT, LicenseCode.AMBIGUOUS, LicenseCode.RETIRED}


@dataclass(frozen=True, slots=True)
class LicenseOutcome:
    """What became of one address: the code, and the uuid of its license if it has one."""

    email: str
    code: LicenseCode
    license_uuid: UUID | None


@dataclass(frozen=True, slots=True)
class LicenseReport:
    """What became of everything that was to get a license: each address once, in order, and what was no address."""

    rows: tuple[LicenseOutcome, ...]
    invalid_emails: tuple[InvalidEntry, ...] = ()

    @property
    def failures(self) -> list[LicenseOutcome]:
        """The addresses that have no license."""
        return [row for row in self.rows if row.code.is_failure]

    def count(self, *codes: LicenseCode) -> int:
        """Return how many rows have one of these codes."""
        return sum(row.code in codes for row in self.rows)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the owner of an address."""

    invitations: bool
    licenses: bool


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a subscription lets through, and what it does not. Each in the order in which it was asked for, once."""

    licensed_emails: tuple[str, ...]
    unlicensed_emails: tuple[str, ...]
    covered_keys: tuple[LearningPathKey | CourseKey, ...]
    uncovered_keys: tuple[LearningPathKey | CourseKey, ...]
