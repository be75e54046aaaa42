"""Trying a transaction again that failed for a reason that passes. See ADR 0003, "Locks"."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection

from learning_paths.faults import may_pass

Params = ParamSpec("Params")
Result = TypeVar("Result")

ATTEMPTS = 6
LONGEST_FIRST_PAUSE = 0.02
"""Seconds; it doubles with each attempt, and each pause is a random part of it."""

PATIENCE = 15.0
"""Seconds after which nothing is tried again for a person who waits for the answer."""


def retried(work: Callable[[], Result], *, patience: float = math.inf) -> Result:
    """
    Return what ``work`` returns, which is a transaction that reads anew each time.

    What passes by itself is tried again, a few times: a deadlock, a lock that took too long, a row that somebody else
    inserted between a look and an insert. Inside a transaction of the caller's ``work`` is a savepoint, and is not
    tried again once the database has undone that transaction.

    Arguments:
        work: the transaction.
        patience: for how many seconds a new attempt may begin. A lock that takes too long takes 50 s on MySQL.

    Raises:
        DatabaseError: it did not pass, or is of another kind.
    """
    begun = time.monotonic()
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except (IntegrityError, OperationalError) as error:
            is_last = attempt == ATTEMPTS - 1 or time.monotonic() - begun > patience
            if is_last or connection.needs_rollback or not may_pass(error):
                raise
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        time.sleep(random.uniform(0, LONGEST_FIRST_PAUSE * 2**attempt))  # noqa: S311 - no secret
    raise AssertionError("unreachable")


def patient(action: Callable[Params, Result]) -> Callable[Params, Result]:
    """Let an action, which is one transaction, be tried again as ``retried`` does, while somebody waits for it."""

    @wraps(action)
    def repeated(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        return retried(lambda: action(*args, **kwargs), patience=PATIENCE)

    return repeated
