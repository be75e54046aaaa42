"""A database that is busy: which of its errors pass, and that no door answers them with a 500."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import ddt
import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, ProgrammingError, connection
from django.test import Client, RequestFactory, SimpleTestCase, TestCase, TransactionTestCase, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from learning_paths import api, retrying
from learning_paths.admin.busy import PatientAdmin
from learning_paths.faults import BUSY, is_busy, may_pass
from learning_paths.models import LearningPathEnrollment, Skill
from learning_paths.retrying import retried
from tests.factories import make_path, make_staff, make_user

DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")


@ddt.ddt
class FaultTests(SimpleTestCase):
    """What the database says, and what that means."""

    @ddt.data(
        (DEADLOCK, True, True),
        (OperationalError(1205, "Lock wait timeout exceeded"), True, True),
        (OperationalError(1020, "Record has changed since last read"), True, True),
        (OperationalError("database is locked"), True, True),
        (OperationalError("database table is locked: auth_user"), True, True),
        (OperationalError(2003, "Can't connect to MySQL server"), False, True),
        (OperationalError(1040, "Too many connections"), False, True),
        (IntegrityError(1062, "Duplicate entry"), True, False),
        (OperationalError(1054, "Unknown column"), False, False),
        (OperationalError("no such table: auth_user"), False, False),
        (OperationalError(), False, False),
        (ProgrammingError(1146, "Table doesn't exist"), False, False),
        (RuntimeError("locked"), False, False),
    )
    @ddt.unpack
    def test_what_passes(self, error: Exception, passes: bool, busy: bool) -> None:
        assert (may_pass(error), is_busy(error)) == (passes, busy)

    def test_nobody_who_waits_for_an_answer_waits_for_ever(self) -> None:
        work = mock.Mock(side_effect=DEADLOCK)
        with (
            mock.patch("learning_paths.retrying.time.monotonic", side_effect=[0, 10, 16]),
            mock.patch("learning_paths.retrying.connection", in_atomic_block=True, needs_rollback=False),
            mock.patch.object(retrying, "LONGEST_FIRST_PAUSE", 0),
            self.assertRaises(OperationalError),
        ):
            retried(work, patience=15)
        assert work.call_count == 2


def views(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the address and the view of each route of the plugin but those of the admin, which has its own way."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and pattern.callback.__module__.startswith("learning_paths."):
            yield route, pattern.callback


class DoorTests(SimpleTestCase):
    """Whoever adds a view or a screen is told here what it needs."""

    def test_what_writes_is_not_one_transaction_with_the_request(self) -> None:
        """A deadlock undoes the transaction of the request, within which nothing could be tried again."""
        writing = []
        for route, view in views():
            methods = set(getattr(view, "actions", None) or {}) or {
                name for name in ("post", "put", "patch", "delete") if hasattr(getattr(view, "view_class", None), name)
            }
            if methods & {"post", "put", "patch", "delete"}:
                writing.append(route)
                assert "default" in getattr(view, "_non_atomic_requests", set()), route
        assert len(writing) > 10

    def test_each_screen_of_the_admin_is_patient(self) -> None:
        screens = [
            model_admin
            for model, model_admin in admin.site._registry.items()
            if model._meta.app_label == "learning_paths"
        ]
        assert len(screens) > 5
        for model_admin in screens:
            assert isinstance(model_admin, PatientAdmin)
            for pattern in model_admin.urls:
                if pattern.name is not None:
                    exempt: set[str] = getattr(pattern.callback, "_non_atomic_requests", set())
                    assert "default" in exempt, (model_admin, pattern.name)


class RepeatedPageTests(TestCase):
    """A page of the admin that is tried again begins anew."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(retrying, "LONGEST_FIRST_PAUSE", 0))
        self.client.force_login(make_staff("una", is_superuser=True))

    def failing_once(self, error: Exception = DEADLOCK) -> Any:
        """Let the first attempt to log what was added fail, after all else is done."""
        log = mock.Mock(side_effect=[error, None])
        return mock.patch("django.contrib.admin.options.ModelAdmin.log_addition", log)

    def test_what_the_first_attempt_did_is_undone_and_its_messages_forgotten(self) -> None:
        with self.failing_once() as log:
            response = self.client.post(reverse("admin:learning_paths_skill_add"), {"display_name": "Python"})
        assert response.status_code == 302
        assert log.call_count == 2
        assert Skill.objects.count() == 1
        assert len(list(get_messages(response.wsgi_request))) == 1

    def test_a_file_is_read_from_its_beginning(self) -> None:
        read = []

        def view(request: Any) -> Any:
            read.append(request.FILES["file"].read())
            if len(read) == 1:
                raise DEADLOCK
            return "done"

        request = RequestFactory().post("/", {"file": SimpleUploadedFile("list.csv", b"dan@example.com")})
        request._messages = mock.Mock()  # type: ignore[attr-defined]
        request.session = {}  # type: ignore[assignment]
        assert admin.site._registry[Skill]._patient(view)(request) == "done"  # type: ignore[attr-defined]
        assert read == [b"dan@example.com"] * 2

    def test_what_is_no_matter_of_a_busy_database_is_raised(self) -> None:
        with self.failing_once(OperationalError(1054, "Unknown column")), self.assertRaises(OperationalError):
            self.client.post(reverse("admin:learning_paths_skill_add"), {"display_name": "Python"})

    def test_a_page_that_can_not_be_shown_is_a_line_of_text(self) -> None:
        gone = OperationalError(2013, "Lost connection")
        with (
            mock.patch("django.contrib.admin.options.ModelAdmin.get_changelist_instance", side_effect=gone),
            mock.patch("learning_paths.admin.busy.render_to_string", side_effect=gone),
            self.assertLogs("learning_paths", "WARNING"),
        ):
            response = self.client.get(reverse("admin:learning_paths_skill_changelist"))
        assert (response.status_code, response.content.decode()) == (503, str(BUSY))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="MariaDB's locks are shown in tests/services")
class LockedTests(TransactionTestCase):
    """SQLite has one writer, and another process is it."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(retrying, "ATTEMPTS", 2))
        self.ana = make_user("ana")
        self.path = make_path()
        self.una = make_staff("una", is_superuser=True)

    @contextmanager
    def locked(self, *, for_readers: bool = False) -> Iterator[None]:
        """Let another connection have the database, and be about to change the enrollments."""
        other = sqlite3.connect(connection.settings_dict["NAME"], uri=True, isolation_level=None)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        if for_readers:
            other.execute("UPDATE learning_paths_learningpathenrollment SET is_active = is_active")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    def test_rest(self) -> None:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(self.ana)
        url = f"/api/v1/learning-path-enrollment/{self.path.key}/"
        with self.locked(), self.assertLogs("learning_paths", "WARNING"):
            response = client.post(url)
        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert response.json() == {"detail": str(BUSY)}
        assert client.post(url).status_code == 201

    def test_admin(self) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(self.una)
        typed = {"user": self.ana.pk, "learning_path": self.path.pk, "reason": "", "role": "", "org": ""}
        url = reverse("admin:learning_paths_learningpathenrollment_add")
        with self.locked(), self.assertLogs("learning_paths", "WARNING"):
            response = client.post(url, typed)
        self.assertContains(response, str(BUSY), status_code=503)
        assert client.post(url, typed).status_code == 302
        assert api.get_active_enrollment(self.ana, self.path)

    def test_pages(self) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(self.ana)
        url = reverse("learning_paths:learner-enroll", args=[self.path.key])
        with self.locked(), self.assertLogs("learning_paths", "WARNING"):
            page = client.post(url)
        self.assertContains(client.get(page["Location"]), str(BUSY))
        assert not LearningPathEnrollment.objects.exists()
        self.assertContains(client.post(url, follow=True), "You are enrolled in")

    @override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)
    def test_reading(self) -> None:
        """Of what is no transaction with its request, which Django begins before any view is asked."""
        api.enroll(self.ana, self.path, acting_user=None)
        web, rest = Client(raise_request_exception=False), APIClient(raise_request_exception=False)
        web.force_login(self.ana)
        rest.force_authenticate(self.ana)
        page = reverse("learning_paths:learner-unenroll", args=[self.path.key])
        for client, url in ((web, page), (rest, f"/api/v1/learning-path-enrollment/{self.path.key}/")):
            with self.locked(for_readers=True), self.assertLogs("learning_paths", "WARNING"):
                response = client.get(url)
            assert (response.status_code, response["Retry-After"]) == (503, "5")
            assert client.get(url).status_code == 200
