"""Faults of the database: which of them pass by themselves, and what people are told of them."""

from __future__ import annotations

from django.db import DatabaseError, IntegrityError, OperationalError
from django.utils.translation import gettext_lazy as _

TRANSIENT_ERRORS = frozenset({1020, 1205, 1213, 2006, 2013})
"""MySQL's: record changed, lock wait timeout, deadlock, server gone, connection lost."""

ERRORS_OF_THE_CONNECTION = range(2000, 3000)
"""MySQL's: the server is down, or can't be reached."""

ERRORS_OF_THE_SERVER = frozenset({1040, 1053, 1927, 4031})
"""MySQL's and MariaDB's: too many connections, shutting down, connection killed, connection idle for too long."""

RETRY_AFTER = 5
"""Seconds after which a client should try again what the database was too busy for."""

BUSY = _("The site is busy at the moment, and this could not be done. Try it again in a moment.")


def may_pass(error: Exception) -> bool:
    """
    Return whether the same transaction may succeed when it is tried again at once.

    So it is with a deadlock, a lock that took too long ("locked", as SQLite says), and a row that somebody else
    inserted between a look and an insert.
    """
    if isinstance(error, IntegrityError):
        return True
    return isinstance(error, OperationalError) and (_number(error) in TRANSIENT_ERRORS or _says_locked(error))


def is_busy(error: Exception) -> bool:
    """Return whether the database was busy or away, so that the person or program who asked should try again later."""
    if not isinstance(error, OperationalError):
        return False
    number = _number(error)
    known = number in TRANSIENT_ERRORS or number in ERRORS_OF_THE_CONNECTION or number in ERRORS_OF_THE_SERVER
    return known or _says_locked(error)


def _number(error: DatabaseError) -> int | None:
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def _says_locked(error: OperationalError) -> bool:
    return error.args[:1] != () and "locked" in str(error.args[0])
