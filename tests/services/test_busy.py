"""Requests that meet a lock which takes too long, or a deadlock: tried again, then a 503 or a message, never a 500."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any
from unittest import mock

import ddt
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test import Client, TransactionTestCase
from django.urls import reverse
from django.utils.html import escape
from rest_framework.test import APIClient

from learning_paths import api, retrying
from learning_paths.data import JobState
from learning_paths.faults import BUSY
from learning_paths.models import (
    BulkEnrollmentJob,
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    StepEnrollment,
    SubscriptionPlan,
)
from sandbox.courses.models import CourseRun
from tests.admin.base import confirm_fields
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.services.locks import held, impatient
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="These faults are those of MariaDB and MySQL."),
]

KEY, COURSE = "path-v1:DemoX+DS101+2026", "course-v1:DemoX+PY101+2026"


def admin(name: str, *args: Any) -> str:
    """Return the address of a page of the admin."""
    return reverse(f"admin:learning_paths_{name}", args=args)


@contextmanager
def deadlock_at(model: type[Model], *, times: int) -> Iterator[None]:
    """Let the server answer so many inserts into a table with error 1213."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE fault_count (n INT) ENGINE=MyISAM")
        cursor.execute("INSERT INTO fault_count VALUES (0)")
        cursor.execute(
            f"CREATE TRIGGER fault BEFORE INSERT ON {model._meta.db_table} FOR EACH ROW BEGIN "
            f"UPDATE fault_count SET n = n + 1; IF (SELECT n FROM fault_count) <= {times} THEN "
            "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'; END IF; END"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER fault")
            cursor.execute("DROP TABLE fault_count")


def once() -> Any:
    """Let nothing be tried again, so that a lock is not waited for several times."""
    return mock.patch.object(retrying, "ATTEMPTS", 1)


class BusyTestCase(TransactionTestCase):
    """Ana was in the path and left; dan@example.com is invited to it and has a license; there is a draft and a job."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(retrying, "ATTEMPTS", 2))
        self.sam = make_staff("sam", is_superuser=True)
        self.ana = make_user("ana")
        self.path = make_path(KEY)
        CourseRun.objects.create(course_key=COURSE)
        self.path.steps.create(course_key=COURSE)
        self.plan = make_plan()
        api.enroll(self.ana, self.path, acting_user=None)
        api.invite("dan@example.com", self.path, acting_user=None)
        api.assign_licenses(self.plan, ["dan@example.com"], acting_user=None)
        work = api.prepare_bulk(["new@example.com"], [KEY])
        self.draft = api.draft_bulk_job(work, acting_user=self.sam)
        self.job = api.queue_bulk_job(work, acting_user=self.sam)
        self.enrollment = LearningPathEnrollment.objects.get()
        self.invitation = LearningPathEnrollmentAllowed.objects.get()
        self.web = Client(raise_request_exception=False)
        self.web.force_login(self.sam)

    def rest(self, user: User) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(user)
        return client


@ddt.ddt
class RestTests(BusyTestCase):
    """Programs get a 503 that says when to come back."""

    def assert_busy(self, response: Any) -> None:
        assert (response.status_code, response["Content-Type"]) == (503, "application/json")
        assert response["Retry-After"] == "5"
        assert response.json() == {"detail": str(BUSY)}

    def assert_waits(self, rows: QuerySet[Any], send: Callable[[], Any], status: int) -> None:
        """Send while the rows are locked, which is too early, and once more afterwards."""
        with held(rows), impatient(), once(), self.assertLogs("learning_paths", "WARNING") as logs:
            self.assert_busy(send())
        assert "OperationalError: 1205" in logs.output[-1]
        assert "@" not in "".join(logs.output)
        assert send().status_code == status

    @ddt.data(f"/api/v1/learning-path-enrollment/{KEY}/", f"/api/learning_paths/v1/{KEY}/enrollments/")
    def test_unenrolling_and_enrolling_again(self, url: str) -> None:
        rows = LearningPathEnrollment.objects.all()
        query = f"{url}?username=ana"
        self.assert_waits(rows, lambda: self.rest(self.sam).delete(query), 204)
        self.assert_waits(rows, lambda: self.rest(self.ana).post(url), 200)

    @ddt.data(f"/api/v1/learning-path-enrollment/{KEY}/", f"/api/learning_paths/v1/{KEY}/enrollments/")
    def test_enrolling_while_the_path_is_locked(self, url: str) -> None:
        """The row refers to the path, so the database locks that, too."""
        ben = make_user("ben")
        self.assert_waits(LearningPath.objects.all(), lambda: self.rest(ben).post(url), 201)

    def test_enrolling_in_a_step(self) -> None:
        url = f"/api/learning_paths/v1/{KEY}/enrollments/{COURSE}/"
        self.assert_waits(LearningPathEnrollment.objects.all(), lambda: self.rest(self.ana).post(url), 201)

    def test_enrolling_in_a_step_while_the_course_is_locked(self) -> None:
        """Here it is the platform that waits."""
        url = f"/api/learning_paths/v1/{KEY}/enrollments/{COURSE}/"
        self.assert_waits(CourseRun.objects.all(), lambda: self.rest(self.ana).post(url), 201)

    def test_the_buttons_of_a_job(self) -> None:
        jobs = BulkEnrollmentJob.objects.all()
        url = f"/api/v1/bulk-enrollment-jobs/{self.job.uuid}/cancel/"
        self.assert_waits(jobs, lambda: self.rest(self.sam).post(url), 200)
        url = f"/api/v1/bulk-enrollment-jobs/{self.draft.uuid}/confirm/"
        self.assert_waits(jobs, lambda: self.rest(self.sam).post(url), 202)

    def test_a_deadlock_passes(self) -> None:
        url = f"/api/v1/learning-path-enrollment/{KEY}/"
        with deadlock_at(LearningPathEnrollment, times=1):
            assert self.rest(make_user("ben")).post(url).status_code == 201

    def test_a_deadlock_that_does_not_pass(self) -> None:
        url = f"/api/v1/learning-path-enrollment/{KEY}/"
        with deadlock_at(LearningPathEnrollment, times=2), self.assertLogs("learning_paths", "WARNING") as logs:
            self.assert_busy(self.rest(make_user("ben")).post(url))
        assert "OperationalError: 1213" in logs.output[-1]
        assert LearningPathEnrollment.objects.count() == 1

    def test_a_real_deadlock_undoes_the_request_which_is_tried_again(self) -> None:
        """Somebody has the enrollment and wants the invitation; the request has the invitation and wants the other."""
        api.unenroll(self.ana, self.path, acting_user=None)
        LearningPathEnrollmentAllowed.objects.filter(pk=self.invitation.pk).update(email="ana@example.com")
        User.objects.bulk_create(User(username=f"x{number}") for number in range(50))
        has_enrollment = Event()

        def somebody() -> None:
            with transaction.atomic():
                # Heavier than the request, so that InnoDB chooses that for its victim.
                User.objects.filter(username__startswith="x").update(last_name="x")
                LearningPathEnrollment.objects.select_for_update().get(pk=self.enrollment.pk)
                has_enrollment.set()
                wait_for_a_waiter()
                LearningPathEnrollmentAllowed.objects.select_for_update().get(pk=self.invitation.pk)

        def request() -> int:
            has_enrollment.wait(30)
            status: int = self.rest(self.ana).post(f"/api/v1/learning-path-enrollment/{KEY}/").status_code
            return status

        before = deadlocks()
        assert at_once([somebody, request])[1] == 200
        assert deadlocks() == before + 1
        self.invitation.refresh_from_db()
        assert self.invitation.user == self.ana


def wait_for_a_waiter() -> None:
    """Wait until some transaction waits for a lock. Asked more often, the server shows what it knew before."""
    for _ in range(100):
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.2)
    raise AssertionError("nobody waits")


def deadlocks() -> int:
    """Return how many deadlocks the server has resolved."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'")
        return int(cursor.fetchone()[0])


class AdminTests(BusyTestCase):
    """Staff read a page that says so, and can send once more what they typed."""

    def assert_busy(self, response: Any, **typed: str) -> None:
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
        self.assertContains(response, str(BUSY), status_code=503)
        for name, text in typed.items():
            field = f'<input type="hidden" name="{name}" value="{escape(text)}">'
            self.assertContains(response, field, status_code=503, html=True)

    def assert_waits(self, rows: QuerySet[Any], url: str, **typed: Any) -> Any:
        """Post while the rows are locked, which is too early, and once more afterwards; return the last answer."""
        with held(rows), impatient(), once(), self.assertLogs("learning_paths", "WARNING"):
            self.assert_busy(self.web.post(url, typed), **typed)
        response = self.web.post(url, typed)
        assert response.status_code in {200, 302}
        return response

    def test_enrollments(self) -> None:
        rows = LearningPathEnrollment.objects.all()
        url = admin("learningpathenrollment_change", self.enrollment.pk)
        self.assert_waits(rows, url, is_active="False", reason='"Over" <now>', role="", org="")
        assert not LearningPathEnrollment.objects.get().is_active
        add = {"user": str(self.ana.pk), "learning_path": str(self.path.pk), "reason": "", "role": "", "org": ""}
        self.assert_waits(rows, admin("learningpathenrollment_add"), **add)
        assert LearningPathEnrollment.objects.get().is_active

    def test_a_deadlock_at_an_enrollment_passes_with_one_message(self) -> None:
        ben = make_user("ben")
        add = {"user": str(ben.pk), "learning_path": str(self.path.pk), "reason": "", "role": "", "org": ""}
        with deadlock_at(LearningPathEnrollment, times=1):
            response = self.web.post(admin("learningpathenrollment_add"), add, follow=True)
        assert response.status_code == 200
        assert [message.level_tag for message in response.context["messages"]] == ["success"]
        assert LearningPathEnrollment.objects.filter(user=ben).exists()

    def test_invitations(self) -> None:
        typed = {"email": "kim@example.com", "learning_path": str(self.path.pk), "reason": "R", "role": "", "org": ""}
        self.assert_waits(LearningPath.objects.all(), admin("learningpathenrollmentallowed_add"), **typed)
        assert LearningPathEnrollmentAllowed.objects.filter(email="kim@example.com").exists()
        action = {"action": "withdraw", "_selected_action": str(self.invitation.pk)}
        rows = LearningPathEnrollmentAllowed.objects.filter(pk=self.invitation.pk)
        self.assert_waits(rows, admin("learningpathenrollmentallowed_changelist"), **action)
        assert not rows.get().is_active

    def test_licenses(self) -> None:
        plans = SubscriptionPlan.objects.all()
        self.assert_waits(plans, admin("subscriptionplan_assign", self.plan.pk), emails="eve@example.com")
        assert License.objects.filter(email="eve@example.com").exists()
        rows = License.objects.filter(email="dan@example.com")
        action = {"action": "revoke", "_selected_action": str(rows.get().pk)}
        self.assert_waits(rows, admin("license_changelist"), **action)
        assert rows.get().status == "revoked"

    def test_buttons_of_jobs(self) -> None:
        jobs = BulkEnrollmentJob.objects.all()
        self.assert_waits(jobs, admin("bulkenrollmentjob_cancel", self.job.pk))
        self.assert_waits(jobs, admin("bulkenrollmentjob_retry", self.job.pk))
        self.assert_waits(jobs, admin("bulkenrollmentjob_confirm", self.draft.pk), **confirm_fields(self.draft))
        assert BulkEnrollmentJob.objects.get(pk=self.draft.pk).state == JobState.FINISHED

    def test_the_bulk_form(self) -> None:
        typed = {"operation": "enroll", "learning_paths": str(self.path.pk), "emails": "a@example.com\nb@example.com"}
        self.assert_waits(User.objects.filter(pk=self.sam.pk), admin("bulkenrollmentjob_add"), **typed, reason="Why")
        draft = BulkEnrollmentJob.objects.latest("pk")
        assert (draft.state, draft.total) == (JobState.DRAFT, 2)

    def test_a_learning_path(self) -> None:
        url = admin("learningpath_delete", self.path.pk)
        LearningPathEnrollment.objects.all().delete()
        LearningPathEnrollmentAllowed.objects.all().delete()
        self.assert_waits(LearningPath.objects.all(), url, post="yes")
        assert not LearningPath.objects.exists()

    def test_the_list_of_course_enrollments(self) -> None:
        row = StepEnrollment.objects.create(enrollment=self.enrollment, course_key=COURSE, state="failed")
        action = {"action": "try_again", "_selected_action": str(row.pk)}
        self.assert_waits(StepEnrollment.objects.all(), admin("stepenrollment_changelist"), **action)

    def test_the_list_of_enrollments_tells_which(self) -> None:
        """One that is locked costs the others nothing."""
        api.enroll(make_user("ben"), self.path, acting_user=None)
        ids = [str(pk) for pk in LearningPathEnrollment.objects.values_list("pk", flat=True)]
        typed = {"action": "unenroll_selected", "_selected_action": ids, "post": "yes", "reason": "R"}
        rows = LearningPathEnrollment.objects.filter(user=self.ana)
        with held(rows), impatient(), self.assertLogs("learning_paths", "ERROR"):
            response = self.web.post(admin("learningpathenrollment_changelist"), typed, follow=True)
        texts = [str(message) for message in response.context["messages"]]
        assert [text.split(":")[0] for text in texts] == [
            "1 enrollment was ended.",
            "1 of the selected could not be changed",
        ]


class PageTests(BusyTestCase):
    """Learners read it on the page of the path."""

    def setUp(self) -> None:
        super().setUp()
        self.web.force_login(self.ana)

    def test_starting_a_course(self) -> None:
        url = reverse("learning_paths:learner-start", args=[KEY])
        with held(LearningPathEnrollment.objects.all()), impatient(), self.assertLogs("learning_paths", "WARNING"):
            page = self.web.post(url, {"course_key": COURSE}, follow=True)
        self.assertContains(page, str(BUSY))
        assert COURSE in self.web.post(url, {"course_key": COURSE})["Location"]

    def test_enrolling_again(self) -> None:
        api.unenroll(self.ana, self.path, acting_user=None)
        url = reverse("learning_paths:learner-enroll", args=[KEY])
        with held(LearningPathEnrollment.objects.all()), impatient(), self.assertLogs("learning_paths", "WARNING"):
            self.assertContains(self.web.post(url, follow=True), str(BUSY))
        with deadlock_at(LearningPathEnrollment.history.model, times=1):
            self.assertContains(self.web.post(url, follow=True), "You are enrolled in")
