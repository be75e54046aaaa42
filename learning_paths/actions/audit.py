"""Writing the audit row of a manual change, in the transaction of that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learning_paths.data import Attribution, StateTransition
from learning_paths.emails import comparable
from learning_paths.models import ManualEnrollmentAudit
from learning_paths.models.history import save_with_history

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def record_manual_change(
    transition: StateTransition,
    *,
    email: str,
    attribution: Attribution,
    enrollment_id: int | None = None,
    enrollment_allowed_id: int | None = None,
    acting_user: User | None,
) -> None:
    """
    Add the audit row of one manual change of one learner in one path.

    ``attribution`` says who is answerable for the change, which is the inviter where an invitation is claimed;
    ``acting_user``, who did it just now, goes into the history.
    """
    save_with_history(
        ManualEnrollmentAudit(
            enrollment_id=enrollment_id,
            enrollment_allowed_id=enrollment_allowed_id,
            enrolled_by_id=attribution.enrolled_by_id,
            enrolled_email=comparable(email) or email.strip().lower(),
            state_transition=transition,
            reason=attribution.reason,
            role=attribution.role,
            org=attribution.org,
        ),
        acting_user=acting_user,
    )
