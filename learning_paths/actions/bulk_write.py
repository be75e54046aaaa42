"""Writing many rows with their history and audit, in a number of queries that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from django.db import models
from django.utils import timezone

from learning_paths.actions.bulk_plan import PlannedRow
from learning_paths.actions.events import send_after_commit
from learning_paths.actions.waiting_steps import expect_steps
from learning_paths.data import INVITING, Attribution, EnrollmentData, InvitationOutcome, RowCode, StateTransition
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from learning_paths.models.history import copy_to_history
from learning_paths.signals import (
    LEARNING_PATH_ENROLLMENT_ACTIVATED,
    LEARNING_PATH_ENROLLMENT_DEACTIVATED,
    LEARNING_PATH_INVITATION_CREATED,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from openedx_events.tooling import OpenEdxPublicSignal

Row = TypeVar("Row", bound=models.Model)

ENROLLING = frozenset({RowCode.ENROLLED, RowCode.ENROLLED_AGAIN})
SWITCHING = ENROLLING | {RowCode.UNENROLLED}


def write_enrolling(rows: Sequence[PlannedRow], attribution: Attribution, acting_user: User | None) -> None:
    """
    Carry a locked plan of enrolling out, within its transaction: enrollments, invitations, audit, history, events, and
    what is to be done for the courses of the paths.

    Raises:
        IntegrityError: somebody inserted one of the rows since they were planned. A new plan sees that row.
    """
    now = timezone.now()
    new: list[PlannedRow] = []
    again = [row for row in rows if row.code == RowCode.ENROLLED_AGAIN]
    for row in rows:
        if row.code == RowCode.ENROLLED and row.user is not None:
            row.enrollment = LearningPathEnrollment(
                user_id=row.user.pk, learning_path_id=row.path.pk, enrolled_at=now, created=now, modified=now
            )
            new.append(row)
    ids = insert(_enrollments(new), _learner_and_path, _same_learners)
    copy_to_history(LearningPathEnrollment, ids, created=True, acting_user=acting_user, when=now)
    _switch(_enrollments(again), acting_user, now, is_active=True, enrolled_at=now)
    _invite(rows, now)
    _record(rows, _enrolling_transition, attribution, acting_user, now)
    changed = [(row.enrollment.pk, row.path) for row in [*new, *again] if row.enrollment is not None]
    expect_steps(changed, enrolled_by_id=attribution.enrolled_by_id, renewed=bool(again))
    _announce(LEARNING_PATH_ENROLLMENT_ACTIVATED, [*new, *again])
    for row in rows:
        if row.code in INVITING:
            outcome = invitation_outcome(row)
            send_after_commit(LEARNING_PATH_INVITATION_CREATED, invitation=outcome)


def write_unenrolling(rows: Sequence[PlannedRow], attribution: Attribution, acting_user: User | None) -> None:
    """Carry a locked plan of unenrolling out, within its transaction. A pending invitation of the pair goes too."""
    now = timezone.now()
    leaving = [row for row in rows if row.code == RowCode.UNENROLLED]
    _switch(_enrollments(leaving), acting_user, now, is_active=False)
    for row in rows:
        if not row.was_pending:
            row.invitation = None
    _update([row.invitation for row in rows if row.invitation is not None], is_active=False, modified=now)
    _record(rows, _unenrolling_transition, attribution, acting_user, now)
    _announce(LEARNING_PATH_ENROLLMENT_DEACTIVATED, leaving)


def invitation_outcome(row: PlannedRow, enrollment: EnrollmentData | None = None) -> InvitationOutcome:
    """Return what became of one row as ``invite`` tells it, without an enrollment for an address that waits."""
    not_active = row.user is not None and not row.user.is_active
    return InvitationOutcome(row.email, row.path.key, enrollment, row.code.is_change, not_active)


def _enrolling_transition(row: PlannedRow) -> StateTransition:
    if row.code in INVITING:
        return StateTransition.UNENROLLED_TO_ALLOWED
    return StateTransition.ALLOWED_TO_ENROLLED if row.was_pending else StateTransition.UNENROLLED_TO_ENROLLED


def _unenrolling_transition(row: PlannedRow) -> StateTransition:
    if row.code == RowCode.UNENROLLED:
        return StateTransition.ENROLLED_TO_UNENROLLED
    return StateTransition.ALLOWED_TO_UNENROLLED


def _invite(rows: Iterable[PlannedRow], now: datetime) -> None:
    """Leave each changed pair an invitation, bound or pending; bind what a learner who is enrolled has pending."""
    missing, bound, renewed = [], [], []
    for row in rows:
        owner = row.user if row.code in ENROLLING else None
        if row.invitation is None:
            if row.code.is_change:
                row.invitation = LearningPathEnrollmentAllowed(
                    email=row.email,
                    learning_path_id=row.path.pk,
                    user_id=owner.pk if owner else None,
                    created=now,
                    modified=now,
                )
                missing.append(row.invitation)
        elif row.invitation.user_id is None:
            if owner is not None or (row.code == RowCode.ALREADY_ENROLLED and row.was_pending):
                row.invitation.user = row.user
                row.invitation.is_active = True
                row.invitation.modified = now
                bound.append(row.invitation)
            elif row.code in INVITING:
                renewed.append(row.invitation)
        elif row.code == RowCode.NOT_ACTIVE:
            renewed.append(row.invitation)  # used by the account that waits now, as it did before
        elif row.user is None or row.invitation.user_id != row.user.pk:
            row.invitation = None  # another account used it, so it is no part of this story
    insert(missing, _address_and_path, _same_addresses)
    LearningPathEnrollmentAllowed.objects.bulk_update(bound, ["user", "is_active", "modified"])
    _update(renewed, user_id=None, is_active=True, modified=now)


def _record(
    rows: Iterable[PlannedRow],
    transition: Callable[[PlannedRow], StateTransition],
    attribution: Attribution,
    acting_user: User | None,
    now: datetime,
) -> None:
    """Write one audit row for each row that changed something."""
    audits = [
        ManualEnrollmentAudit(
            enrollment_id=row.enrollment.pk if row.enrollment and row.code in SWITCHING else None,
            enrollment_allowed_id=row.invitation.pk if row.invitation else None,
            enrolled_by_id=attribution.enrolled_by_id,
            enrolled_email=row.email,
            state_transition=transition(row),
            reason=attribution.reason,
            role=attribution.role,
            org=attribution.org,
            created=now,
            modified=now,
        )
        for row in rows
        if row.code.is_change
    ]
    ids = insert(audits, _enrollment_and_invitation, _same_moment)
    copy_to_history(ManualEnrollmentAudit, ids, created=True, acting_user=acting_user, when=now)


def _announce(signal: OpenEdxPublicSignal, rows: Iterable[PlannedRow]) -> None:
    """Send the event of each row after the commit, if anybody listens: one query more, for what the events tell."""
    if not signal.has_listeners():
        return
    changed = LearningPathEnrollment.objects.filter(pk__in=[row.pk for row in _enrollments(rows)]).order_by("pk")
    for enrollment in changed.select_related("user", "learning_path"):
        send_after_commit(signal, enrollment=enrollment.as_data())


def _enrollments(rows: Iterable[PlannedRow]) -> list[LearningPathEnrollment]:
    return [row.enrollment for row in rows if row.enrollment is not None]


def insert(
    rows: Sequence[Row], key: Callable[[Row], Hashable], same: Callable[[Sequence[Row]], models.QuerySet[Row]]
) -> list[int]:
    """
    Insert rows so that each has its id, and return the ids.

    MySQL gives none back from a bulk insert; there they are read back in one query, by a key that tells them apart.
    """
    if not rows:
        return []
    type(rows[0])._default_manager.bulk_create(rows)
    if rows[0].pk is None:
        ids = {key(row): row.pk for row in same(rows)}
        for row in rows:
            row.pk = ids[key(row)]
    return [row.pk for row in rows]


def _learner_and_path(row: LearningPathEnrollment) -> Hashable:
    return row.user_id, row.learning_path_id


def _same_learners(rows: Sequence[LearningPathEnrollment]) -> models.QuerySet[LearningPathEnrollment]:
    return LearningPathEnrollment.objects.filter(
        user__in={row.user_id for row in rows}, learning_path__in={row.learning_path_id for row in rows}
    )


def _address_and_path(row: LearningPathEnrollmentAllowed) -> Hashable:
    return row.email, row.learning_path_id


def _same_addresses(
    rows: Sequence[LearningPathEnrollmentAllowed],
) -> models.QuerySet[LearningPathEnrollmentAllowed]:
    return LearningPathEnrollmentAllowed.objects.filter(
        email__in={row.email for row in rows}, learning_path__in={row.learning_path_id for row in rows}
    )


def _enrollment_and_invitation(row: ManualEnrollmentAudit) -> Hashable:
    return row.enrollment_id, row.enrollment_allowed_id


def _same_moment(rows: Sequence[ManualEnrollmentAudit]) -> models.QuerySet[ManualEnrollmentAudit]:
    """The audit has no key of its own. Of one enrollment or invitation, which is locked, one moment has one row."""
    return ManualEnrollmentAudit.objects.filter(
        models.Q(enrollment__in={row.enrollment_id for row in rows if row.enrollment_id})
        | models.Q(enrollment_allowed__in={row.enrollment_allowed_id for row in rows if row.enrollment_allowed_id}),
        created=rows[0].created,
    )


def _switch(
    enrollments: Sequence[LearningPathEnrollment], acting_user: User | None, now: datetime, **values: object
) -> None:
    """Give the enrollments the same new values, and keep history."""
    _update(enrollments, modified=now, **values)
    ids = [enrollment.pk for enrollment in enrollments]
    copy_to_history(LearningPathEnrollment, ids, created=False, acting_user=acting_user, when=now)


def _update(rows: Sequence[Row], **values: object) -> None:
    if not rows:
        return
    type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows]).update(**values)
    for row in rows:
        for name, value in values.items():
            setattr(row, name, value)
