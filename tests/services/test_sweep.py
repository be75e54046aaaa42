"""The sweep on a real database server: the indexes that it reads, tables that compare text in other ways, a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ddt
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.data import LicenseStatus, SweepReport
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, License
from tests.factories import make_path, make_plan, make_staff

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="collations and EXPLAIN as MariaDB and MySQL have them"),
]

ROWS = 3000


@contextmanager
def addresses_of_accounts_in(collation: str) -> Iterator[None]:
    """Let the addresses of accounts be compared as on a site whose tables are older than ours."""
    charset = collation.split("_")[0]
    with connection.cursor() as cursor:
        cursor.execute("SHOW FULL COLUMNS FROM auth_user LIKE 'email'")
        before = cursor.fetchone()[2]

    def change(charset: str, collation: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE auth_user MODIFY email varchar(254) CHARACTER SET {charset} COLLATE {collation} NOT NULL"
            )

    change(charset, collation)
    try:
        yield
    finally:
        change(before.split("_")[0], before)


@ddt.ddt
class SweepTests(TransactionTestCase):
    """Most invitations of the site are consumed, most licenses revoked; of ten that wait, two have an account."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()
        plan = make_plan(num_licenses=ROWS)
        User.objects.bulk_create(
            User(username=f"old{number}", email=f"old{number}@example.com") for number in range(ROWS)
        )
        LearningPathEnrollmentAllowed.objects.bulk_create(
            LearningPathEnrollmentAllowed(email=f"old{number}@example.com", learning_path=self.path, user=self.sam)
            for number in range(ROWS)
        )
        License.objects.bulk_create(
            License(email=f"old{number}@example.com", subscription_plan=plan, status=LicenseStatus.REVOKED)
            for number in range(ROWS)
        )
        emails = [f"new{number}@example.com" for number in range(10)]
        api.bulk_enroll(api.prepare_bulk(emails, [self.path.key]), acting_user=self.sam)
        api.assign_licenses(plan, emails, acting_user=None)
        User.objects.bulk_create(
            [User(username="ana", email="New1@Example.com"), User(username="bén", email="néw2@example.com")]
        )
        with connection.cursor() as cursor:
            for model in (User, LearningPathEnrollmentAllowed, License):
                cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
                cursor.fetchall()

    def explain(self, sql: str) -> dict[str, Any]:
        """Return how the database would answer a query of one table."""
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            names = [column[0] for column in cursor.description or ()]
            [row] = cursor.fetchall()
        return dict(zip(names, row, strict=True))

    @ddt.data("utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb3_general_ci")
    def test_two_queries_of_an_index_each_however_the_tables_compare_text(self, collation: str) -> None:
        with addresses_of_accounts_in(collation):
            with CaptureQueriesContext(connection) as queries:
                assert api.claim_waiting() == SweepReport(enrollments=1, licenses=1, failed=0)
            reads = [query["sql"] for query in queries if query["sql"].startswith("SELECT DISTINCT")]
            assert len(reads) == 2
            for sql in reads:
                plan = self.explain(sql)
                assert plan["key"] in {"learning_paths_waiting_emails", "learning_paths_license_emails"}
                assert "Using index" in plan["Extra"]
                assert "filesort" not in plan["Extra"]
                assert int(plan["rows"]) < ROWS / 10
            accounts = [
                query["sql"] for query in queries if "FROM `auth_user`" in query["sql"] and "new9@" in query["sql"]
            ]
            assert len(accounts) == 2
            for sql in accounts:
                plan = self.explain(sql)
                assert plan["type"] == "range"
                assert "email" in plan["key"]

    def test_a_process_that_is_killed_between_its_commit_and_the_look(self) -> None:
        """The account comes while the run is at work, so that only the look would find it; the sweep does."""
        program = textwrap.dedent(
            """
            import django, os
            django.setup()
            from django.conf import settings
            from django.db import connections
            connections["default"].settings_dict["NAME"] = os.environ["TEST_DATABASE"]
            from django.contrib.auth.models import User
            from learning_paths import api
            from learning_paths.actions import bulk_apply

            def killed(addresses):
                User.objects.bulk_create([User(username="eve", email="eve@example.com")])
                os.kill(os.getpid(), 9)

            bulk_apply.claim_for_addresses = killed
            path = api.get_learning_path(os.environ["PATH_KEY"])
            api.bulk_enroll(api.prepare_bulk(["eve@example.com", "kim@example.com"], [path.key]), acting_user=None)
            """
        )
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "sandbox.settings",
            "TEST_DATABASE": connection.settings_dict["NAME"],
            "PATH_KEY": str(self.path.key),
        }
        assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == -9
        eve = User.objects.get(username="eve")
        assert not LearningPathEnrollment.objects.filter(user=eve).exists()
        assert LearningPathEnrollmentAllowed.objects.pending().filter(email="eve@example.com").exists()
        api.claim_waiting()
        assert LearningPathEnrollment.objects.get(user=eve).is_active
