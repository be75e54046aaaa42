"""
Django's backend, in a way in which those who come at the same moment wait for one another.

Since Django 5.1 options can say the same; Django 4.2 has none of them.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections to the database of the sandbox."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """
        Return a connection that keeps a write-ahead log, in which readers and the one writer do not wait.

        The file remembers it, so that only the first connection changes anything. While another one is in the middle
        of something it can't be changed; then a later connection does it.
        """
        connection = super().get_new_connection(conn_params)
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        """
        Take the lock of the writer where a transaction begins, which waits for it.

        Of two transactions that read first and write then, neither can wait for the other: SQLite refuses one at once.
        """
        self.cursor().execute("BEGIN IMMEDIATE")
