"""Course runs take the platform its time: how many pairs of them one request handles, and what becomes of more."""

from __future__ import annotations

from typing import Any

import ddt
from django.test import override_settings

from learning_paths import api
from learning_paths.models import BulkEnrollmentJob
from sandbox.courses.models import CourseEnrollment
from tests.rest_api.base import OPEN
from tests.rest_api.test_enroll_learners import DS, WEB
from tests.rest_api.test_enroll_learners import URL as LISTED
from tests.rest_api.test_license_enrollment import BULK, LicenseEnrollmentCase

TWO = "ana@example.com ben@example.com"


@ddt.ddt
@override_settings(LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT=2)
class CourseLimitTests(LicenseEnrollmentCase):
    """A request handles two pairs of courses here, and a thousand of learning paths."""

    def bulk(self, status: int, **body: Any) -> Any:
        return self.assert_json(self.client.post(BULK, body, format="json"), status)

    def test_as_many_as_a_request_handles_are_done_at_once(self) -> None:
        self.bulk(201, emails=TWO, course_run_keys=DS, learning_paths=OPEN)
        assert CourseEnrollment.objects.count() == 2
        assert not BulkEnrollmentJob.objects.exists()

    @ddt.data({"course_run_keys": [DS, WEB]}, {"course_run_keys": [DS, WEB], "learning_paths": OPEN})
    def test_more_become_a_job(self, content: dict[str, Any]) -> None:
        answer = self.bulk(202, emails=TWO, **content)
        assert answer["job"]["state"] == "queued"
        assert answer["job"]["course_run_keys"] == [DS, WEB]
        assert not CourseEnrollment.objects.exists()

    def test_a_dry_run_of_more_is_a_draft(self) -> None:
        answer = self.bulk(202, emails=TWO, course_run_keys=[DS, WEB], dry_run=True)
        assert answer["job"]["state"] == "draft"

    def test_learning_paths_have_the_other_limit(self) -> None:
        self.bulk(201, emails=f"{TWO} new@example.com", learning_paths=OPEN)
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=2):
            self.bulk(202, emails=f"{TWO} new@example.com", learning_paths=OPEN)

    def test_the_other_limit_counts_courses_too(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=3):
            self.bulk(202, emails=TWO, course_run_keys=DS, learning_paths=OPEN)

    def test_only_what_the_subscription_leaves_is_counted(self) -> None:
        self.send(202, emails=f"{TWO} new@example.com", course_run_keys=[DS, WEB])
        assert not BulkEnrollmentJob.objects.exists()

    @override_settings(LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT=1)
    def test_holders_of_licenses_become_a_job(self) -> None:
        answer = self.send(202, enroll_all=True, course_run_keys=[DS])
        assert answer["job"]["total"] == 2
        assert not CourseEnrollment.objects.exists()

    def test_the_default_is_a_hundred(self) -> None:
        emails = [f"new{number}@example.com" for number in range(101)]
        with override_settings(LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT=100):
            assert not api.prepare_bulk(emails[:100], course_keys=[DS]).is_too_much_for_a_request
            assert api.prepare_bulk(emails, course_keys=[DS]).is_too_much_for_a_request


@ddt.ddt
class ListedLimitTests(LicenseEnrollmentCase):
    """Clients of ``enroll_learners_in_courses`` know no jobs; license-manager sends 25 x 25 entries at once."""

    def entries(self, number: int) -> list[dict[str, str]]:
        return [{"email": f"new{each}@example.com", "course_run_key": DS} for each in range(number)]

    def listed(self, status: int, number: int) -> Any:
        return self.assert_json(
            self.client.post(LISTED, {"licenses_info": self.entries(number)}, format="json"), status
        )

    def test_what_license_manager_sends_is_taken(self) -> None:
        assert len(self.listed(202, 625)["pending"]) == 625

    @ddt.data((1000, 100, 625), (1000, 2, 625), (1000, 700, 700), (10, 100, 10), (10, 5, 10))
    @ddt.unpack
    def test_more_are_refused_with_the_number(self, limit: int, course_limit: int, most: int) -> None:
        with override_settings(
            LEARNING_PATHS_BULK_SYNC_LIMIT=limit, LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT=course_limit
        ):
            answer = self.listed(400, most + 1)
        (text,) = answer["licenses_info"]
        assert str(most) in text
        assert not CourseEnrollment.objects.exists()
