"""What the bulk endpoints say of learners whose account is not active, or has another address than the one named."""

from __future__ import annotations

import json
from typing import Any

from django.core import mail
from django.test import override_settings

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from tests.factories import make_path, make_user
from tests.rest_api.base import RestTestCase, SavepointClient

URL = "/api/v1/enrollment/bulk_enroll/"
OLD_URL = "/api/learning_paths/v1/enrollments/bulk-enroll/"
KEY = "path-v1:DemoX+TOLD+2026"


class AccountsToldTests(RestTestCase):
    """Sam of the staff asks."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(KEY)
        self.learner = make_user("dea", email="self@example.org")
        self.act_as("sam")

    def send(self, method: str, email: str, url: str = URL, **more: Any) -> Any:
        body = {"learning_paths": KEY, "emails": email, **more}
        return getattr(self.client, method)(url, data=json.dumps(body), content_type="application/json")

    def deactivate(self) -> None:
        self.learner.is_active = False
        self.learner.save()

    def test_who_enrolled_and_is_not_active_is_enrolled_already_and_gets_no_mail(self) -> None:
        self.deactivate()
        api.enroll(self.learner, self.path, acting_user=self.learner)
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.send("post", "self@example.org", notify=True)
        assert answer.status_code == 201
        body = answer.json()
        assert body["successes"] == [
            {
                "email": "self@example.org",
                "learning_path": KEY,
                "username": "dea",
                "created": False,
                "code": "already_enrolled_not_active",
            }
        ]
        assert body["pending"] == body["failures"] == []
        assert body["notifications"]["sent"] == body["notifications"]["queued"] == 0
        assert mail.outbox == []

    def test_who_was_enrolled_by_the_address_and_deactivated(self) -> None:
        self.send("post", "self@example.org")
        self.deactivate()
        [row] = self.send("post", "self@example.org").json()["successes"]
        assert row["code"] == "already_enrolled_not_active"

    def test_who_left_waits_and_gets_no_mail(self) -> None:
        self.send("post", "self@example.org")
        self.deactivate()
        self.send("delete", "self@example.org")
        with self.captureOnCommitCallbacks(execute=True):
            body = self.send("post", "self@example.org", notify=True).json()
        assert body["pending"] == [
            {"email": "self@example.org", "learning_path": KEY, "created": True, "code": "not_active"}
        ]
        assert body["enrollment_allowed_created"] == 1
        assert mail.outbox == []

    def test_an_address_that_was_changed_is_told_with_the_account(self) -> None:
        self.send("post", "self@example.org")
        self.learner.email = "dea@elsewhere.org"
        self.learner.save()
        for dry_run in (True, False):
            answer = self.send("delete", "self@example.org", dry_run=dry_run)
            assert answer.status_code == 400
            [row] = answer.json()["failures"]
            assert (row["code"], row["username"]) == ("address_changed", "dea")
            assert "has another address now" in row["reason"]
        assert LearningPathEnrollment.objects.get(user=self.learner).is_active

    def test_by_the_username_it_is_unenrolled(self) -> None:
        self.test_an_address_that_was_changed_is_told_with_the_account()
        answer = self.client.delete(f"/api/v1/learning-path-enrollment/{KEY}?username=dea")
        assert answer.status_code == 204

    def test_the_route_of_0_5_0_tells_it_too(self) -> None:
        self.send("post", "self@example.org")
        self.learner.email = "dea@elsewhere.org"
        self.learner.save()
        answer = self.send("delete", "self@example.org", OLD_URL)
        assert answer.status_code == 200
        assert answer.json()["enrollments_unenrolled"] == 0
        [row] = answer.json()["failures"]
        assert (row["code"], row["username"]) == ("address_changed", "dea")

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=0)
    def test_so_does_the_result_of_a_job(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=10):
            self.send("post", "self@example.org")
        self.learner.email = "dea@elsewhere.org"
        self.learner.save()
        with self.captureOnCommitCallbacks(execute=True):
            answer = self.send("delete", "self@example.org")
        assert answer.status_code == 202
        answer = self.client.get(answer.json()["job"]["results_url"])
        results = answer.getvalue().decode()
        assert "address_changed" in results
        assert "The username is dea." in results
