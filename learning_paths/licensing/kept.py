"""Answers that a process keeps for some seconds."""

from __future__ import annotations

import time
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """
    Values by text, each for so many seconds after it was put in; none at all for 0 seconds.

    For several threads; None is no value.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: dict[str, tuple[float, Value]] = {}
        self._lock = Lock()

    def get(self, key: str) -> Value | None:
        """Return what was put in and is not too old; None otherwise."""
        with self._lock:
            until, value = self._values.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: str, value: Value, *, at_least: float = 0.0) -> None:
        """
        Keep a value from now on, and drop what is too old.

        Arguments:
            key: what it is asked for by.
            value: the value.
            at_least: seconds that it took to get it. It is kept no shorter than that, or getting it again would take
                most of the time of whoever goes on asking.
        """
        now = time.monotonic()
        with self._lock:
            self._values = {name: kept for name, kept in self._values.items() if now < kept[0]}
            if self._seconds > 0:
                self._values[key] = (now + max(self._seconds, at_least), value)
