"""
Enrolling one learner in one course run of the platform, by itself or as a step of a path, and inviting an address to
one. See ADR 0007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.locks import found, lock_one
from learning_paths.data import CourseEnrollmentOutcome
from learning_paths.emails import normalize_email
from learning_paths.exceptions import (
    CourseEnrollmentFailed,
    CourseNotFound,
    CourseNotInPath,
    NotEnrolled,
    RetiredEmail,
)
from learning_paths.lms import get_lms
from learning_paths.models import LearningPath, LearningPathEnrollment
from learning_paths.retrying import patient

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def enroll_user_in_course(
    user: User,
    course_key: CourseKey | str,
    *,
    mode: str | None = None,
    force: bool = False,
    reason: str = "",
    acting_user: User | None,
) -> CourseEnrollmentOutcome:
    """
    Enroll a learner in a course run of the platform, for the first time or again, in this process.

    The enrollment is the platform's own, with its signals, events, history and, when ``acting_user`` is somebody else
    than the learner, its audit. Who is enrolled already stays so, and nothing is written. There is no request and no
    REST call; not checked are whether ``acting_user`` may do this, whether the learner may see or take the course by
    rules of embargo, prerequisites or payment, and whether a learning path has anything to do with it.

    After a failure the caller's transaction is as it was and can go on.

    Arguments:
        user: the learner, whose account may be inactive.
        course_key: the course run, as a key or its text.
        mode: the mode to enroll in. None (or nothing) leaves an active enrollment in its mode, and is otherwise the
            course's default mode.
        force: enroll even where enrollment is closed, or the course full. The mode must be offered all the same.
        reason: what the platform's audit row says.
        acting_user: who asked for it; None for the system.

    Raises:
        CourseNotFound: there is no such course run, or the text is no course key.
        CourseModeNotAvailable: the course is not offered in the mode, or has no default mode.
        CourseEnrollmentClosed: it is not open for enrollment: not yet, no longer, or by invitation only.
        CourseFull: it has no room.
        CourseEnrollmentRefused: a rule that the site added to its platform keeps this learner out.
        CourseEnrollmentFailed: anything else that went wrong; the log tells what.
    """
    key = _as_key(course_key)
    state = get_lms().enroll_in_course(
        user, key, mode=mode or None, force=force, acting_user=acting_user, reason=reason
    )
    return CourseEnrollmentOutcome(
        username=user.get_username(),
        course_key=key,
        mode=state.mode,
        created=state.created,
        mode_changed=state.mode_changed,
    )


@patient
def enroll_in_step(
    user: User, learning_path: LearningPath, course_key: CourseKey | str, *, acting_user: User | None
) -> CourseEnrollmentOutcome:
    """
    Enroll a learner of a path in a course run that is a step of it, as a learner asks for it.

    Does what ``enroll_user_in_course`` does without ``mode`` and ``force``: nobody gets past closed enrollment or a
    full course, and who is enrolled already stays so. Not checked are what ``acting_user`` may do, whether
    ``acting_user`` sees the path, and the order of the steps: ``sequential`` says in which one they are meant to be
    taken, and keeps nobody out.

    Arguments:
        user: the learner.
        learning_path: the path.
        course_key: the course run, as a key or its text. It must be exactly that of a step.
        acting_user: who asked for it; None for the system.

    Raises:
        NotEnrolled: the learner has no active enrollment in the path.
        CourseNotInPath: the course run is no step of the path.
        CourseNotFound: the text is no course key, or the platform does not know the step's course run.
        CourseModeNotAvailable, CourseEnrollmentClosed, CourseFull, CourseEnrollmentRefused, CourseEnrollmentFailed: as
            ``enroll_user_in_course``.
    """
    with transaction.atomic():
        # Locked, or the clicks of one learner deadlock in the platform.
        pk = found(LearningPathEnrollment.objects.filter(user=user, learning_path=learning_path))
        enrollment = lock_one(LearningPathEnrollment.objects.all(), pk)
        if enrollment is None or not enrollment.is_active:
            raise NotEnrolled
        key = _as_key(course_key)
        steps = learning_path.steps.filter(course_key=key).values_list("course_key", flat=True)
        if key not in steps:  # the database ignores case
            raise CourseNotInPath
        reason = f"Learning path {learning_path.key}"
        try:
            return enroll_user_in_course(user, key, reason=reason, acting_user=acting_user)
        except CourseEnrollmentFailed as failure:
            if isinstance(failure.__cause__, OperationalError):  # a lock that took too long: it may pass
                raise failure.__cause__ from None
            raise


def invite_to_course(email: str, course_key: CourseKey | str, *, reason: str = "", acting_user: User | None) -> bool:
    """
    Have the platform enroll the owner of an address in a course run once there is one, and tell if that is new.

    For callers who know that no active account has the address: such an account is not looked for, and
    would not be enrolled before it is changed. Not checked either are what ``acting_user`` may do, and whether the
    course is open and has room; the platform lets in whom staff invited.

    Arguments:
        email: the address, in any case.
        course_key: the course run, as a key or its text.
        reason: what the platform's audit rows say, that of this invitation and that of the enrollment.
        acting_user: who asked for it; None for the system.

    Raises:
        InvalidEmail: it is no address.
        RetiredEmail: its owner's account was retired.
        CourseNotFound: there is no such course run, or the text is no course key.
        InvitationTaken: an account that has another address now has used the invitation of this one.
        CourseEnrollmentFailed: anything else that went wrong; the log tells what.
    """
    address = normalize_email(email)
    key = _as_key(course_key)
    lms = get_lms()
    if lms.retired_emails([address]):
        raise RetiredEmail
    return lms.invite_to_course(address, key, acting_user=acting_user, reason=reason)


def _as_key(course_key: CourseKey | str) -> CourseKey:
    if isinstance(course_key, CourseKey):
        return course_key
    try:
        return CourseKey.from_string(course_key.strip())
    except InvalidKeyError as error:
        raise CourseNotFound from error
