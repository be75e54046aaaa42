"""``POST /api/v1/bulk-license-enrollment/``, and ``subscription`` at the bulk endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import ddt
from django.test import override_settings
from django.utils import timezone

from learning_paths import api
from learning_paths.exceptions import LicensesUnavailable
from learning_paths.licensing.plans import PlanBackend
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment, SubscriptionPlan
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.rest_api.base import INVITE_ONLY, OPEN, RestTestCase, SavepointClient

URL = "/api/v1/bulk-license-enrollment/"
BULK = "/api/v1/enrollment/bulk_enroll/"
DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"


class LicenseEnrollmentCase(RestTestCase):
    """A plan that covers the open path with its course run DS. Ana and somebody without an account hold licenses."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        for key in (DS, WEB):
            CourseRun.objects.create(course_key=key, display_name=key)
        self.open.steps.create(course_key=DS)
        now = timezone.now()
        self.plan = SubscriptionPlan.objects.create(
            title="Plan", start_date=now - timedelta(days=1), expiration_date=now + timedelta(days=1), num_licenses=5
        )
        self.plan.learning_paths.add(self.open)
        api.assign_licenses(self.plan, "ana@example.com new@example.com", acting_user=self.people["sam"])
        self.act_as("sam")

    def send(self, status: int, subscription: Any = None, **body: Any) -> Any:
        response = self.client.post(f"{URL}?subscription_uuid={subscription or self.plan.uuid}", body, format="json")
        return self.assert_json(response, status)


@ddt.ddt
class LicenseEnrollmentTests(LicenseEnrollmentCase):
    """Each status, and what the body says."""

    def test_the_licensed_are_enrolled_and_the_rest_is_reported(self) -> None:
        answer = self.send(
            202,
            emails=["ana@example.com", "ben@example.com", "new@example.com"],
            course_run_keys=[DS, WEB],
            learning_paths=[OPEN, INVITE_ONLY],
            reason="Cohort",
        )
        assert answer == {
            "successes": [
                {"email": "ana@example.com", "learning_path": OPEN, "username": "ana", "created": True},
                {"email": "ana@example.com", "course_run_key": DS, "username": "ana", "created": True},
            ],
            "pending": [
                {"email": "new@example.com", "learning_path": OPEN, "created": True},
                {"email": "new@example.com", "course_run_key": DS, "created": True},
            ],
            "failures": [],
            "unlicensed_email_addresses": ["ben@example.com"],
            "uncovered_content": [INVITE_ONLY, WEB],
        }
        assert not CourseEnrollment.objects.exclude(user=self.people["ana"]).exists()

    def test_201_when_all_licensed_are_enrolled(self) -> None:
        answer = self.send(201, emails="ana@example.com", course_run_keys=DS)
        assert answer["unlicensed_email_addresses"] == []

    def test_everybody_with_a_license(self) -> None:
        answer = self.send(202, enroll_all=True, learning_paths=[OPEN])
        assert [row["email"] for row in answer["successes"] + answer["pending"]] == [
            "ana@example.com",
            "new@example.com",
        ]

    def test_409_when_nobody_is_left_or_something_failed(self) -> None:
        answer = self.send(409, emails="ben@example.com", course_run_keys=DS)
        assert answer["unlicensed_email_addresses"] == ["ben@example.com"]
        answer = self.send(409, emails="ana@example.com", course_run_keys=WEB)
        assert answer["uncovered_content"] == [WEB]
        answer = self.send(409, emails="ana@example.com nope", course_run_keys=[DS, "x"], learning_paths="path-v1:x")
        assert answer["invalid_email_addresses"] == ["nope"]
        assert answer["invalid_course_run_keys"] == ["x"]
        assert answer["invalid_learning_paths"] == ["path-v1:x"]
        assert len(answer["successes"]) == 1

    def test_a_revoked_license_counts_no_more(self) -> None:
        api.revoke_license(self.plan, "ana@example.com", acting_user=None)
        answer = self.send(409, emails="ana@example.com", course_run_keys=DS)
        assert answer["unlicensed_email_addresses"] == ["ana@example.com"]
        assert not CourseEnrollment.objects.exists()

    def test_an_expired_plan_enrolls_nobody(self) -> None:
        SubscriptionPlan.objects.update(expiration_date=timezone.now() - timedelta(hours=1))
        assert set(self.send(409, emails="ana@example.com", course_run_keys=DS)) == {"detail"}
        assert not CourseEnrollment.objects.exists()

    def test_an_unknown_plan_is_404_and_a_malformed_one_400(self) -> None:
        self.send(404, uuid4(), emails="ana@example.com", course_run_keys=DS)
        self.send(400, "x", emails="ana@example.com", course_run_keys=DS)
        response = self.client.post(URL, {"emails": "ana@example.com", "course_run_keys": DS}, format="json")
        assert set(self.assert_json(response, 400)) == {"subscription_uuid"}

    def test_a_service_that_is_down_is_503_and_enrolls_nobody(self) -> None:
        with patch.object(PlanBackend, "valid_licenses", side_effect=LicensesUnavailable):
            self.send(503, emails="ana@example.com", course_run_keys=DS)
        assert not CourseEnrollment.objects.exists()

    @ddt.data(
        {},
        {"emails": "ana@example.com"},
        {"course_run_keys": DS},
        {"emails": "ana@example.com", "enroll_all": True, "course_run_keys": DS},
        {"enroll_all": "true", "course_run_keys": DS},
        {"enroll_all": 1, "course_run_keys": DS},
        {"enroll_all": False, "course_run_keys": DS},
        {"emails": "ana@example.com", "course_run_keys": DS, "unheard": 1},
        {"emails": [1], "course_run_keys": DS},
    )
    def test_400_when_the_body_is_not_of_this_form(self, body: dict[str, Any]) -> None:
        self.send(400, **body)
        assert not CourseEnrollment.objects.exists()

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
    def test_a_large_one_becomes_a_job(self) -> None:
        body = {"emails": "ana@example.com new@example.com", "course_run_keys": [DS]}
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(f"{URL}?subscription_uuid={self.plan.uuid}", body, format="json")
        answer = self.assert_json(response, 202)["job"]
        assert response["Location"] == answer["url"]
        assert (answer["subscription"], answer["course_run_keys"], answer["state"]) == (
            str(self.plan.uuid),
            [DS],
            "queued",  # the callbacks of a test run after the answer
        )
        job = BulkEnrollmentJob.objects.get()
        assert job.counts == {"enrolled": 1, "invited": 1}

    def test_only_staff_may(self) -> None:
        for name, status in (("ana", 403), (None, 401)):
            self.act_as(name)
            self.send(status, enroll_all=True, course_run_keys=DS)


class SubscriptionAtTheBulkEndpointTests(LicenseEnrollmentCase):
    """``subscription`` and ``course_run_keys`` of ``bulk_enroll``."""

    def bulk(self, status: int, method: str = "post", **body: Any) -> Any:
        return self.assert_json(getattr(self.client, method)(BULK, body, format="json"), status)

    def test_the_gate_is_the_same(self) -> None:
        answer = self.bulk(
            201,
            emails="ana@example.com ben@example.com",
            learning_paths=[OPEN, INVITE_ONLY],
            subscription=str(self.plan.uuid),
        )
        assert [row["email"] for row in answer["successes"]] == ["ana@example.com"]
        assert answer["unlicensed_email_addresses"] == ["ben@example.com"]
        assert answer["uncovered_content"] == [INVITE_ONLY]
        assert LearningPathEnrollment.objects.count() == 1

    def test_nobody_left_is_400(self) -> None:
        answer = self.bulk(
            400, emails="ben@example.com", learning_paths=OPEN, subscription=str(self.plan.uuid), dry_run=True
        )
        assert answer["unlicensed_email_addresses"] == ["ben@example.com"]

    def test_without_a_subscription_nothing_is_said_of_one(self) -> None:
        answer = self.bulk(201, emails="ben@example.com", learning_paths=OPEN)
        assert "unlicensed_email_addresses" not in answer

    def test_course_runs_go_along_or_alone(self) -> None:
        answer = self.bulk(201, emails="ben@example.com", course_run_keys=[DS, "x"])
        assert [row["course_run_key"] for row in answer["successes"]] == [DS]
        assert answer["invalid_course_run_keys"] == ["x"]

    def test_course_runs_are_not_left_here(self) -> None:
        answer = self.bulk(400, "delete", emails="ben@example.com", learning_paths=OPEN, course_run_keys=DS)
        assert set(answer) == {"course_run_keys"}
