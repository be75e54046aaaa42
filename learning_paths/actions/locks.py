"""
Locking rows and none of anybody else's. See ADR 0003, "Locks".

InnoDB locks what an index *reads*, not what a WHERE *means*. A row that is looked for by its columns may be found by an
intersection of indexes, which locks every row that one of them knows, and rows that are not there leave locks on gaps.
So rows are looked for without a lock, locked by their ids, in the order of the ids, and looked at once more: what was
read before the lock may have changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def lock(rows: QuerySet[Row], ids: Iterable[int]) -> list[Row]:
    """
    Lock the rows with these ids, within a transaction, in one query, and return them as they are now.

    Rows that are gone are left out. Pass a queryset without conditions, which would bring other indexes back.
    """
    wanted = sorted(ids)
    return list(rows.select_for_update().filter(pk__in=wanted).order_by("pk")) if wanted else []


def lock_one(rows: QuerySet[Row], pk: int | None) -> Row | None:
    """
    Lock the row with this id, within a transaction, and return it as it is now. None when there is none.

    A list of one or more ids may be answered by reading a small table as a whole; a single id never is.
    """
    return None if pk is None else rows.select_for_update().filter(pk=pk).first()


def found(rows: QuerySet[Row]) -> int | None:
    """Return the id of the first of these rows, without a lock."""
    return rows.order_by("pk").values_list("pk", flat=True).first()
