"""
Course runs in a bulk run: planned in a constant number of queries, enrolled one by one.

The enrollment in a course run is the platform's, whose signals have to fire for each. So a savepoint holds each of
them, and a transaction some of them: one that is refused costs the others nothing, and no lock is held for long. See
ADR 0004 and ADR 0007.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from django.db import OperationalError, connection, transaction
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.accounts import attempt, owners_of
from learning_paths.actions.after_commit import after_commit
from learning_paths.actions.bulk_apply import NO_LEDGER, Ledger, RunStopped, record_failure
from learning_paths.actions.bulk_plan import Chunk, Pair, PlannedRow, retired_among
from learning_paths.data import Attribution, RowCode
from learning_paths.emails import comparable
from learning_paths.exceptions import LearningPathsError
from learning_paths.lms import get_lms, is_better_mode
from learning_paths.queries.users import users_by_email
from learning_paths.retrying import PATIENCE, retried
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

ROWS_PER_TRANSACTION = 100


def plan_courses(chunk: Chunk) -> list[PlannedRow]:
    """
    Return what is to become of each pair of address and course run, in at most six queries.

    A course run that is closed or full shows when the platform is asked to enroll, not before.
    """
    lms = get_lms()
    users = users_by_email(chunk.emails)
    retired = retired_among(chunk.emails, users)
    runs = lms.course_runs(chunk.course_keys)
    owners = [_owner(pair, users) for pair in chunk.pairs]
    learners = {user.pk for user in owners if user is not None}
    waiting = {pair.email for pair, user in zip(chunk.pairs, owners, strict=True) if user is None or not user.is_active}
    enrolled = lms.course_enrollments(learners, runs) if learners else {}
    invited = lms.course_invitations(waiting, runs) if waiting else set()
    best = lms.best_modes(runs) if any(pair.best_mode for pair in chunk.pairs) else {}
    rows = []
    for pair, user in zip(chunk.pairs, owners, strict=True):
        key = cast(CourseKey, pair.target)
        mode = best.get(key) if pair.best_mode else None
        former = None if user is None else enrolled.get((user.pk, key))
        if pair.refusal is not None:
            code = pair.refusal
        elif user is None and pair.email in users:
            code = RowCode.AMBIGUOUS
        elif pair.email in retired:
            code = RowCode.RETIRED
        elif pair.target not in runs:
            code = RowCode.COURSE_NOT_FOUND
        elif former is not None and user is not None and not user.is_active:
            code = RowCode.ENROLLED_NOT_ACTIVE
        elif user is not None and user.is_active:
            is_change = former is None or (mode is not None and is_better_mode(mode, former))
            code = RowCode.ENROLLED if is_change else RowCode.ALREADY_ENROLLED
        else:
            code = RowCode.ALREADY_INVITED if (pair.email, pair.target) in invited else RowCode.INVITED
        rows.append(PlannedRow(pair.email, pair.target, code, user, force=pair.force, mode=mode))
    return rows


def _owner(pair: Pair, users: dict[str, list[User]]) -> User | None:
    """Return the account that is meant: the one that was named, or the only one with the address."""
    found = users.get(pair.email, [])
    if pair.user_id is not None:
        found = [user for user in found if user.pk == pair.user_id]
    return found[0] if len(found) == 1 else None


def apply_courses(
    chunk: Chunk, attribution: Attribution, acting_user: User | None, ledger: Ledger = NO_LEDGER
) -> list[PlannedRow]:
    """
    Enroll the owner of each address in each course run, or leave the platform's pending enrollment for the address.

    Returns:
        All pairs with what became of each; the platform's refusals are codes of their rows.

    Raises:
        DatabaseError: the caller's own transaction was undone by the database.
        RunStopped: the ledger said so. What was done before stays done.
    """
    rows = plan_courses(chunk)
    for begin in range(0, len(rows), ROWS_PER_TRANSACTION):
        _apply(rows[begin : begin + ROWS_PER_TRANSACTION], attribution, acting_user, ledger)
    return rows


def _apply(rows: Sequence[PlannedRow], attribution: Attribution, acting_user: User | None, ledger: Ledger) -> None:
    """Apply some rows in one transaction; when that can't be saved, divide them until the row at fault stands alone."""
    planned = [row.code for row in rows]
    try:
        with transaction.atomic():
            ledger.open()
            for row in rows:
                row.code = _enroll(row, attribution, acting_user)
            ledger.record(rows)
            if invited := [row for row in rows if row.code == RowCode.INVITED]:
                after_commit(
                    "look for accounts of those who were invited",
                    lambda: _look_again(invited, attribution, acting_user),
                )
    except RunStopped:
        raise
    except Exception as error:
        if connection.needs_rollback:
            raise
        for row, code in zip(rows, planned, strict=True):
            row.code = code
        if len(rows) > 1:
            middle = len(rows) // 2
            _apply(rows[:middle], attribution, acting_user, ledger)
            _apply(rows[middle:], attribution, acting_user, ledger)
            return
        pair = Pair(rows[0].email, rows[0].target)
        log.error("Learning paths: enrolling of %s failed\n%s", ledger.name_of(pair), trace(error))
        rows[0].code = RowCode.NOT_SAVED
        record_failure(rows[0], ledger)


def _enroll(row: PlannedRow, attribution: Attribution, acting_user: User | None) -> RowCode:
    """Do what is planned for one row, and return what became of it."""
    lms = get_lms()
    try:
        if row.code == RowCode.INVITED:
            is_new = lms.invite_to_course(row.email, row.course_key, acting_user=acting_user, reason=attribution.reason)
            return RowCode.INVITED if is_new else RowCode.ALREADY_INVITED
        if row.code == RowCode.ENROLLED and row.user is not None:
            state = lms.enroll_in_course(
                row.user,
                row.course_key,
                mode=row.mode,
                force=row.force,
                acting_user=acting_user,
                reason=attribution.reason,
            )
            return RowCode.ENROLLED if state.created or state.mode_changed else RowCode.ALREADY_ENROLLED
    except LearningPathsError as refusal:
        if isinstance(refusal.__cause__, OperationalError):  # a lock that took too long: it may pass
            raise refusal.__cause__ from None
        return RowCode(refusal.code)
    return row.code


def _look_again(rows: Sequence[PlannedRow], attribution: Attribution, acting_user: User | None) -> None:
    """
    Enroll those whose accounts became active between the plan and the commit, whom the platform did not see invited.

    The second look of ADR 0003, "The registration race", which the platform does not take. One query when nobody came.
    What fails for one of them fails no other.
    """
    owners = {comparable(user.email): user for user in owners_of({row.email for row in rows})}
    for row in rows:
        if row.email in owners:
            owner = owners[row.email]
            planned = PlannedRow(row.email, row.target, RowCode.ENROLLED, owner, force=row.force, mode=row.mode)
            attempt(partial(_enroll_late, planned, attribution, acting_user), owner)


def _enroll_late(planned: PlannedRow, attribution: Attribution, acting_user: User | None) -> None:
    code = retried(lambda: _enroll(planned, attribution, acting_user), patience=PATIENCE)
    user_id = None if planned.user is None else planned.user.pk
    log.info("Learning paths: %s came while being invited to %s: %s", user_id, planned.target, code)
