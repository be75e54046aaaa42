"""Going back to learning-paths-plugin 0.5.0: what means something else there is as it is there (ADR 0009)."""

from __future__ import annotations

from importlib import import_module
from unittest.mock import patch

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollmentAllowed, LearningPathGradingCriteria
from tests.factories import make_path, make_user

BEFORE = ("learning_paths", "0011_rows_of_moved_sites")
MIGRATION = import_module("learning_paths.migrations.0014_the_way_back")


def migrate(target: tuple[str, str]) -> None:
    """Migrate this app to one of its migrations."""
    MigrationExecutor(connection).migrate([target])


def migrate_to_the_end() -> None:
    """Apply all migrations of this app."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("learning_paths"))


class WayBackTests(TransactionTestCase):
    """Ana used her invitation, Ben's waits, and Chloe's was withdrawn."""

    def setUp(self) -> None:
        self.addCleanup(migrate_to_the_end)
        self.path = make_path("path-v1:DemoX+DS101+2026+A")
        for name in ("ana", "ben", "chloe"):
            api.invite(f"{name}@example.com", self.path, acting_user=None)
        api.withdraw_invitation("chloe@example.com", self.path, acting_user=None)
        self.ana = make_user("ana")

    def states(self) -> dict[str, bool]:
        return dict(LearningPathEnrollmentAllowed.objects.values_list("email", "is_active"))

    def test_what_was_used_waits_for_nobody_there_and_is_itself_again_here(self) -> None:
        here = {"ana@example.com": True, "ben@example.com": True, "chloe@example.com": False}
        assert self.states() == here
        with patch.object(MIGRATION, "ROWS", 1):
            migrate(BEFORE)
            assert self.states() == {**here, "ana@example.com": False}
            migrate_to_the_end()
        assert self.states() == here
        assert LearningPathEnrollmentAllowed.objects.get(email="ana@example.com").user == self.ana

    def test_each_path_has_criteria_there(self) -> None:
        others = [make_path(f"path-v1:DemoX+P{number}+2026+A") for number in range(3)]
        LearningPathGradingCriteria.objects.create(learning_path=others[0], required_grade=0.1)
        with patch.object(MIGRATION, "ROWS", 2):
            migrate(BEFORE)
        assert LearningPathGradingCriteria.objects.count() == LearningPath.objects.count() == 4
        assert LearningPathGradingCriteria.objects.get(learning_path=others[0]).required_grade == 0.1
        assert LearningPathGradingCriteria.objects.get(learning_path=others[1]).required_completion == 0.8

    def test_keys_that_it_can_not_read_are_named(self) -> None:
        make_path("path-v1:DemoX+WEB+2026")
        with self.assertLogs(MIGRATION.__name__, "WARNING") as logs:
            migrate(BEFORE)
        assert "path-v1:DemoX+WEB+2026" in logs.output[0]
        assert "DS101" not in logs.output[0]

    def test_where_all_can_be_read_nothing_is_said(self) -> None:
        with self.assertNoLogs(MIGRATION.__name__):
            migrate(BEFORE)

    def test_a_second_run_writes_nothing(self) -> None:
        migrate(BEFORE)
        migrate_to_the_end()
        with CaptureQueriesContext(connection) as queries:
            apps = MigrationExecutor(connection).loader.project_state().apps
            MIGRATION.used_as_here(apps, connection.schema_editor())
        assert not [query for query in queries if query["sql"].startswith("UPDATE")]
