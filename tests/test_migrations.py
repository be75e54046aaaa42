"""The migrations fit the models on every host, and the tables of learning-paths-plugin 0.5.0."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import ddt
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test import SimpleTestCase, TransactionTestCase

from learning_paths.checks import E_OLDER_THAN_0_5_0, FIRST_MIGRATION

REPLACED = 16

HOST = """
import sys

from learning_paths.settings import plugin_settings

plugin_settings(sys.modules[__name__])
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "learning_paths.apps.LearningPathsConfig"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


@ddt.ddt
class PendingMigrationTests(SimpleTestCase):
    """No setting of a host makes Django ask for a migration of ours."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @ddt.data(
        {},
        {"DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField"},
        {"DEFAULT_AUTO_FIELD": "django.db.models.AutoField"},
        {"SIMPLE_HISTORY_DATE_INDEX": False},
        {"SIMPLE_HISTORY_DATE_INDEX": "Composite"},
        {"SIMPLE_HISTORY_HISTORY_ID_USE_UUID": True},
        {"SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD": True},
        {"LANGUAGE_CODE": "de"},
    )
    def test_none(self, settings: dict[str, Any]) -> None:
        lines = [HOST, *(f"{name} = {value!r}" for name, value in settings.items())]
        (self.folder / "host_settings.py").write_text("\n".join(lines))
        command = [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run", "learning_paths"]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "host_settings", "PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class MoveTests(TransactionTestCase):
    """On a database of learning-paths-plugin 0.5.0 only what is ours runs, and the rows stay."""

    FIRST = ("learning_paths", "0001_tables_of_0_5_0")
    SECOND = ("learning_paths", "0002_enrolled_at_audit_and_history")

    def setUp(self) -> None:
        self.addCleanup(self.migrate_to_the_end)

    def migrate_to_the_end(self) -> None:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes("learning_paths"))

    def migrate(self, target: tuple[str, str]) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([target])
        return MigrationExecutor(connection).loader.project_state([target]).apps

    def test_rows_of_0_5_0_stay_and_their_new_columns_are_filled(self) -> None:
        apps = self.migrate(self.FIRST)
        user = apps.get_model("auth", "User").objects.create(username="ana", email="Ana@Example.com")
        path = apps.get_model("learning_paths", "LearningPath").objects.create(key="path-v1:a+b+c+d", display_name="P")
        enrollment = apps.get_model("learning_paths", "LearningPathEnrollment").objects.create(
            user=user, learning_path=path
        )
        invitation = apps.get_model("learning_paths", "LearningPathEnrollmentAllowed").objects.create(
            email="Dan@Example.com", learning_path=path
        )
        audits = apps.get_model("learning_paths", "LearningPathEnrollmentAudit").objects
        for link in ({"enrollment": enrollment}, {"enrollment_allowed": invitation}, {}):
            audits.create(enrolled_by=user, reason="before", **link)

        recorder = MigrationRecorder(connection)
        recorder.record_unapplied(*self.FIRST)
        assert len([name for app, name in recorder.applied_migrations() if app == "learning_paths"]) == REPLACED
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan([self.SECOND])
        assert [(migration.app_label, migration.name) for migration, _ in plan] == [self.SECOND]

        apps = self.migrate(self.SECOND)
        moved = apps.get_model("learning_paths", "LearningPathEnrollment").objects.get()
        assert (moved.pk, moved.enrolled_at, moved.created) == (enrollment.pk, enrollment.created, enrollment.created)
        kept = apps.get_model("learning_paths", "ManualEnrollmentAudit").objects.order_by("pk")
        assert [audit.enrolled_email for audit in kept] == ["ana@example.com", "dan@example.com", ""]
        assert {audit.reason for audit in kept} == {"before"}


class OlderTests(TransactionTestCase):
    """A site with an older version than 0.5.0 is told what to do, by ``migrate`` and by ``check``."""

    def setUp(self) -> None:
        self.recorder = MigrationRecorder(connection)
        self.recorded = {name for app, name in self.recorder.applied_migrations() if app == "learning_paths"}
        self.addCleanup(self.record, *self.recorded)

    def record(self, *names: str) -> None:
        """Let the database say that these migrations of ours ran, and no others."""
        self.recorder.migration_qs.filter(app="learning_paths").delete()
        for name in names:
            self.recorder.record_applied("learning_paths", name)

    def of_0_5_0(self) -> list[str]:
        """The names of its migrations, in their order."""
        return [name for _, name in import_module(FIRST_MIGRATION).Migration.replaces]

    def test_migrate_says_what_to_install(self) -> None:
        self.record(*self.of_0_5_0()[:12])
        with self.assertRaises(SystemCheckError) as caught:
            call_command("migrate", skip_checks=False, verbosity=0)
        message = str(caught.exception)
        assert E_OLDER_THAN_0_5_0 in message
        assert "4 are missing, the first of them 0013_enrollment_audit" in message
        assert "Install learning-paths-plugin==0.5.0" in message
        with self.assertRaises(SystemCheckError):
            call_command("check", databases=["default"])

    def test_only_a_check_of_the_database_looks_there(self) -> None:
        self.record(*self.of_0_5_0()[:12])
        with self.assertNumQueries(0):
            call_command("check", stdout=StringIO())

    def test_0_5_0_itself_is_fine(self) -> None:
        self.record(*self.of_0_5_0())
        call_command("check", databases=["default"], stdout=StringIO())

    def test_so_is_a_database_without_any_migration(self) -> None:
        self.record()
        call_command("check", databases=["default"], stdout=StringIO())

    def test_so_is_one_that_is_migrated(self) -> None:
        call_command("migrate", skip_checks=False, verbosity=0)
