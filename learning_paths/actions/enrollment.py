"""Enrolling one learner in one path, and unenrolling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from learning_paths.actions.audit import record_manual_change
from learning_paths.actions.events import send_after_commit
from learning_paths.actions.locks import found, lock_one
from learning_paths.actions.waiting_steps import expect_steps
from learning_paths.data import Attribution, EnrollmentOutcome, StateTransition
from learning_paths.exceptions import AlreadyEnrolled, LearningPathNotFound, NotEnrolled, UserNotFound
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathEnrollmentAllowed
from learning_paths.models.history import save_with_history
from learning_paths.queries.users import confirmed_address
from learning_paths.retrying import patient
from learning_paths.signals import LEARNING_PATH_ENROLLMENT_ACTIVATED, LEARNING_PATH_ENROLLMENT_DEACTIVATED

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@patient
def enroll(
    user: User,
    learning_path: LearningPath,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
) -> EnrollmentOutcome:
    """
    Enroll a learner in a path, for the first time or again.

    Binds the pending invitation of the learner's address to this path, if there is one. Writes history always and an
    audit row when ``acting_user`` is somebody else than the learner. Sends ``LEARNING_PATH_ENROLLMENT_ACTIVATED`` after
    the commit; the enrollments in the courses that the path's ``course_enrollment`` names follow, and fail without any
    effect here (ADR 0007). Whether ``acting_user`` may do this, and may see the path, is for the caller to check. See
    ADR 0003.

    Arguments:
        user: the learner, whose account may be inactive.
        learning_path: the path.
        reason, role, org: what the audit row says besides who changed what.
        acting_user: who asked for it; None for the system.

    Raises:
        AlreadyEnrolled: the learner has an active enrollment.
        UserNotFound, LearningPathNotFound: one of them was deleted meanwhile.
    """
    with transaction.atomic():
        invitation = _lock_pending_invitation(user, learning_path)
        outcome = activate(
            user,
            learning_path,
            invited=invitation is not None,
            enrolled_by_id=None if acting_user is None else acting_user.pk,
            acting_user=acting_user,
        )
        if invitation is not None:
            bind(invitation, user)
        if acting_user is not None and acting_user.pk != user.pk:
            record_manual_change(
                outcome.transition,
                email=user.email,
                attribution=Attribution(acting_user.pk, reason, role, org),
                enrollment_id=outcome.enrollment.id,
                enrollment_allowed_id=None if invitation is None else invitation.pk,
                acting_user=acting_user,
            )
    return outcome


@patient
def unenroll(
    user: User,
    learning_path: LearningPath,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
) -> EnrollmentOutcome:
    """
    Switch the learner's enrollment in a path off. The row and its history stay.

    Writes history always and an audit row when ``acting_user`` is somebody else than the learner. Sends
    ``LEARNING_PATH_ENROLLMENT_DEACTIVATED`` after the commit. Whether ``acting_user`` may do this, and whether the site
    lets learners unenroll themselves, is for the caller to check. See ADR 0003.

    Arguments:
        user: the learner.
        learning_path: the path.
        reason, role, org: what the audit row says besides who changed what.
        acting_user: who asked for it; None for the system.

    Raises:
        NotEnrolled: the learner has no active enrollment.
    """
    with transaction.atomic():
        pk = found(LearningPathEnrollment.objects.filter(user=user, learning_path=learning_path))
        enrollment = _locked(pk, user, learning_path)
        if enrollment is None or not enrollment.is_active:
            raise NotEnrolled
        enrollment.is_active = False
        save_with_history(enrollment, acting_user=acting_user)
        outcome = EnrollmentOutcome(
            enrollment.as_data(), created=False, transition=StateTransition.ENROLLED_TO_UNENROLLED
        )
        if acting_user is not None and acting_user.pk != user.pk:
            record_manual_change(
                outcome.transition,
                email=user.email,
                attribution=Attribution(acting_user.pk, reason, role, org),
                enrollment_id=enrollment.pk,
                acting_user=acting_user,
            )
        send_after_commit(LEARNING_PATH_ENROLLMENT_DEACTIVATED, enrollment=outcome.enrollment)
    return outcome


def activate(
    user: User, learning_path: LearningPath, *, invited: bool, enrolled_by_id: int | None, acting_user: User | None
) -> EnrollmentOutcome:
    """
    Create the enrollment of a learner in a path or switch it on, with history, event and courses but without audit.

    For the other actions only, inside their transaction. ``invited`` says what the learner was before, if not enrolled;
    ``enrolled_by_id`` whom the audit of the courses names, who with an invitation is another than who acts.

    Raises:
        AlreadyEnrolled: the learner has an active enrollment.
        UserNotFound, LearningPathNotFound: one of them was deleted meanwhile.
    """
    enrollment = LearningPathEnrollment.objects.filter(user=user, learning_path=learning_path).first()
    created = enrollment is None
    if enrollment is None:
        enrollment = _insert(user, learning_path, acting_user)
    elif enrollment.is_active:
        raise AlreadyEnrolled
    else:
        enrollment = _switch_on(enrollment.pk, user, learning_path, acting_user)
    outcome = EnrollmentOutcome(
        enrollment.as_data(),
        created=created,
        transition=StateTransition.ALLOWED_TO_ENROLLED if invited else StateTransition.UNENROLLED_TO_ENROLLED,
    )
    expect_steps([(enrollment.pk, learning_path)], enrolled_by_id=enrolled_by_id, renewed=not created)
    send_after_commit(LEARNING_PATH_ENROLLMENT_ACTIVATED, enrollment=outcome.enrollment)
    return outcome


def bind(invitation: LearningPathEnrollmentAllowed, user: User) -> None:
    """Bind an invitation to the account that used it, for good. For the other actions, with the row locked."""
    invitation.user = user
    invitation.is_active = True
    invitation.save()


def _insert(user: User, learning_path: LearningPath, acting_user: User | None) -> LearningPathEnrollment:
    enrollment = LearningPathEnrollment(user=user, learning_path=learning_path, enrolled_at=timezone.now())
    try:
        with transaction.atomic():
            save_with_history(enrollment, acting_user=acting_user)
    except IntegrityError as error:
        # Somebody was quicker, or deleted what the row refers to. The row of the quicker one need not be visible to
        # this transaction, so it is not looked for.
        if not LearningPath.objects.filter(pk=learning_path.pk).exists():
            raise LearningPathNotFound from error
        if not get_user_model().objects.filter(pk=user.pk).exists():
            raise UserNotFound from error
        raise AlreadyEnrolled from error
    return enrollment


def _switch_on(pk: int, user: User, learning_path: LearningPath, acting_user: User | None) -> LearningPathEnrollment:
    enrollment = _locked(pk, user, learning_path)
    if enrollment is None:
        raise UserNotFound
    if enrollment.is_active:
        raise AlreadyEnrolled
    enrollment.is_active = True
    enrollment.enrolled_at = timezone.now()
    save_with_history(enrollment, acting_user=acting_user)
    return enrollment


def _locked(pk: int | None, user: User, learning_path: LearningPath) -> LearningPathEnrollment | None:
    enrollment = lock_one(LearningPathEnrollment.objects.all(), pk)
    if enrollment is not None:
        enrollment.user = user
        enrollment.learning_path = learning_path
    return enrollment


def _lock_pending_invitation(user: User, learning_path: LearningPath) -> LearningPathEnrollmentAllowed | None:
    """Invitations are locked before enrollments, here and where they are claimed, so that neither waits in a circle."""
    email = confirmed_address(user)
    if email is None:
        return None
    pending = LearningPathEnrollmentAllowed.objects.pending_for(email).filter(learning_path=learning_path)
    invitation = lock_one(LearningPathEnrollmentAllowed.objects.all(), found(pending))
    return invitation if invitation is not None and invitation.is_pending and invitation.email == email else None
