"""Requests that have the learners told by e-mail, and what the answers say of it."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.core import mail
from django.test import override_settings
from kombu.exceptions import OperationalError as BrokerError
from opaque_keys.edx.keys import CourseKey

from learning_paths import api, tasks
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment
from sandbox.courses.models import CourseRun
from tests.factories import make_plan
from tests.rest_api.base import OPEN, CommittingTestCase, RestTestCase, SavepointClient

URL = "/api/v1/enrollment/bulk_enroll/"
JOBS = "/api/v1/bulk-enrollment-jobs/"
RUNS = [f"course-v1:DemoX+C{number}+2026" for number in range(5)]
NOBODY_LISTENS = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1, "EMAIL_TIMEOUT": 2}


def recipients() -> list[str]:
    """Return to whom something was sent."""
    return sorted(address for message in mail.outbox for address in message.to)


@ddt.ddt
class RequestTests(RestTestCase):
    """What a request does itself. Without a broker it sends the e-mails itself too."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")
        for key in RUNS:
            CourseRun.objects.create(course_key=CourseKey.from_string(key), display_name=key[-7:])

    def send(self, status: int = 201, method: str = "post", **data: Any) -> Any:
        data = {"learning_paths": OPEN, "emails": "ana@example.com, new@example.com", "notify": True, **data}
        return self.assert_json(getattr(self.client, method)(URL, data, format="json"), status)

    def test_those_for_whom_something_changed_are_told(self) -> None:
        self.enroll("ben")
        body = self.send(emails="ana@example.com, ben@example.com, new@example.com, nope")
        assert body["notifications"] == {"queued": 0, "sent": 2, "withheld": 0, "failed": 0}
        assert recipients() == ["ana@example.com", "new@example.com"]

    def test_a_repeat_tells_nobody(self) -> None:
        self.send()
        mail.outbox.clear()
        assert self.send()["notifications"] == {"queued": 0, "sent": 0, "withheld": 0, "failed": 0}
        assert mail.outbox == []

    @ddt.data({"notify": False}, {"notify": "false"})
    def test_nobody_is_told_who_is_not_to_be(self, data: dict[str, Any]) -> None:
        assert "notifications" not in self.send(**data)
        assert mail.outbox == []

    def test_a_dry_run_tells_nobody(self) -> None:
        assert "notifications" not in self.send(200, dry_run=True)
        assert mail.outbox == []

    def test_what_is_neither_yes_nor_no(self) -> None:
        assert list(self.send(400, notify="perhaps")) == ["notify"]

    def test_nobody_is_told_of_unenrolling(self) -> None:
        self.enroll("ana")
        assert self.send(400, "delete") == {"notify": ["Learners are told of enrollments only."]}
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 1
        self.send(200, "delete", notify=False)
        assert mail.outbox == []

    def test_one_learner_in_five_courses_gets_one_message(self) -> None:
        entries = [{"email": "ana@example.com", "course_run_key": key} for key in RUNS]
        body = {"enrollments_info": entries, "notify": True}
        answer = self.client.post("/api/v1/enroll_learners_in_courses/", body, format="json")
        assert self.assert_json(answer, 201)["notifications"]["sent"] == 1
        [message] = mail.outbox
        assert all(key[-7:] in str(message.body) for key in RUNS)

    def test_the_holders_of_licenses(self) -> None:
        plan = make_plan()
        plan.learning_paths.add(self.open)
        api.assign_licenses(plan, "ana@example.com", acting_user=self.people["sam"])
        body = {"emails": "ana@example.com, ben@example.com", "learning_paths": OPEN, "notify": True}
        url = f"/api/v1/bulk-license-enrollment/?subscription_uuid={plan.uuid}"
        answer = self.client.post(url, body, format="json")
        assert answer.json()["notifications"]["sent"] == 1
        assert recipients() == ["ana@example.com"]

    @override_settings(**NOBODY_LISTENS)
    def test_a_mail_server_that_is_down_is_told_and_undoes_nothing(self) -> None:
        with self.assertLogs("learning_paths", "ERROR"):
            body = self.send()
        assert body["notifications"] == {"queued": 0, "sent": 0, "withheld": 0, "failed": 2}
        assert (body["enrollments_created"], body["enrollment_allowed_created"]) == (1, 1)
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 1

    def test_with_a_worker_they_wait(self) -> None:
        with mock.patch.object(tasks.send_notices, "delay") as delay:
            assert self.send()["notifications"] == {"queued": 2, "sent": 0, "withheld": 0, "failed": 0}
        assert [notice["email"] for notice in delay.call_args.args[0]] == ["ana@example.com", "new@example.com"]

    def test_without_the_broker_they_are_not_sent(self) -> None:
        with (
            mock.patch.object(tasks.send_notices, "delay", side_effect=BrokerError("refused")),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            body = self.send()
        assert body["notifications"] == {"queued": 0, "sent": 0, "withheld": 0, "failed": 2}
        assert body["enrollments_created"] == 1


@override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
class JobTests(CommittingTestCase):
    """What a job does."""

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")

    def send(self, **data: Any) -> Any:
        data = {"learning_paths": OPEN, "emails": "ana@example.com, new@example.com", "notify": True, **data}
        return self.assert_json(self.client.post(URL, data, format="json"), 202)["job"]

    def test_it_tells_when_it_is_over(self) -> None:
        job = self.send()
        assert (job["state"], job["notify"]) == ("finished", True)
        assert job["notifications"] == {"queued": 0, "sent": 2, "withheld": 0, "failed": 0, "unknown": 0}
        assert recipients() == ["ana@example.com", "new@example.com"]

    def test_a_quiet_one(self) -> None:
        job = self.send(notify=False)
        assert (job["notify"], job["notifications"]) == (False, None)
        assert mail.outbox == []

    def test_a_draft_tells_nobody_before_it_is_confirmed(self) -> None:
        job = self.send(dry_run=True)
        assert (job["state"], job["notify"]) == ("draft", True)
        assert job["notifications"] == {"queued": 0, "sent": 0, "withheld": 0, "failed": 0, "unknown": 0}
        assert mail.outbox == []
        job = self.assert_json(self.client.post(f"{JOBS}{job['uuid']}/confirm/"), 202)
        assert job["notifications"]["sent"] == 2

    def test_a_cancelled_one_whose_worker_is_gone(self) -> None:
        with mock.patch.object(tasks.run_bulk_job, "delay"):
            job = self.send()
        row = BulkEnrollmentJob.objects.get().rows.get(email="ana@example.com")
        row.code = "enrolled"
        row.save()
        job = self.assert_json(self.client.post(f"{JOBS}{job['uuid']}/cancel/"), 200)
        assert job["state"] == "cancelled"
        assert recipients() == ["ana@example.com"]
