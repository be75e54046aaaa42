"""No log of ours, and none that we cause, holds an address, whatever goes wrong."""

from __future__ import annotations

import ast
import gc
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from opaque_keys.edx.keys import CourseKey
from rest_framework.test import APIClient

import learning_paths
from learning_paths import api, tasks
from learning_paths.data import BulkOperation, JobState
from learning_paths.lms import get_lms
from learning_paths.models import (
    BulkEnrollmentJob,
    BulkEnrollmentRow,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    ManualEnrollmentAudit,
)
from sandbox.courses.models import CourseEnrollmentAllowed, CourseRun
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.mail_server import mail_server

PACKAGE = Path(learning_paths.__file__).parent
PY101 = CourseKey.from_string("course-v1:DemoX+PY101+2026")
POISON = "poison@example.com"
EVERYBODY = f"ana@example.com, ida@example.com, twin@example.com, new@example.com, {POISON}, nope@, Bo <bo@example.com>"


class Kept(logging.Handler):
    """Keeps each record as a file would have it, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(f"{record.name}: {self.format(record)}")


@contextmanager
def poison(table: str, column: str, event: str = "INSERT") -> Iterator[None]:
    """Let the database refuse the rows of one address, and say so in words that hold it."""
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scratch_poison (email VARCHAR(254) UNIQUE)")
        cursor.execute("INSERT INTO scratch_poison VALUES (%s)", [POISON])
        begin = f"CREATE TRIGGER scratch_trigger BEFORE {event} ON {quoted(table)} FOR EACH ROW"
        if connection.vendor == "mysql":
            insert = f"INSERT INTO scratch_poison VALUES (NEW.{column})"
            cursor.execute(f"{begin} BEGIN IF NEW.{column} = '{POISON}' THEN {insert}; END IF; END")
        else:
            refuse = f"SELECT RAISE(ABORT, 'Duplicate entry {POISON}')"
            cursor.execute(f"{begin} WHEN NEW.{column} = '{POISON}' BEGIN {refuse}; END")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER scratch_trigger")
            cursor.execute("DROP TABLE scratch_poison")


@ddt.ddt
class LogTests(TransactionTestCase):
    """Sam enrolls, and things go wrong. Everything that is logged at any level is looked at."""

    def setUp(self) -> None:
        self.sam, self.ana = make_staff("sam"), make_user("ana")
        make_user("ida", is_active=False)
        make_user("twin")
        make_user("twin2", email="TWIN@example.com")
        self.path = make_path()
        CourseRun.objects.create(course_key=PY101, display_name="Python")
        self.kept = Kept()
        root = logging.getLogger()
        before = root.level
        root.addHandler(self.kept)
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, before)
        self.addCleanup(root.removeHandler, self.kept)

    def assert_told(self, *parts: str) -> None:
        """Something was logged that holds these words, and nothing was that holds an address."""
        everything = "\n".join(self.kept.texts)
        assert "@" not in everything, everything
        assert any(all(part in text for part in parts) for text in self.kept.texts), everything

    def test_the_database_does_say_whom_it_refuses(self) -> None:
        with (
            poison(LearningPathEnrollmentAllowed._meta.db_table, "email"),
            self.assertRaisesRegex(DatabaseError, POISON),
        ):
            LearningPathEnrollmentAllowed.objects.create(email=POISON, learning_path=self.path)

    def test_a_poison_row_of_a_request(self) -> None:
        client = APIClient()
        client.force_authenticate(self.sam)
        body = {"emails": EVERYBODY, "learning_paths": str(self.path.key)}
        with poison(LearningPathEnrollmentAllowed._meta.db_table, "email"):
            answer = client.post("/api/v1/enrollment/bulk_enroll/", body, format="json")
        assert answer.status_code == 201
        assert {row["email"]: row["code"] for row in answer.json()["failures"]}[POISON] == "not_saved"
        self.assert_told("enroll of a row in path-v1:DemoX+DS101+2026 failed", "IntegrityError", "bulk_write.py")

    def test_a_poison_row_of_a_job(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk(EVERYBODY, [self.path.key]), acting_user=self.sam)
        with poison(LearningPathEnrollmentAllowed._meta.db_table, "email"):
            tasks.run_bulk_job.delay(job.pk)
        row = job.rows.get(email=POISON)
        assert row.code == "not_saved"
        self.assert_told(f"enroll of row {row.pk} of bulk job {job.pk} in path-v1:DemoX+DS101+2026 failed")

    def test_a_poison_row_of_a_course(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk(EVERYBODY, [], [str(PY101)]), acting_user=self.sam)
        with poison(CourseEnrollmentAllowed._meta.db_table, "email"):
            tasks.run_bulk_job.delay(job.pk)
        assert job.rows.get(email=POISON).code == "course_enrollment_failed"
        self.assert_told(f"keep an invitation to {PY101}", "IntegrityError")

    def test_a_course_row_that_can_not_be_written_down(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk(EVERYBODY, [], [str(PY101)]), acting_user=self.sam)
        fault = mock.patch.object(get_lms(), "invite_to_course", side_effect=ValueError(f"{POISON} is none of mine"))
        with fault:
            tasks.run_bulk_job.delay(job.pk)
        row = job.rows.get(email=POISON)
        assert row.code == "not_saved"
        self.assert_told(f"enrolling of row {row.pk} of bulk job {job.pk} in {PY101} failed", "ValueError: (its text")

    def test_a_job_whose_rows_can_not_be_written(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk(EVERYBODY, [self.path.key]), acting_user=self.sam)
        with poison(BulkEnrollmentRow._meta.db_table, "email", "UPDATE"):
            tasks.run_bulk_job.delay(job.pk)
        assert BulkEnrollmentJob.objects.get(pk=job.pk).state == JobState.FAILED
        self.assert_told("celery", "learning_paths.tasks.run_bulk_job", "TaskFailed")
        self.assert_told(f"bulk job {job.pk} failed")

    def test_undoing_and_leaving(self) -> None:
        for operation in (BulkOperation.ENROLL, BulkOperation.UNENROLL):
            work = api.prepare_bulk(EVERYBODY, [self.path.key])
            with poison(ManualEnrollmentAudit._meta.db_table, "enrolled_email"):
                tasks.run_bulk_job.delay(api.queue_bulk_job(work, operation=operation, acting_user=self.sam).pk)
            self.assert_told(f"{operation} of row")
            tasks.run_bulk_job.delay(api.queue_bulk_job(work, acting_user=self.sam).pk)

    def test_an_account_that_is_activated(self) -> None:
        api.invite(POISON, self.path, acting_user=self.sam)
        with poison(ManualEnrollmentAudit._meta.db_table, "enrolled_email"):
            pat = make_user("pat", email=POISON)
        assert not LearningPathEnrollment.objects.filter(user=pat).exists()
        self.assert_told(f"user {pat.pk}", "IntegrityError")

    def test_an_account_that_came_while_it_was_invited(self) -> None:
        with poison(ManualEnrollmentAudit._meta.db_table, "enrolled_email"):
            LearningPathEnrollmentAllowed.objects.create(email=POISON, learning_path=self.path)
            make_user("pat", is_active=False, email=POISON)
            User.objects.filter(username="pat").update(is_active=True)
            tasks.run_bulk_job.delay(
                api.queue_bulk_job(api.prepare_bulk(POISON, [self.path.key]), acting_user=self.sam).pk
            )
        self.assert_told("IntegrityError")

    def test_a_license_that_can_not_be_activated(self) -> None:
        plan = make_plan()
        api.assign_licenses(plan, [POISON], acting_user=self.sam)
        with poison(License._meta.db_table, "email", "UPDATE"):
            pat = make_user("pat", email=POISON)
        self.assert_told(f"user {pat.pk}", "IntegrityError")

    @ddt.data("RCPT", "MAIL", "DATA")
    def test_a_mail_server_that_refuses(self, command: str) -> None:
        report = api.bulk_enroll(api.prepare_bulk(EVERYBODY, [self.path.key]), acting_user=self.sam)
        with (
            mail_server(command) as settings,
            override_settings(**settings, DEFAULT_FROM_EMAIL="lms@example.com"),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", ResourceWarning)  # Django 4.2 leaves such connections to the collector
            sent = api.send_notices(api.notices_of(report))
            gc.collect()
        assert sent.failed
        assert not sent.sent
        self.assert_told(f"e-mail 1 of {len(sent.failed)} was not sent, to user {self.ana.pk}", "550")
        self.assert_told("an address without an account")
        self.assert_told("edx_ace.channel.django_email", "550")

    def test_a_mail_server_that_is_not_there(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk(EVERYBODY, [self.path.key]), notify=True, acting_user=self.sam)
        nobody = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1, "EMAIL_TIMEOUT": 2}
        with override_settings(**nobody):
            tasks.run_bulk_job.delay(job.pk)
        self.assert_told("was not sent", "ConnectionRefusedError", "Connection refused")

    def test_what_others_send_by_edx_ace_is_logged_as_they_have_it(self) -> None:
        try:
            raise ValueError(POISON)
        except ValueError as error:
            logging.getLogger("edx_ace.channel.django_email").exception(error)
        assert POISON in self.kept.texts[-1]


class SourceTests(SimpleTestCase):
    """What the package itself hands to the log."""

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Yield where each call of a logger stands, and the call."""
        for file in sorted(PACKAGE.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id in {"log", "logger", "logging"}
                ):
                    yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node

    def test_no_traceback_is_logged_as_it_is(self) -> None:
        found = list(self.calls())
        assert len(found) > 20
        for where, call in found:
            assert isinstance(call.func, ast.Attribute)
            assert call.func.attr != "exception", f"{where}: log.error(..., trace(error)), for the text can name people"
            assert not any(word.arg == "exc_info" for word in call.keywords), f"{where}: trace(error)"

    def test_no_address_and_no_error_is_logged_as_it_is(self) -> None:
        for where, call in self.calls():
            for argument in call.args[1:]:
                if isinstance(argument, ast.Call):
                    continue  # trace(error), len(addresses)
                for node in ast.walk(argument):
                    name = (
                        node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
                    )
                    assert name not in {"email", "emails", "address", "addresses", "error"}, f"{where}: {name}"
