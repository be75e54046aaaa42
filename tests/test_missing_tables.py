"""Users are saved before the plugin has its tables, and nothing else is taken for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test import TransactionTestCase

from learning_paths import receivers
from learning_paths.models import License
from tests.factories import make_user

LOGGER = "learning_paths.receivers"


@contextmanager
def missing(table: str) -> Iterator[None]:
    """Take a table away."""
    rename = "ALTER TABLE {} RENAME TO {}"
    table, elsewhere = map(connection.ops.quote_name, (table, f"{table}_away"))
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, elsewhere))
        try:
            yield
        finally:
            cursor.execute(rename.format(elsewhere, table))


@ddt.ddt
class MissingTablesTests(TransactionTestCase):
    """A real table is not there."""

    def setUp(self) -> None:
        receivers._tell_of_missing_tables.cache_clear()
        self.addCleanup(receivers._tell_of_missing_tables.cache_clear)

    def test_one_line_for_all_users_and_each_is_saved(self) -> None:
        with missing(License._meta.db_table), self.assertLogs(LOGGER) as logs:
            make_user("ana")
            with transaction.atomic():
                make_user("ben")
                make_user("chloe")
        assert [(record.levelname, "no tables yet" in record.getMessage()) for record in logs.records] == [
            ("WARNING", True)
        ]
        assert logs.records[0].exc_info is None
        assert User.objects.count() == 3

    def test_once_the_table_is_there_errors_are_told_again(self) -> None:
        with missing(License._meta.db_table), self.assertLogs(LOGGER, "WARNING"):
            make_user("ana")
        fault = mock.patch("learning_paths.api.what_waits_for", side_effect=RuntimeError("a bug"))
        with fault, self.assertLogs(LOGGER, "ERROR") as logs:
            make_user("ben")
        assert "RuntimeError: a bug" in logs.output[0]

    @ddt.data(
        ProgrammingError(1146, "Table 'lms.others' doesn't exist"),
        OperationalError("no such table: others"),
        ProgrammingError(1054, "Unknown column"),
        OperationalError("no such column: x"),
        ProgrammingError(),
        OperationalError(2006, "Server has gone away"),
    )
    def test_with_all_tables_in_place_nothing_is_hidden(self, error: Exception) -> None:
        with (
            mock.patch("learning_paths.api.what_waits_for", side_effect=error),
            self.assertLogs(LOGGER, "ERROR") as logs,
        ):
            make_user("ana")
        assert type(error).__name__ in logs.output[0]

    def test_another_error_is_told_although_a_table_is_missing(self) -> None:
        faults = {"what_waits_for", "claim_invitations", "activate_licenses"}
        with missing(License._meta.db_table), self.assertLogs(LOGGER, "ERROR"):
            for name in faults:
                fault = mock.patch(f"learning_paths.api.{name}", side_effect=ProgrammingError(1064, "syntax"))
                fault.start()
                self.addCleanup(fault.stop)
            make_user("ana")
