"""Inviting an address to a path, taking that back, and claiming what an account was invited to."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from learning_paths.actions.audit import record_manual_change
from learning_paths.actions.enrollment import activate, bind
from learning_paths.data import Attribution, EnrollmentOutcome, InvitationOutcome, StateTransition
from learning_paths.emails import normalize_email
from learning_paths.exceptions import AlreadyEnrolled, AmbiguousEmail, InvitationTaken, NotInvited, RetiredEmail
from learning_paths.lms import get_lms
from learning_paths.models import LearningPath, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from learning_paths.queries.enrollments import get_active_enrollment
from learning_paths.queries.users import confirmed_address, users_by_email
from learning_paths.signals import LEARNING_PATH_INVITATION_CREATED

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)


def invite(
    email: str,
    learning_path: LearningPath,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
) -> InvitationOutcome:
    """
    Enroll the owner of an address in a path, now or as soon as there is one.

    The owner of an active account is enrolled at once. Any other address waits as a pending invitation, which its
    owner claims by registering and activating the account, or by changing to this address. What was so already is left
    as it is. A change leaves an audit row that names ``acting_user``. After the commit the accounts are looked at once
    more, in case one registered meanwhile (ADR 0003, "The registration race"). Whether ``acting_user`` may do this is
    for the caller to check.

    Arguments:
        email: the address, in any case.
        learning_path: the path.
        reason, role, org: what the audit rows say, that of this invitation and that of its claim.
        acting_user: who asked for it; None for the system.

    Raises:
        InvalidEmail: it is no address.
        RetiredEmail: its owner's account was retired.
        AmbiguousEmail: several accounts have it.
        InvitationTaken: an account that does not have the address any more used its invitation to this path.
    """
    address = normalize_email(email)
    if get_lms().retired_emails([address]):
        raise RetiredEmail
    users = users_by_email([address]).get(address, [])
    if len(users) > 1:
        raise AmbiguousEmail
    attribution = Attribution(acting_user.pk if acting_user else None, reason, role, org)
    with transaction.atomic():
        if users and users[0].is_active:
            return _enroll_owner(users[0], address, learning_path, attribution, acting_user)
        outcome = _leave_pending(address, learning_path, attribution, acting_user)
        transaction.on_commit(lambda: claim_for_addresses([address]), robust=True)
    return outcome


def withdraw_invitation(
    email: str,
    learning_path: LearningPath,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
) -> None:
    """
    Take a pending invitation back, with an audit row that names ``acting_user``. The row stays, switched off.

    Arguments: as for ``invite``.

    Raises:
        InvalidEmail: it is no address.
        NotInvited: the address has no pending invitation to the path.
    """
    address = normalize_email(email)
    with transaction.atomic():
        pending = LearningPathEnrollmentAllowed.objects.pending_for(address).filter(learning_path=learning_path)
        invitation = pending.select_for_update().first()
        if invitation is None:
            raise NotInvited
        invitation.is_active = False
        invitation.save()
        record_manual_change(
            StateTransition.ALLOWED_TO_UNENROLLED,
            email=address,
            attribution=Attribution(acting_user.pk if acting_user else None, reason, role, org),
            enrollment_allowed_id=invitation.pk,
            acting_user=acting_user,
        )


def claim_invitations(user: User) -> list[EnrollmentOutcome]:
    """
    Enroll the user in every path to which their confirmed address has a pending invitation.

    Each invitation is bound to the user for good and each enrollment leaves an audit row with the inviter, reason,
    role and org of that invitation. Where the user is enrolled already the invitation is only bound. Nothing is
    claimed while several accounts have the address.

    One query when nothing is pending, none when the account is not active.

    Returns:
        What changed, one outcome for each path in which the user is newly enrolled.
    """
    address = confirmed_address(user)
    if address is None or not LearningPathEnrollmentAllowed.objects.pending_for(address).exists():
        return []
    owners = users_by_email([address]).get(address, [])
    if [(owner.pk, owner.is_active) for owner in owners] != [(user.pk, True)]:
        log.warning("Learning paths: %d accounts have the address of user %s; nothing is claimed", len(owners), user.pk)
        return []
    with transaction.atomic():
        pending = LearningPathEnrollmentAllowed.objects.pending_for(address)
        invitations = list(pending.select_for_update().order_by("pk").prefetch_related("learning_path"))
        attributions = _attributions(invitations)
        outcomes = (_claim(invitation, user, address, attributions) for invitation in invitations)
        return [outcome for outcome in outcomes if outcome is not None]


def claim_for_addresses(addresses: Collection[str]) -> None:
    """
    Let the active accounts that have these normalized addresses claim what is pending for them.

    The inviting side's second look, after its commit: whoever commits last, the inviter or the registering user, sees
    the other. One query when none of the addresses has an account.
    """
    for users in users_by_email(addresses).values():
        for user in users:
            claim_invitations(user)


def _enroll_owner(
    user: User, address: str, learning_path: LearningPath, attribution: Attribution, acting_user: User | None
) -> InvitationOutcome:
    invitation, created = _locked_invitation(address, learning_path)
    was_pending = invitation.is_pending and not created
    if invitation.user_id is None:
        bind(invitation, user)
    try:
        outcome = activate(user, learning_path, invited=was_pending, acting_user=acting_user)
    except AlreadyEnrolled:
        enrollment = get_active_enrollment(user, learning_path).as_data()
        return InvitationOutcome(address, learning_path.key, enrollment, changed=False)
    record_manual_change(
        outcome.transition,
        email=address,
        attribution=attribution,
        enrollment_id=outcome.enrollment.id,
        enrollment_allowed_id=invitation.pk,
        acting_user=acting_user,
    )
    return InvitationOutcome(address, learning_path.key, outcome.enrollment, changed=True)


def _leave_pending(
    address: str, learning_path: LearningPath, attribution: Attribution, acting_user: User | None
) -> InvitationOutcome:
    invitation, created = _locked_invitation(address, learning_path)
    if invitation.user_id is not None:
        raise InvitationTaken
    changed = created or not invitation.is_active
    outcome = InvitationOutcome(address, learning_path.key, None, changed=changed)
    if changed:
        if not created:
            invitation.is_active = True
            invitation.save()
        record_manual_change(
            StateTransition.UNENROLLED_TO_ALLOWED,
            email=address,
            attribution=attribution,
            enrollment_allowed_id=invitation.pk,
            acting_user=acting_user,
        )
        transaction.on_commit(lambda: LEARNING_PATH_INVITATION_CREATED.send_event(invitation=outcome), robust=True)
    return outcome


def _locked_invitation(address: str, learning_path: LearningPath) -> tuple[LearningPathEnrollmentAllowed, bool]:
    """Return the invitation of an address to a path, made if need be and locked, and whether it was made."""
    invitations = LearningPathEnrollmentAllowed.objects
    invitation, created = invitations.get_or_create(email=address, learning_path=learning_path)
    if not created:
        invitation = invitations.select_for_update().get(pk=invitation.pk)
    return invitation, created


def _claim(
    invitation: LearningPathEnrollmentAllowed, user: User, address: str, attributions: dict[int, Attribution]
) -> EnrollmentOutcome | None:
    bind(invitation, user)
    try:
        outcome = activate(user, invitation.learning_path, invited=True, acting_user=None)
    except AlreadyEnrolled:
        return None
    record_manual_change(
        outcome.transition,
        email=address,
        attribution=attributions.get(invitation.pk, Attribution(enrolled_by_id=None)),
        enrollment_id=outcome.enrollment.id,
        enrollment_allowed_id=invitation.pk,
        acting_user=None,
    )
    return outcome


def _attributions(invitations: Iterable[LearningPathEnrollmentAllowed]) -> dict[int, Attribution]:
    """Return who invited, why and as what, by invitation: of each the latest, in one query."""
    invited = ManualEnrollmentAudit.objects.filter(
        enrollment_allowed__in=invitations, state_transition=StateTransition.UNENROLLED_TO_ALLOWED
    ).order_by("pk")
    return {
        audit.enrollment_allowed_id: Attribution(audit.enrolled_by_id, audit.reason, audit.role, audit.org)
        for audit in invited
        if audit.enrollment_allowed_id is not None
    }
