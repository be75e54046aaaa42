"""Claiming what an account was invited to."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import prefetch_related_objects

from learning_paths.actions.accounts import attempt, owners_of
from learning_paths.actions.audit import record_manual_change
from learning_paths.actions.enrollment import activate, bind
from learning_paths.actions.locks import lock_one
from learning_paths.data import Attribution, EnrollmentOutcome, StateTransition
from learning_paths.exceptions import AlreadyEnrolled
from learning_paths.models import LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from learning_paths.queries.users import confirmed_address, users_by_email
from learning_paths.retrying import PATIENCE, retried

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)


def claim_invitations(user: User) -> list[EnrollmentOutcome]:
    """
    Enroll the user in every path to which their confirmed address has a pending invitation.

    Each invitation is bound to the user for good and each enrollment leaves an audit row with the inviter, reason,
    role and org of that invitation. Where the user is enrolled already the invitation is only bound. Nothing is
    claimed while several accounts have the address.

    One query when nothing is pending, none when the account is not active. A deadlock, or a lock that takes too long,
    is tried again.

    Returns:
        What changed, one outcome for each path in which the user is newly enrolled.
    """
    address = confirmed_address(user)
    if address is None:
        return []
    pending = LearningPathEnrollmentAllowed.objects.pending_for(address)
    ids = list(pending.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return []
    owners = users_by_email([address]).get(address, [])
    if [(owner.pk, owner.is_active) for owner in owners] != [(user.pk, True)]:
        log.warning("Learning paths: %d accounts have the address of user %s; nothing is claimed", len(owners), user.pk)
        return []
    return retried(lambda: _claim_all(ids, user, address), patience=PATIENCE)


def claim_for_addresses(addresses: Collection[str]) -> None:
    """
    Let the active accounts that have these normalized addresses claim what is pending for them.

    The inviting side's second look, after its commit: whoever commits last, the inviter or the registering user, sees
    the other. One query when none of the addresses has an account. What fails for one account is logged, fails no
    other, and is left to ``claim_waiting``.
    """
    for user in owners_of(addresses):
        attempt(partial(claim_invitations, user), user)


def _claim_all(ids: Iterable[int], user: User, address: str) -> list[EnrollmentOutcome]:
    """Claim those of these invitations that are still pending for the address once they are locked."""
    with transaction.atomic():
        locked = [lock_one(LearningPathEnrollmentAllowed.objects.all(), pk) for pk in ids]
        invitations = [row for row in locked if row is not None and row.is_pending and row.email == address]
        prefetch_related_objects(invitations, "learning_path")
        attributions = _attributions(invitations)
        outcomes = [_claim(invitation, user, address, attributions) for invitation in invitations]
        return [outcome for outcome in outcomes if outcome is not None]


def _claim(
    invitation: LearningPathEnrollmentAllowed, user: User, address: str, attributions: dict[int, Attribution]
) -> EnrollmentOutcome | None:
    bind(invitation, user)
    attribution = attributions.get(invitation.pk, Attribution(enrolled_by_id=None))
    try:
        outcome = activate(
            user,
            invitation.learning_path,
            invited=True,
            enrolled_by_id=attribution.enrolled_by_id,
            acting_user=None,
        )
    except AlreadyEnrolled:
        return None
    record_manual_change(
        outcome.transition,
        email=address,
        attribution=attribution,
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
