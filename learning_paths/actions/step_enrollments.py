"""Enrolling in the course runs of a path those who enrolled in the path. See ADR 0007, "Paths and their courses"."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from learning_paths.actions.waiting_steps import tell_after_commit
from learning_paths.data import StepState
from learning_paths.exceptions import CourseEnrollmentFailed, LearningPathsError
from learning_paths.lms import get_lms
from learning_paths.models import LearningPathEnrollment, StepEnrollment
from learning_paths.retrying import patient, retried
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

IDS_PER_STATEMENT = 500

RETRIED = (StepState.WAITING, StepState.FAILED, StepState.SKIPPED)


def enroll_in_steps(ids: Iterable[int]) -> dict[int, StepState]:
    """
    Enroll in the course runs that wait under these ids, each in a transaction of its own, so that none fails another.

    Safe to call twice, also at the same time: what is done, or is gone, is left alone. The platform decides who gets
    in; nobody is enrolled past closed enrollment or a full course, and nobody who has left the path meanwhile.

    Returns:
        What became of those that were tried, by id.

    Raises:
        DatabaseError: the database is away, or undid the caller's own transaction. What is left waits.
    """
    outcomes = {}
    for pk in ids:
        outcome = _attempt(pk)
        if outcome is not None:
            outcomes[pk] = outcome
    return outcomes


@patient
def retry_step_enrollments(ids: Collection[int], *, acting_user: User | None) -> int:
    """
    Have those of these course enrollments tried again that are not done, and return how many they are.

    They wait until somebody does it, after the commit. Whether ``acting_user`` may do this is for the caller to check.

    Arguments:
        ids: those of ``StepEnrollment`` rows; what is gone is passed over.
        acting_user: whom the platform's audit is to name; None for whom it would have named before.
    """
    found = sorted(set(ids))
    by: dict[str, Any] = {} if acting_user is None else {"acting_user": acting_user}
    count = 0
    with transaction.atomic():
        for begin in range(0, len(found), IDS_PER_STATEMENT):
            some = StepEnrollment.objects.filter(pk__in=found[begin : begin + IDS_PER_STATEMENT])
            count += some.filter(state__in=RETRIED).update(
                state=StepState.WAITING, code="", modified=timezone.now(), **by
            )
            tell_after_commit(some)
    return count


def _attempt(pk: int) -> StepState | None:
    """Do what waits under an id, again where it may pass, and write down when it can't be done."""
    try:
        return retried(lambda: _enroll(pk))
    except Exception as error:
        if transaction.get_connection().needs_rollback:
            raise
        log.error("Learning paths: enrolling in a course failed, see course enrollment %s\n%s", pk, trace(error))
        with transaction.atomic():
            row = _waiting(pk)
            return None if row is None else _record(row, StepState.FAILED, CourseEnrollmentFailed.code)


def _enroll(pk: int) -> StepState | None:
    with transaction.atomic():
        row = _waiting(pk)
        if row is None:
            return None
        enrollment = LearningPathEnrollment.objects.select_related("user", "learning_path").get(pk=row.enrollment_id)
        if not enrollment.is_active:
            return _record(row, StepState.SKIPPED)
        try:
            get_lms().enroll_in_course(
                enrollment.user,
                row.course_key,
                mode=None,
                force=False,
                acting_user=row.acting_user,
                reason=f"Learning path {enrollment.learning_path_key}",
            )
        except LearningPathsError as refusal:
            if isinstance(refusal.__cause__, OperationalError):  # a lock that took too long: it may pass
                raise refusal.__cause__ from None
            return _record(row, StepState.FAILED, refusal.code)
        return _record(row, StepState.DONE)


def _waiting(pk: int) -> StepEnrollment | None:
    """Lock the row, so that a second delivery waits for the first one and then finds nothing to do."""
    return StepEnrollment.objects.select_for_update().filter(pk=pk, state=StepState.WAITING).first()


def _record(row: StepEnrollment, state: StepState, code: str = "") -> StepState:
    now = timezone.now()
    StepEnrollment.objects.filter(pk=row.pk).update(
        state=state, code=code, attempts=F("attempts") + 1, tried_at=now, modified=now
    )
    return state
