"""Sending events once the change they tell of is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

if TYPE_CHECKING:
    from openedx_events.tooling import OpenEdxPublicSignal


def send_after_commit(signal: OpenEdxPublicSignal, **payload: Any) -> None:
    """
    Send the event after the commit, at once where there is no transaction. What fails then is logged, no more.

    The callback is a lambda and no ``functools.partial``: Django logs the fault of a robust callback by its
    ``__qualname__``, which a partial has not, and would raise after all.
    """
    if signal.has_listeners():
        transaction.on_commit(lambda: signal.send_event(**payload), robust=True)
