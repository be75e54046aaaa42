"""Enrolling as the LMS does it, down to what it asks and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learning_paths.data import StateTransition
from learning_paths.emails import comparable
from learning_paths.exceptions import (
    CourseEnrollmentClosed,
    CourseFull,
    CourseModeNotAvailable,
    CourseNotFound,
    InvitationTaken,
)
from learning_paths.lms import CourseEnrollmentState
from sandbox.courses.models import (
    CourseEnrollment,
    CourseEnrollmentAllowed,
    CourseRun,
    ManualCourseEnrollmentAudit,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from opaque_keys.edx.keys import CourseKey


def get_run(course_key: CourseKey) -> CourseRun:
    """Return the run with exactly this key, or raise ``CourseNotFound``."""
    run = CourseRun.objects.filter(course_key=course_key).first()
    if run is None or run.course_key != course_key:  # the column compares without case
        raise CourseNotFound
    return run


def enroll(
    user: User, run: CourseRun, *, mode: str | None, force: bool, acting_user: User | None, reason: str
) -> CourseEnrollmentState:
    """Do what ``LMS.enroll_in_course`` promises, inside the caller's transaction."""
    enrollment = CourseEnrollment.objects.filter(user=user, course_run=run).first()
    former = enrollment.mode if enrollment is not None and enrollment.is_active else None
    if former is not None and mode in (None, former):
        return CourseEnrollmentState(created=False, mode=former, mode_changed=False)
    offered = run.offered_modes[0] if mode is None else mode
    if offered not in run.offered_modes:
        raise CourseModeNotAvailable
    transition = StateTransition.ENROLLED_TO_ENROLLED
    if former is None:
        invitations = usable_invitations(user).filter(course_run=run)
        invited = invitations.exists()
        transition = StateTransition.ALLOWED_TO_ENROLLED if invited else StateTransition.UNENROLLED_TO_ENROLLED
        if not force and not (run.is_enrollment_open or invited or user.is_staff):
            raise CourseEnrollmentClosed
        if not force and run.is_full:
            raise CourseFull
        invitations.update(user=user)
    enrollment, _ = CourseEnrollment.objects.update_or_create(
        user=user, course_run=run, defaults={"is_active": True, "mode": offered}
    )
    if acting_user is not None and acting_user.pk != user.pk:
        _audit(acting_user, user.email, transition, reason, enrollment)
    return CourseEnrollmentState(created=former is None, mode=offered, mode_changed=former is not None)


def invite(email: str, run: CourseRun, *, acting_user: User | None, reason: str) -> bool:
    """Do what ``LMS.invite_to_course`` promises, inside the caller's transaction."""
    invitation, created = CourseEnrollmentAllowed.objects.get_or_create(email=email, course_run=run)
    if invitation.user is not None and comparable(invitation.user.email) != email:
        raise InvitationTaken
    if created or not invitation.auto_enroll:
        invitation.auto_enroll = True
        invitation.save()
        if acting_user is not None:
            _audit(acting_user, email, StateTransition.UNENROLLED_TO_ALLOWED, reason)
        return True
    return False


def claim(user: User) -> None:
    """Enroll the owner of an active account in what the address was invited to, whether or not there is room."""
    for invitation in usable_invitations(user).filter(auto_enroll=True).select_related("course_run"):
        inviting = ManualCourseEnrollmentAudit.objects.filter(enrolled_email=invitation.email).order_by("pk").last()
        enroll(
            user,
            invitation.course_run,
            mode=None,
            force=True,
            acting_user=inviting.enrolled_by if inviting else None,
            reason=inviting.reason if inviting else "",
        )
        if invitation.user_id is None:  # was enrolled already
            CourseEnrollmentAllowed.objects.filter(pk=invitation.pk).update(user=user)


def usable_invitations(user: User) -> QuerySet[CourseEnrollmentAllowed]:
    """Return the invitations of the account's address that no other account has used."""
    invitations = CourseEnrollmentAllowed.objects.filter(email=comparable(user.email) or "")
    return invitations.filter(user=None) | invitations.filter(user=user)


def _audit(
    acting_user: User, email: str, transition: StateTransition, reason: str, enrollment: CourseEnrollment | None = None
) -> None:
    ManualCourseEnrollmentAudit.objects.create(
        enrollment=enrollment,
        enrolled_by=acting_user,
        enrolled_email=email,
        state_transition=transition,
        reason=reason,
    )
