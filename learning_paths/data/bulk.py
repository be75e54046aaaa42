"""What becomes of many learners: rows, reports and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from learning_paths import exceptions
from learning_paths.data.parsing import InvalidEntry
from learning_paths.keys import LearningPathKey


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
    ENROLLED_NOT_ACTIVE = "already_enrolled_not_active", _("Was enrolled already; account not active.")
    INVITED = "invited", _("Will be enrolled as soon as an account with this address is activated.")
    NOT_ACTIVE = "not_active", _("The account is not active. Will be enrolled again as soon as it is active.")
    ALREADY_INVITED = "already_invited", _("Was invited already, and waits for an active account with this address.")
    UNENROLLED = "unenrolled", _("Unenrolled.")
    WITHDRAWN = "invitation_withdrawn", _("The invitation was withdrawn.")
    NOT_ENROLLED = "not_enrolled", _("Was not enrolled.")
    ADDRESS_CHANGED = (
        "address_changed",
        _("The account that was invited by this address has another address now and is still enrolled. Unenroll it."),
    )
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
    PATH_DELETED = "path_deleted", _("The learning path was deleted before this was done.")
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
            RowCode.ADDRESS_CHANGED,
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
            RowCode.PATH_DELETED,
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
        waiting = {RowCode.INVITED, RowCode.NOT_ACTIVE, RowCode.ALREADY_INVITED}
        return RowStatus.PENDING if self in waiting else RowStatus.SUCCESS

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
            *INVITING,
            RowCode.UNENROLLED,
            RowCode.WITHDRAWN,
        }

    @property
    def plan(self) -> str:
        """The words for people, of what is to come."""
        return str(_PLANS.get(self, self.label))

    def describe(self, username: str, *, as_plan: bool) -> str:
        """Return the words for people, with the account where they ask to do something about it."""
        words = self.plan if as_plan else str(self.label)
        if self != RowCode.ADDRESS_CHANGED:
            return words
        return gettext("%(words)s The username is %(username)s.") % {"words": words, "username": username}


INVITING = frozenset({RowCode.INVITED, RowCode.NOT_ACTIVE})
"""What leaves a pending invitation."""

_PLANS = {
    RowCode.ENROLLED: _("Will be enrolled."),
    RowCode.ENROLLED_AGAIN: _("Will be enrolled again."),
    RowCode.ALREADY_ENROLLED: _("Is enrolled already."),
    RowCode.ENROLLED_NOT_ACTIVE: _("Is enrolled already; account not active."),
    RowCode.ALREADY_INVITED: _("Is invited already, and waits for an active account with this address."),
    RowCode.UNENROLLED: _("Will be unenrolled."),
    RowCode.WITHDRAWN: _("The invitation will be withdrawn."),
    RowCode.NOT_ENROLLED: _("Is not enrolled."),
    RowCode.PATH_DELETED: _("Nothing: the learning path has been deleted."),
}


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """
    What became, or in a plan would become, of one pair of an address and a learning path or course run.

    ``username`` and ``user_id`` are those of the account that the address, or the request, meant; empty where there is
    none, or more than one.
    """

    email: str
    key: LearningPathKey | CourseKey
    code: RowCode
    username: str = ""
    user_id: int | None = None


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
