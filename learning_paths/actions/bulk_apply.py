"""Carrying a bulk run out, chunk by chunk, so that no row's fault is another's. See ADR 0004."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING

from django.db import IntegrityError, OperationalError, connection, transaction

from learning_paths.actions.bulk_plan import Chunk, PlannedRow, plan
from learning_paths.actions.bulk_write import write_enrolling, write_unenrolling
from learning_paths.actions.invitations import claim_for_addresses
from learning_paths.data import Attribution, BulkOperation, RowCode

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

ATTEMPTS = 6
LONGEST_FIRST_PAUSE = 0.02
"""Seconds; it doubles with each attempt, and each pause is a random part of it."""

TRANSIENT_ERRORS = frozenset({1020, 1205, 1213, 2006, 2013})
"""MySQL's: record changed, lock wait timeout, deadlock, server gone, connection lost."""


def apply_isolated(
    operation: BulkOperation, chunk: Chunk, attribution: Attribution, acting_user: User | None
) -> list[PlannedRow]:
    """
    Do the operation to each pair of the chunk, and return all of them with what became of each.

    A chunk that can't be saved is divided, until the row that is at fault stands alone; it is logged and gets the code
    ``not_saved``.

    Raises:
        DatabaseError: the caller's own transaction was undone by the database, so that nothing can be saved any more.
    """
    try:
        return apply(operation, chunk, attribution, acting_user)
    except Exception:
        if connection.needs_rollback:
            raise
        if len(chunk) > 1:
            return [row for half in chunk.halves() for row in apply_isolated(operation, half, attribution, acting_user)]
        log.exception("Learning paths: %s of %s in %s failed", operation, *chunk.emails, chunk.paths[0].key)
        [email], [path] = chunk.emails, chunk.paths
        return [PlannedRow(email, path, RowCode.NOT_SAVED, None, None, None, was_pending=False)]


def apply(
    operation: BulkOperation, chunk: Chunk, attribution: Attribution, acting_user: User | None
) -> list[PlannedRow]:
    """
    Do the operation to all pairs of the chunk in one transaction, or to none.

    What passes by itself is tried again, a few times, with a new plan: a deadlock, a lock that took too long, a row
    that somebody else inserted between plan and insert.

    Raises:
        DatabaseError: it did not pass, or is of another kind.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _apply_once(operation, chunk, attribution, acting_user)
        except (IntegrityError, OperationalError) as error:
            if attempt == ATTEMPTS - 1 or connection.needs_rollback or not _may_pass(error):
                raise
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        time.sleep(random.uniform(0, LONGEST_FIRST_PAUSE * 2**attempt))  # noqa: S311 - no secret
    raise AssertionError("unreachable")


def _apply_once(
    operation: BulkOperation, chunk: Chunk, attribution: Attribution, acting_user: User | None
) -> list[PlannedRow]:
    with transaction.atomic():
        rows = plan(operation, chunk, lock=True)
        write = write_enrolling if operation == BulkOperation.ENROLL else write_unenrolling
        write(rows, attribution, acting_user)
        waiting = {row.email for row in rows if row.code == RowCode.INVITED}
        if waiting:
            transaction.on_commit(lambda: claim_for_addresses(waiting), robust=True)
    return rows


def _may_pass(error: IntegrityError | OperationalError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    return error.args[:1] != () and (error.args[0] in TRANSIENT_ERRORS or "locked" in str(error.args[0]))
