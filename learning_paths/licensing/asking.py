"""
How long a question about licenses may take, and how whoever asks shows that they still wait.

Both are up to who asks, and both are needed deep inside a backend. So they are kept beside the call, in a context
variable, and the protocol has no arguments for them: a backend that knows nothing of it is as valid as before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Asking:
    """
    Who asks.

    ``request_since`` is the moment of ``time.monotonic`` at which a request began to ask, and None where nobody waits
    for an answer in a browser. ``show`` is called while the question takes its time.
    """

    request_since: float | None = None
    show: Callable[[], None] | None = None


NOBODY_WAITS = Asking()
_asking: ContextVar[Asking] = ContextVar("asking", default=NOBODY_WAITS)


def current_asking() -> Asking:
    """Return who asks now."""
    return _asking.get()


def still_asking() -> None:
    """
    Show that a question is still being answered. A backend calls it before each request to another service.

    A bulk job renews its lease by it. Without it a question that takes longer than the lease, 60 seconds, costs the
    job its worker.

    Raises:
        Exception: what stops the question, as a job does that was cancelled meanwhile. Let it pass.
    """
    if (show := _asking.get().show) is not None:
        show()


@contextmanager
def shown_by(show: Callable[[], None] | None) -> Iterator[None]:
    """Have ``show`` called by the questions that are asked in the body."""
    token = _asking.set(replace(_asking.get(), show=show))
    try:
        yield
    finally:
        _asking.reset(token)


@contextmanager
def licenses_within_a_request() -> Iterator[None]:
    """
    Bound the time of all the questions about licenses in the body together, since somebody waits for the response.

    For edges that answer requests; around a view, or a part of it. How long it may take is the backend's to say: that
    of license-manager takes 50 seconds and then raises ``LicensesUnavailable``. Inside of another one it does nothing.
    """
    current = _asking.get()
    since = time.monotonic() if current.request_since is None else current.request_since
    token = _asking.set(replace(current, request_since=since))
    try:
        yield
    finally:
        _asking.reset(token)
