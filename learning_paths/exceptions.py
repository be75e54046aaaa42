"""The errors that this package raises on purpose. Edges translate them; see ADR 0002."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class LearningPathsError(Exception):
    """
    Base of every error of the domain.

    ``code`` is stable and meant for programs; the text is translated and meant for people.
    """

    code: ClassVar[str] = "learning_paths_error"
    default_message: ClassVar[str | Promise] = _("The request could not be carried out.")

    def __init__(self, message: str | Promise | None = None) -> None:
        super().__init__(message or self.default_message)

    def __str__(self) -> str:
        return str(self.args[0])


class LearningPathNotFound(LearningPathsError):
    """There is no such path, or the person who asks may not see it."""

    code = "learning_path_not_found"
    default_message = _("There is no such learning path.")


class LearningPathExists(LearningPathsError):
    """Another path has this key, or one that differs from it by case alone, which the database takes for the same."""

    code = "learning_path_exists"
    default_message = _("There is a learning path with this key already. Upper and lower case count as the same.")


class UserNotFound(LearningPathsError):
    """There is no account with this username."""

    code = "user_not_found"
    default_message = _("There is no such user.")


class AlreadyEnrolled(LearningPathsError):
    """The learner has an active enrollment in the path."""

    code = "already_enrolled"
    default_message = _("The learner is already enrolled in this learning path.")


class NotEnrolled(LearningPathsError):
    """The learner has no active enrollment in the path."""

    code = "not_enrolled"
    default_message = _("The learner is not enrolled in this learning path.")


class InvalidEmail(LearningPathsError):
    """The text is not an e-mail address that an account could have."""

    code = "invalid_email"
    default_message = _("This is not a valid e-mail address.")


class AmbiguousEmail(LearningPathsError):
    """Several accounts have this address, when case is ignored."""

    code = "ambiguous_email"
    default_message = _("More than one account has this e-mail address. Enroll the learner by username.")


class RetiredEmail(LearningPathsError):
    """The address belonged to an account that was retired, whose owner asked to be forgotten."""

    code = "retired_email"
    default_message = _("The account with this e-mail address was retired. It can't be invited.")


class InvitationTaken(LearningPathsError):
    """The invitation of this address is bound to another account for good."""

    code = "invitation_taken"
    default_message = _(
        "The invitation of this address was used by an account that has another address now. "
        "Enroll the learner by username once the learner has an account."
    )


class NotInvited(LearningPathsError):
    """The address has no pending invitation to the path."""

    code = "not_invited"
    default_message = _("This address has no pending invitation to this learning path.")


class InvitationUsed(NotInvited):
    """An account used the invitation of this address to the path, so there is nothing left to withdraw."""

    code = "invitation_used"
    default_message = _("An account used this invitation. Unenroll that account instead.")

    def __init__(self, message: str | Promise | None = None, *, username: str = "") -> None:
        if username and message is None:
            text = gettext("The account %(username)s used this invitation. Unenroll that account instead.")
            message = text % {"username": username}
        super().__init__(message)
        self.username = username


class BulkTooLarge(LearningPathsError):
    """There are more pairs of address and path, or more invalid addresses, than one job takes."""

    code = "bulk_too_large"
    default_message = _("These are more pairs of address and learning path than one job takes.")


class BulkJobNotFound(LearningPathsError):
    """There is no such job, or the person who asks may not see it."""

    code = "bulk_job_not_found"
    default_message = _("There is no such job.")


class BulkJobConflict(LearningPathsError):
    """The state of the job does not allow what was asked for: somebody else was quicker, or it is over."""

    code = "bulk_job_conflict"
    default_message = _("The job is not in a state in which that could be done.")


class BulkJobChanged(BulkJobConflict):
    """The draft is not what was previewed: it was made anew, or one of its learning paths was deleted."""

    code = "bulk_job_changed"
    default_message = _("The draft has changed since you looked at it. Look through it again, then confirm.")


class SubscriptionNotFound(LearningPathsError):
    """There is no such subscription plan, or the person who asks may not use it."""

    code = "subscription_not_found"
    default_message = _("There is no such subscription plan.")


class SubscriptionNotCurrent(LearningPathsError):
    """The subscription plan is switched off, not yet begun or expired, so that none of its licenses count."""

    code = "subscription_not_current"
    default_message = _("The subscription plan is not active, has not begun or has expired.")


class LicensesUnavailable(LearningPathsError):
    """The service that knows about licenses could not be asked, or gave no answer that makes sense."""

    code = "licenses_unavailable"
    default_message = _("The licenses can't be checked at the moment. Try again later.")


class LicenseNotFound(LearningPathsError):
    """The address has no license in the plan."""

    code = "license_not_found"
    default_message = _("There is no such license.")


class LicenseRevoked(LearningPathsError):
    """The license was revoked before."""

    code = "license_revoked"
    default_message = _("The license was revoked already.")


class NoSeatLeft(LearningPathsError):
    """All licenses of the subscription plan are in use."""

    code = "no_seat_left"
    default_message = _("No license is left in this subscription plan.")


class CourseNotFound(LearningPathsError):
    """The platform has no such course run, or the key is none."""

    code = "course_not_found"
    default_message = _("There is no such course.")


class CourseNotInPath(LearningPathsError):
    """The course run is no step of the path."""

    code = "course_not_in_path"
    default_message = _("This course is not a step of this learning path.")


class CourseModeNotAvailable(LearningPathsError):
    """The course run is not offered in the mode, or only in modes that nobody gets by default."""

    code = "course_mode_not_available"
    default_message = _("This course is not offered in this mode.")


class CourseEnrollmentClosed(LearningPathsError):
    """The course run is not open for enrollment: not yet, no longer, or by invitation only."""

    code = "course_enrollment_closed"
    default_message = _("This course is not open for enrollment.")


class CourseFull(LearningPathsError):
    """The course run has as many learners as it takes."""

    code = "course_full"
    default_message = _("This course is full.")


class CourseEnrollmentRefused(LearningPathsError):
    """A rule that the site added to its platform does not let the learner enroll in the course run."""

    code = "course_enrollment_refused"
    default_message = _("A rule of this site does not let the learner enroll in this course.")


class CourseEnrollmentFailed(LearningPathsError):
    """The platform failed at a course enrollment in a way that nobody foresaw. The log has the traceback."""

    code = "course_enrollment_failed"
    default_message = _(
        "The platform could not save the course enrollment. Try it once more, and tell the site's operators if that "
        "fails too."
    )
