"""What a site brings along from learning-paths-plugin 0.5.0 becomes what this package keeps (ADR 0009)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any
from unittest.mock import patch

import ddt
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning_paths import api
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_path, make_staff, make_user

BEFORE = ("learning_paths", "0009_notices")
LAST = ("learning_paths", "0011_rows_of_moved_sites")
MIGRATION = import_module("learning_paths.migrations.0011_rows_of_moved_sites")
NOW = timezone.now()


def migrate(target: tuple[str, str]) -> None:
    """Migrate this app forwards or backwards."""
    MigrationExecutor(connection).migrate([target])


def migrate_to_the_end() -> None:
    """Migrate this app as far as there are migrations."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("learning_paths"))


def save_without_history(row: Any) -> None:
    """Save a row as it was saved where there was no history."""
    row.skip_history_when_saving = True
    row.save()


class MovedRowsTestCase(TransactionTestCase):
    """A site whose tables are there, and whose rows are still those of 0.5.0."""

    def setUp(self) -> None:
        self.addCleanup(migrate_to_the_end)
        migrate(BEFORE)
        self.path = make_path()
        self.days = 0

    def invitation(self, email: str, **fields: Any) -> LearningPathEnrollmentAllowed:
        """Make an invitation, each a day younger than the one before."""
        self.days += 1
        fields = {"learning_path": self.path, "created": NOW + timedelta(days=self.days), **fields}
        return LearningPathEnrollmentAllowed.objects.create(email=email, **fields)

    def audit(self, **fields: Any) -> ManualEnrollmentAudit:
        """Make an audit row without history."""
        audit = ManualEnrollmentAudit(**fields)
        save_without_history(audit)
        return audit

    def emails(self) -> dict[int, str]:
        """The addresses of all invitations, by id."""
        return dict(LearningPathEnrollmentAllowed.objects.order_by("pk").values_list("pk", "email"))


@ddt.ddt
class MovedInvitationTests(MovedRowsTestCase):
    """Addresses are looked for in one form; the migration leaves each invitation in it, and none twice."""

    @ddt.data(
        ("Ana@Example.COM", "ana@example.com"),
        (" ana@example.com\t", "ana@example.com"),
        ("Ana@EXÄMPLE.com", "ana@xn--exmple-cua.com"),
        ("ana@example.com", "ana@example.com"),
        ("ana@straße.de", "ana@straße.de"),
        ("josé@example.com", "josé@example.com"),
        ("Not An Address", "Not An Address"),
        ("", ""),
    )
    @ddt.unpack
    def test_address(self, before: str, after: str) -> None:
        invitation = self.invitation(before)
        migrate(LAST)
        moved = LearningPathEnrollmentAllowed.objects.get()
        assert (moved.pk, moved.email, moved.created) == (invitation.pk, after, invitation.created)
        assert moved.modified == invitation.modified
        assert moved.is_active == after.isascii()  # to MySQL, josé@ and jose@ are the same

    def test_ana_whom_0_5_0_knew_by_another_spelling_is_enrolled_when_she_registers(self) -> None:
        self.invitation("Ana@Example.COM")
        migrate(LAST)
        ana = make_user("ana", email="ana@EXAMPLE.com")
        assert LearningPathEnrollment.objects.get(is_active=True).user == ana

    def merged(self, *invitations: LearningPathEnrollmentAllowed) -> LearningPathEnrollmentAllowed:
        """Migrate, and return the one invitation that is left, which has the audit of all."""
        audits = [self.audit(enrollment_allowed=invitation) for invitation in invitations]
        audits += [ManualEnrollmentAudit.objects.create(enrollment_allowed=invitation) for invitation in invitations]
        migrate(LAST)
        kept = LearningPathEnrollmentAllowed.objects.get()
        assert kept.email == "ana@example.com"
        assert kept.created == min(invitation.created for invitation in invitations)
        assert list(kept.audit.order_by("pk")) == audits
        assert {row.enrollment_allowed_id for row in ManualEnrollmentAudit.history.all()} == {kept.pk}
        return kept

    def test_of_two_spellings_the_one_that_an_account_used_stays(self) -> None:
        ana = make_user("ana")
        pending = self.invitation(" ana@example.com")
        used = self.invitation("\tana@example.com", user=ana, is_active=False)
        kept = self.merged(pending, used)
        assert (kept.pk, kept.user, kept.is_active) == (used.pk, ana, False)

    def test_else_the_one_that_is_pending(self) -> None:
        withdrawn = self.invitation(" ana@example.com", is_active=False)
        pending = self.invitation("\tana@example.com")
        kept = self.merged(withdrawn, pending)
        assert (kept.pk, kept.is_active) == (pending.pk, True)

    def test_else_the_oldest(self) -> None:
        young = self.invitation(" ana@example.com", created=NOW)
        old = self.invitation("ana@example.com", created=NOW - timedelta(days=9))
        assert self.merged(young, old).pk == old.pk

    def test_spellings_in_different_chunks(self) -> None:
        spellings = [self.invitation(f"{' ' * number}ANA@example.com") for number in (2, 0, 1)]
        with patch.object(MIGRATION, "ROWS", 1):
            kept = self.merged(*spellings)
        assert kept.pk == spellings[0].pk

    def test_the_same_address_in_two_paths_is_no_duplicate(self) -> None:
        first = self.invitation("Ana@example.com")
        second = self.invitation("Ana@example.com", learning_path=make_path("path-v1:DemoX+Other+2026"))
        migrate(LAST)
        assert self.emails() == dict.fromkeys([first.pk, second.pk], "ana@example.com")

    def test_those_that_two_accounts_used_both_stay(self) -> None:
        ana, ben = make_user("ana"), make_user("ben")
        spaced = self.invitation(" ana@example.com", user=ana)
        plain = self.invitation("ana@example.com", user=ben, is_active=False)
        pending = self.invitation("\tana@example.com")
        audit = self.audit(enrollment_allowed=pending)
        migrate(LAST)
        assert self.emails() == {spaced.pk: " ana@example.com", plain.pk: "ana@example.com"}
        assert dict(LearningPathEnrollmentAllowed.objects.values_list("pk", "user")) == {
            spaced.pk: ana.pk,
            plain.pk: ben.pk,
        }
        audit.refresh_from_db()
        assert audit.enrollment_allowed == plain

    def test_what_mysql_takes_for_the_address_of_somebody_else_stops_nothing(self) -> None:
        jose = self.invitation("josé@example.com")
        spaced = self.invitation(" jose@example.com")
        ana = self.invitation("Ana@example.com")
        migrate(LAST)
        emails = self.emails()
        assert (emails[jose.pk], emails[ana.pk]) == ("josé@example.com", "ana@example.com")
        blocked = connection.vendor == "mysql"
        assert emails[spaced.pk] == (" jose@example.com" if blocked else "jose@example.com")

    def test_audit_rows_name_the_address_in_that_form(self) -> None:
        audits = [self.audit(enrolled_email=email) for email in (" Ana@example.com", "josé@example.com", "")]
        migrate(LAST)
        after = ManualEnrollmentAudit.objects.order_by("pk").values_list("pk", "enrolled_email")
        assert [*after] == [(audits[0].pk, "ana@example.com"), (audits[1].pk, "josé@example.com"), (audits[2].pk, "")]


class MovedHistoryTests(MovedRowsTestCase):
    """History begins with what came along, once."""

    def test_every_row_without_history_gets_its_first(self) -> None:
        sam = make_staff()
        for number in range(5):
            enrollment = LearningPathEnrollment(
                user=make_user(f"learner{number}"), learning_path=self.path, is_active=number % 2 == 0, created=NOW
            )
            save_without_history(enrollment)
            self.audit(enrollment=enrollment, enrolled_by=sam, reason=f"Größe {number}", role="r", org="o")
        LearningPathEnrollment.objects.order_by("pk")[1].delete()
        api.enroll(make_user("new"), self.path, acting_user=None)
        with patch.object(MIGRATION, "COPIED", 2):
            migrate(LAST)
        for model in (LearningPathEnrollment, ManualEnrollmentAudit):
            tracked = [field.attname for field in model._meta.concrete_fields]
            for row in model.objects.all():
                first = row.history.get()
                assert [getattr(first, name) for name in tracked] == [getattr(row, name) for name in tracked]
                assert (first.history_type, first.history_user) == ("+", None)
                if row.created == NOW or model is ManualEnrollmentAudit:
                    assert first.history_date == row.created
                    assert first.history_change_reason == "Taken over from learning-paths-plugin"
                else:
                    assert first.history_change_reason is None

    def test_a_second_run_finds_nothing_to_do(self) -> None:
        enrollment = LearningPathEnrollment(user=make_user("ana"), learning_path=self.path)
        save_without_history(enrollment)
        self.invitation("Ben@example.com")
        self.audit(enrolled_email=" Ben@example.com")
        migrate(LAST)
        before = [list(model.objects.values()) for model in (LearningPathEnrollmentAllowed, ManualEnrollmentAudit)]
        migrate(BEFORE)
        with CaptureQueriesContext(connection) as queries:
            migrate(LAST)
        updated = [query["sql"].split()[1] for query in queries if query["sql"].startswith("UPDATE")]
        assert [table for table in updated if "learning_paths" in table] == []
        assert enrollment.history.count() == 1
        after = [list(model.objects.values()) for model in (LearningPathEnrollmentAllowed, ManualEnrollmentAudit)]
        assert after == before

    def test_a_run_that_broke_off_is_taken_up_where_it_was(self) -> None:
        for number in range(5):
            save_without_history(LearningPathEnrollment(user=make_user(f"u{number}"), learning_path=self.path))
        ranges = MIGRATION.ranges

        def break_off(rows: Any) -> Iterator[tuple[int, int]]:
            yield next(ranges(rows))
            raise RuntimeError("The server has gone away")

        with patch.object(MIGRATION, "COPIED", 2):
            with patch.object(MIGRATION, "ranges", break_off), self.assertRaises(RuntimeError):
                migrate(LAST)
            assert LearningPathEnrollment.history.count() == 2
            migrate(LAST)
        assert [row.history.count() for row in LearningPathEnrollment.objects.all()] == [1] * 5

    @override_settings(SIMPLE_HISTORY_ENABLED=False)
    def test_a_host_that_keeps_no_history_is_given_none(self) -> None:
        LearningPathEnrollment.objects.create(user=make_user("ana"), learning_path=self.path)
        migrate(LAST)
        assert not LearningPathEnrollment.history.exists()


class MovedPermissionTests(MovedRowsTestCase):
    """The audit has another name here. Who could see it still can."""

    def test_a_group_keeps_its_permission(self) -> None:
        auditors = Group.objects.create(name="Auditors")
        audit_type = ContentType.objects.get_for_model(ManualEnrollmentAudit)
        Permission.objects.filter(content_type=audit_type).delete()
        for action in ("add", "change", "delete", "view"):
            permission = Permission.objects.create(
                content_type=audit_type, codename=f"{action}_learningpathenrollmentaudit", name=f"Can {action} x"
            )
        auditors.permissions.add(permission)
        una = User.objects.create(username="una", is_staff=True)
        una.groups.add(auditors)
        migrate(LAST)
        assert una.has_perm("learning_paths.view_manualenrollmentaudit")
        assert not Permission.objects.filter(codename__endswith="_learningpathenrollmentaudit").exists()
