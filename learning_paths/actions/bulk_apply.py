"""Carrying a bulk run out, chunk by chunk, so that no row's fault is another's. See ADR 0004."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from django.db import connection, transaction

from learning_paths.actions.after_commit import after_commit
from learning_paths.actions.bulk_plan import Chunk, Pair, PlannedRow, plan, target_id, target_key
from learning_paths.actions.bulk_write import write_enrolling, write_unenrolling
from learning_paths.actions.invitations import claim_for_addresses
from learning_paths.data import INVITING, Attribution, BulkOperation, RowCode
from learning_paths.models import LearningPath
from learning_paths.retrying import retried
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)


class RunStopped(Exception):
    """A ledger's word that this run is not to go on: the job was cancelled, or another worker has it."""


class Ledger(Protocol):
    """Where the outcomes of a run are written down, in the transactions in which they come about."""

    def open(self) -> None:
        """Begin a transaction; raise ``RunStopped`` when the run is not to go on."""

    def record(self, rows: Sequence[PlannedRow]) -> None:
        """Write the outcomes of this transaction down."""

    def name_of(self, pair: Pair) -> str:
        """Return what the log calls a pair. It names nobody: the outcome of the row does."""


class NoLedger:
    """For a run whose outcomes are only returned."""

    def open(self) -> None:
        """Do nothing."""

    def record(self, rows: Sequence[PlannedRow]) -> None:
        """Do nothing."""

    def name_of(self, pair: Pair) -> str:
        """Return what it is about; no row is written that could be looked up."""
        return f"a row in {target_key(pair.target)}"


NO_LEDGER = NoLedger()


def apply_isolated(
    operation: BulkOperation,
    chunk: Chunk,
    attribution: Attribution,
    acting_user: User | None,
    ledger: Ledger = NO_LEDGER,
) -> list[PlannedRow]:
    """
    Do the operation to each pair of the chunk, and return all of them with what became of each.

    A chunk that can't be saved is divided, until the row that is at fault stands alone; it is logged and gets the code
    ``not_saved``. Pairs of a path that was deleted meanwhile get ``path_deleted``, all at once.

    Raises:
        DatabaseError: the caller's own transaction was undone by the database, so that nothing can be saved any more.
        RunStopped: the ledger said so. What was done before stays done.
    """
    try:
        return apply(operation, chunk, attribution, acting_user, ledger)
    except RunStopped:
        raise
    except Exception as error:
        if connection.needs_rollback:
            raise
        if gone := _deleted_among(chunk.path_ids):
            return _apply_to_the_rest(operation, chunk, gone, attribution, acting_user, ledger)
        if len(chunk) > 1:
            return [
                row
                for half in chunk.halves()
                for row in apply_isolated(operation, half, attribution, acting_user, ledger)
            ]
        [pair] = chunk.pairs
        log.error("Learning paths: %s of %s failed\n%s", operation, ledger.name_of(pair), trace(error))
        return record_failure(PlannedRow(pair.email, pair.target, RowCode.NOT_SAVED), ledger)


def _apply_to_the_rest(
    operation: BulkOperation,
    chunk: Chunk,
    gone: Collection[int],
    attribution: Attribution,
    acting_user: User | None,
    ledger: Ledger,
) -> list[PlannedRow]:
    """Do the operation to the pairs whose path is still there, and return all of them in their order."""
    rest = Chunk([pair for pair in chunk.pairs if target_id(pair.target) not in gone])
    lost = [pair for pair in chunk.pairs if target_id(pair.target) in gone]
    deleted = [PlannedRow(pair.email, pair.target, RowCode.PATH_DELETED) for pair in lost]
    with transaction.atomic():
        ledger.open()
        ledger.record(deleted)
    done = apply_isolated(operation, rest, attribution, acting_user, ledger) if rest.pairs else []
    rows = {row.id: row for row in (*deleted, *done)}
    return [rows[pair.id] for pair in chunk.pairs]


def _deleted_among(path_ids: Collection[int]) -> set[int]:
    return set(path_ids) - set(LearningPath.objects.filter(pk__in=path_ids).values_list("pk", flat=True))


def record_failure(row: PlannedRow, ledger: Ledger) -> list[PlannedRow]:
    """Write down that a row could not be saved, in a transaction of its own, and return it alone."""
    with transaction.atomic():
        ledger.open()
        ledger.record([row])
    return [row]


def apply(
    operation: BulkOperation,
    chunk: Chunk,
    attribution: Attribution,
    acting_user: User | None,
    ledger: Ledger = NO_LEDGER,
    *,
    patience: float = math.inf,
) -> list[PlannedRow]:
    """
    Do the operation to all pairs of the chunk in one transaction, or to none, and try again as ``retried`` does.

    ``patience`` is that of ``retried``: a bulk run has all the time that it takes.

    Raises:
        DatabaseError: it did not pass, or is of another kind.
        RunStopped: the ledger said so.
    """
    return retried(lambda: _apply_once(operation, chunk, attribution, acting_user, ledger), patience=patience)


def _apply_once(
    operation: BulkOperation, chunk: Chunk, attribution: Attribution, acting_user: User | None, ledger: Ledger
) -> list[PlannedRow]:
    with transaction.atomic():
        ledger.open()
        rows = plan(operation, chunk, lock=True)
        write = write_enrolling if operation == BulkOperation.ENROLL else write_unenrolling
        write(rows, attribution, acting_user)
        ledger.record(rows)
        waiting = {row.email for row in rows if row.code in INVITING}
        if waiting:
            after_commit("look for accounts of those who were invited", lambda: claim_for_addresses(waiting))
    return rows
