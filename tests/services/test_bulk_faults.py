"""Bulk enrollment when things go wrong, on a real database server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.db.models import Count
from django.test import TransactionTestCase, override_settings
from rest_framework.test import APIClient

from learning_paths import api
from learning_paths.data import RowCode
from learning_paths.models import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from tests.factories import make_path, make_staff
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="These faults are those of MariaDB and MySQL."),
]

URL = "/api/v1/enrollment/bulk_enroll/"


@contextmanager
def trigger(table: str, condition: str, body: str) -> Iterator[None]:
    """Do something in the database whenever a row that meets the condition is inserted."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER fault BEFORE INSERT ON {table} FOR EACH ROW BEGIN IF {condition} THEN {body}; END IF; END"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER fault")


class FaultTestCase(TransactionTestCase):
    """Sixty learners, twenty addresses of nobody, and three paths."""

    LEARNERS = 60
    STRANGERS = 20

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        User.objects.bulk_create(
            [User(username=f"l{number}", email=f"l{number}@example.com") for number in range(self.LEARNERS)]
        )
        self.paths = [make_path(f"path-v1:DemoX+P{number}+2026") for number in range(3)]
        self.keys = [str(path.key) for path in self.paths]
        self.emails = [f"l{number}@example.com" for number in range(self.LEARNERS)]
        self.emails += [f"new{number}@example.com" for number in range(self.STRANGERS)]

    def post(self, emails: list[str], keys: list[str] | None = None) -> Any:
        client = APIClient()
        client.force_authenticate(self.sam)
        body = {"emails": emails, "learning_paths": keys or self.keys}
        response = client.post(URL, body, format="json")
        assert response.status_code == 201, response.content
        return response.json()

    def assert_consistent(self) -> None:
        """Each pair has one row at most, each change one history row and one audit row."""
        for model, pair in (
            (LearningPathEnrollment, ("user", "learning_path")),
            (LearningPathEnrollmentAllowed, ("email", "learning_path")),
        ):
            assert not model.objects.values(*pair).annotate(rows=Count("pk")).filter(rows__gt=1).exists()
        assert LearningPathEnrollment.history.count() == LearningPathEnrollment.objects.count()
        assert ManualEnrollmentAudit.history.count() == ManualEnrollmentAudit.objects.count()
        bound = LearningPathEnrollmentAllowed.objects.exclude(user=None)
        for invitation in bound.select_related("user"):
            assert invitation.user is not None
            assert invitation.email == invitation.user.email


class PoisonTests(FaultTestCase):
    """A row that the database refuses."""

    REFUSE = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'"

    def test_the_row_fails_alone(self) -> None:
        table = LearningPathEnrollmentAllowed._meta.db_table
        condition = f"NEW.email = 'l7@example.com' AND NEW.learning_path_id = {self.paths[1].pk}"
        with trigger(table, condition, self.REFUSE), self.assertLogs("learning_paths", "ERROR") as logs:
            answer = self.post(self.emails)
        assert [(row["email"], row["learning_path"], row["code"]) for row in answer["failures"]] == [
            ("l7@example.com", self.keys[1], "not_saved")
        ]
        assert len(logs.records) == 1
        assert len(answer["successes"]) == self.LEARNERS * 3 - 1
        assert len(answer["pending"]) == self.STRANGERS * 3
        assert LearningPathEnrollment.objects.count() == self.LEARNERS * 3 - 1
        self.assert_consistent()
        again = self.post(self.emails)
        assert (again["enrollments_created"], again["enrollment_allowed_created"]) == (1, 0)

    def test_a_learner_whose_audit_can_not_be_written_is_not_enrolled(self) -> None:
        table = ManualEnrollmentAudit._meta.db_table
        with (
            trigger(table, "NEW.enrolled_email = 'l7@example.com'", self.REFUSE),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            answer = self.post(self.emails)
        assert {row["email"] for row in answer["failures"]} == {"l7@example.com"}
        assert not LearningPathEnrollment.objects.filter(user__username="l7").exists()
        self.assert_consistent()

    def test_a_deadlock_passes(self) -> None:
        """Error 1213, once, out of the server itself."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE fault_once (n INT) ENGINE=MyISAM")
            cursor.execute("INSERT INTO fault_once VALUES (0)")
        table = LearningPathEnrollmentAllowed._meta.db_table
        body = (
            "UPDATE fault_once SET n = n + 1; IF (SELECT n FROM fault_once) = 1 THEN "
            "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'; END IF"
        )
        try:
            with trigger(table, "NEW.email = 'new3@example.com'", body):
                # One pair, which can't be divided further: nothing but another try helps.
                answer = self.post(["new3@example.com"], self.keys[:1])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE fault_once")
        assert answer["failures"] == []
        assert answer["enrollment_allowed_created"] == 1
        self.assert_consistent()


class LostTransactionTests(FaultTestCase):
    """A caller's transaction that MySQL has undone is never passed off as done."""

    def test_deadlock_inside_a_transaction_of_the_caller(self) -> None:
        first, second = LearningPathEnrollment._meta.db_table, User._meta.db_table
        api.bulk_enroll(api.prepare_bulk(self.emails[:1], self.keys[:1]), acting_user=self.sam)

        def lock_row_then_user() -> Any:
            with transaction.atomic():
                # Heavier than the other side, so that InnoDB chooses the other for its victim.
                User.objects.filter(username__in=[f"l{number}" for number in range(20, 60)]).update(last_name="x")
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT * FROM {first} FOR UPDATE")
                    waiting.wait()
                    cursor.execute(f"UPDATE {second} SET last_name = 'x' WHERE username = 'l0'")

        def enroll_inside() -> Any:
            try:
                with transaction.atomic():
                    User.objects.filter(username="l0").update(first_name="changed")
                    waiting.wait()
                    work = api.prepare_bulk(self.emails[:1], self.keys[:1])
                    return api.bulk_unenroll(work, acting_user=self.sam).rows[0].code
            except OperationalError as error:
                return error.args[0]

        from threading import Barrier

        waiting = Barrier(2)
        outcome = at_once([lock_row_then_user, enroll_inside])[1]
        if outcome == RowCode.UNENROLLED:
            assert User.objects.get(username="l0").first_name == "changed"
            assert not LearningPathEnrollment.objects.get().is_active
        else:
            assert outcome == 1213
            assert User.objects.get(username="l0").first_name == ""
            assert LearningPathEnrollment.objects.get().is_active


class KillTests(FaultTestCase):
    """A process that is killed in the middle."""

    LEARNERS = 1500
    STRANGERS = 500

    def test_a_second_run_does_the_rest(self) -> None:
        program = textwrap.dedent(
            """
            import django, os, sys
            django.setup()
            from django.conf import settings
            from django.db import connections
            connections["default"].settings_dict["NAME"] = os.environ["TEST_DATABASE"]
            from learning_paths import api
            def progress(done):
                print(done, flush=True)
                if done >= 1500:
                    sys.stdin.read()
            emails, keys = os.environ["EMAILS"].split(), os.environ["KEYS"].split()
            api.bulk_enroll(api.prepare_bulk(emails, keys), acting_user=None, on_progress=progress)
            """
        )
        environment = {
            **os.environ,
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "EMAILS": " ".join(self.emails),
            "KEYS": " ".join(self.keys),
        }
        worker = subprocess.Popen(
            [sys.executable, "-c", program],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert worker.stdout is not None
        assert worker.stdin is not None
        done = 0
        for line in worker.stdout:
            done = int(line)
            if done >= 1500:
                break
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdin.close()
        worker.stdout.close()
        kept = ManualEnrollmentAudit.objects.count()
        assert kept == done < len(self.emails) * 3
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=100_000):
            answer = self.post(self.emails)
        assert answer["failures"] == []
        assert answer["enrollments_created"] + answer["enrollment_allowed_created"] == len(self.emails) * 3 - kept
        assert LearningPathEnrollment.objects.count() == self.LEARNERS * 3
        assert LearningPathEnrollmentAllowed.objects.pending().count() == self.STRANGERS * 3
        assert ManualEnrollmentAudit.objects.count() == len(self.emails) * 3
        self.assert_consistent()


class OverlapTests(FaultTestCase):
    """Eight requests over the same people, who register meanwhile."""

    def bulk(self, seed: int) -> Callable[[], Any]:
        def run() -> Any:
            shuffled = random.Random(seed)
            emails = shuffled.sample(self.emails, len(self.emails))
            keys = shuffled.sample(self.keys, len(self.keys))
            return [self.post(emails[begin : begin + 40], keys) for begin in range(0, len(emails), 40)]

        return run

    def register(self, numbers: range) -> Callable[[], None]:
        def run() -> None:
            for number in numbers:
                with transaction.atomic():
                    new = User(username=f"new{number}", email=f"New{number}@example.com", is_active=number % 2 == 0)
                    new.save()
                if not new.is_active:
                    new.is_active = True
                    new.save(update_fields=["is_active"])

        return run

    def test_each_pair_gets_one_row_and_nobody_is_left_waiting(self) -> None:
        half = self.STRANGERS // 2
        registering = [self.register(range(half // 2)), self.register(range(half // 2, half))]
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=100_000):
            results = at_once([*(self.bulk(seed) for seed in range(8)), *registering])[:8]
        assert [answer["failures"] for answers in results for answer in answers if answer["failures"]] == []
        created: Counter[str] = Counter()
        for answers in results:
            for answer in answers:
                created.update(
                    enrollments=answer["enrollments_created"], invitations=answer["enrollment_allowed_created"]
                )
        registered = User.objects.filter(username__startswith="new")
        assert registered.count() == half
        enrollments = LearningPathEnrollment.objects.filter(is_active=True)
        assert enrollments.count() == (self.LEARNERS + half) * 3
        assert enrollments.filter(user__in=registered).count() == half * 3
        waiting = LearningPathEnrollmentAllowed.objects.pending()
        assert not waiting.filter(email__in=[user.email.lower() for user in registered]).exists()
        assert waiting.count() == (self.STRANGERS - half) * 3
        assert LearningPathEnrollment.history.count() == enrollments.count()
        claims = enrollments.count() - created["enrollments"]
        assert 0 <= claims <= half * 3
        assert ManualEnrollmentAudit.objects.count() == sum(created.values()) + claims

    def test_enrolling_and_unenrolling_at_once_leaves_a_story_that_adds_up(self) -> None:
        work = api.prepare_bulk(self.emails[:5], self.keys[:1])

        def switch(action: Callable[..., Any]) -> Callable[[], Any]:
            def run() -> None:
                for _ in range(40):
                    report = action(work, acting_user=self.sam)
                    assert not any(row.code.is_failure for row in report.rows)

            return run

        at_once([switch(action) for action in (api.bulk_enroll, api.bulk_unenroll) * 3])
        for enrollment in LearningPathEnrollment.objects.all():
            states = list(enrollment.history.order_by("history_id").values_list("is_active", flat=True))
            assert states == [index % 2 == 0 for index in range(len(states))]
            assert states[-1] == enrollment.is_active
            assert enrollment.audit.count() == len(states)
