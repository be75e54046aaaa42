"""Looking up many values at once: lists that are too long for one query, and keys that need no parsing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db import connections
from django.db.models import CharField, ExpressionWrapper, F

T = TypeVar("T")

# So many values MySQL still looks up through the index. By its manual a value takes some 230 bytes, and a list that
# takes more than `range_optimizer_max_mem_size` (8 MiB) makes it read the whole table.
MAX_IN_LIST = 10_000


def chunks(values: Iterable[T], using: str, *, lists: int = 1) -> Iterator[list[T]]:
    """
    Divide the values for an IN list into as few lists as the database takes.

    Arguments:
        values: what to look up.
        using: the alias of the database that is asked.
        lists: how many such lists stand in the query.
    """
    size = min(connections[using].features.max_query_params or MAX_IN_LIST, MAX_IN_LIST) // lists
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def as_text(column: str) -> ExpressionWrapper[F]:
    """
    Return a column of keys as the text that it holds, so that a key is neither parsed when it comes nor when it goes.

    Both take longer than the query. The column's index serves it as before.
    """
    return ExpressionWrapper(F(column), output_field=CharField())
