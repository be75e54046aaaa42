"""What is done once a change is committed, and can undo nothing of it any more."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

from learning_paths.traces import trace

log = logging.getLogger(__name__)


def after_commit(what: str, work: Callable[[], object]) -> None:
    """
    Call a function after the commit, at once where there is no transaction. What it raises is logged, no more.

    Django would log it with its text, which can name people. See ADR 0002, "Logs name nobody".

    Arguments:
        what: what the function does, for the log: "look for accounts of those who were invited".
        work: the function.
    """

    def work_safely() -> None:
        try:
            work()
        except Exception as error:
            log.error("Learning paths: could not %s after the commit\n%s", what, trace(error))

    transaction.on_commit(work_safely, robust=True)
