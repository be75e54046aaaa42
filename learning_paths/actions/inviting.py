"""Inviting an address to a path, and taking that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from learning_paths.actions.audit import record_manual_change
from learning_paths.actions.bulk_apply import apply
from learning_paths.actions.bulk_plan import Chunk, Pair
from learning_paths.actions.bulk_write import invitation_outcome
from learning_paths.actions.locks import found, lock_one
from learning_paths.data import Attribution, BulkOperation, InvitationOutcome, RowCode, RowStatus, StateTransition
from learning_paths.emails import normalize_email
from learning_paths.exceptions import AmbiguousEmail, InvitationTaken, InvitationUsed, NotInvited, RetiredEmail
from learning_paths.models import LearningPath, LearningPathEnrollmentAllowed
from learning_paths.queries.enrollments import get_active_enrollment
from learning_paths.retrying import PATIENCE, patient

if TYPE_CHECKING:
    from django.contrib.auth.models import User

REFUSALS = {
    RowCode.AMBIGUOUS: AmbiguousEmail,
    RowCode.RETIRED: RetiredEmail,
    RowCode.TAKEN: InvitationTaken,
}


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
    as it is, also an enrollment whose account is not active. A change leaves an audit row that names ``acting_user``.
    After the commit the accounts are looked at once more, in case one registered meanwhile (ADR 0003, "The registration
    race"). Whether ``acting_user`` may do this is for the caller to check.

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
    attribution = Attribution(acting_user.pk if acting_user else None, reason, role, org)
    chunk = Chunk([Pair(address, learning_path)])
    [row] = apply(BulkOperation.ENROLL, chunk, attribution, acting_user, patience=PATIENCE)
    if row.code in REFUSALS:
        raise REFUSALS[row.code]
    enrollment = None
    if row.user is not None and row.code.status == RowStatus.SUCCESS:
        enrollment = get_active_enrollment(row.user, row.path).as_data()
    return invitation_outcome(row, enrollment)


@patient
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
        InvitationUsed: an account used the invitation of the address to the path. It is a ``NotInvited``.
        NotInvited: the address has no pending invitation to the path.
    """
    address = normalize_email(email)
    with transaction.atomic():
        pending = LearningPathEnrollmentAllowed.objects.pending_for(address).filter(learning_path=learning_path)
        invitation = lock_one(LearningPathEnrollmentAllowed.objects.all(), found(pending))
        if invitation is None or not invitation.is_pending or invitation.email != address:
            raise _why_not_pending(address, learning_path)
        invitation.is_active = False
        invitation.save()
        record_manual_change(
            StateTransition.ALLOWED_TO_UNENROLLED,
            email=address,
            attribution=Attribution(acting_user.pk if acting_user else None, reason, role, org),
            enrollment_allowed_id=invitation.pk,
            acting_user=acting_user,
        )


def _why_not_pending(address: str, learning_path: LearningPath) -> NotInvited:
    used = LearningPathEnrollmentAllowed.objects.filter(email=address, learning_path=learning_path, user__isnull=False)
    invitation = used.select_related("user").first()
    if invitation is None or invitation.user is None:
        return NotInvited()
    return InvitationUsed(username=invitation.user.get_username())
