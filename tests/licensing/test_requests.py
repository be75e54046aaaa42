"""Whoever waits for a response does not wait for minutes: each edge bounds what it asks about licenses."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.test import override_settings

from learning_paths.licensing.asking import current_asking
from learning_paths.licensing.base import ContentKey, LicenseHolder, PlanData
from learning_paths.licensing.plans import PlanBackend
from learning_paths.models import BulkEnrollmentJob, License
from tests.admin.base import admin_url, confirm_fields
from tests.admin.test_bulk_subscription import ADD, SubscriptionFormCase
from tests.rest_api.base import OPEN
from tests.rest_api.test_enroll_learners import URL as LISTED
from tests.rest_api.test_license_enrollment import BULK, DS, LicenseEnrollmentCase


class Recording(PlanBackend):
    """The built-in plans, which note down for each question when the request began to ask."""

    asked: ClassVar[list[float | None]] = []

    def get_plan(self, uuid: UUID) -> PlanData:
        self.asked.append(current_asking().request_since)
        return super().get_plan(uuid)

    def plans_for(self, user: User) -> list[PlanData]:
        self.asked.append(current_asking().request_since)
        return super().plans_for(user)

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        self.asked.append(current_asking().request_since)
        return super().valid_licenses(plan, emails)

    def covered(self, plan: PlanData, keys: Collection[ContentKey]) -> set[ContentKey]:
        self.asked.append(current_asking().request_since)
        return super().covered(plan, keys)

    def holders(self, licenses: Collection[UUID]) -> dict[UUID, LicenseHolder] | None:
        self.asked.append(current_asking().request_since)
        return super().holders(licenses)

    @classmethod
    def assert_bounded(cls, questions: int) -> None:
        """So many questions were asked, and all of them have one beginning; forget them."""
        assert len(cls.asked) == questions
        assert None not in cls.asked
        assert len(set(cls.asked)) == 1
        cls.asked.clear()


recording = override_settings(LEARNING_PATHS_LICENSE_BACKEND=f"{__name__}.Recording")


@recording
class RestTests(LicenseEnrollmentCase):
    """The endpoints."""

    def setUp(self) -> None:
        super().setUp()
        Recording.asked.clear()

    def test_the_bulk_endpoint(self) -> None:
        body = {"emails": "ana@example.com", "learning_paths": OPEN, "subscription": str(self.plan.uuid)}
        self.assert_json(self.client.post(BULK, body, format="json"), 201)
        Recording.assert_bounded(3)

    def test_the_holders_of_licenses(self) -> None:
        self.send(202, enroll_all=True, course_run_keys=DS)
        Recording.assert_bounded(3)

    def test_a_list_with_licenses(self) -> None:
        license_uuid = str(License.objects.get(email="ana@example.com").uuid)
        entry = {"email": "ana@example.com", "course_run_key": DS, "license_uuid": license_uuid}
        self.assert_json(self.client.post(LISTED, {"licenses_info": [entry]}, format="json"), 201)
        Recording.assert_bounded(2)


@recording
class AdminTests(SubscriptionFormCase):
    """The form, the preview, and a job that is run at once."""

    def test_all_the_way(self) -> None:
        plan = self.make_plan()
        Recording.asked.clear()
        self.client.get(f"{ADD}?subscription={plan.uuid}")
        Recording.assert_bounded(3)
        self.send(subscription=str(plan.uuid), learning_paths=[self.path.pk], emails="ana@x.org")
        Recording.assert_bounded(6)
        job = BulkEnrollmentJob.objects.get()
        self.client.get(admin_url("bulkenrollmentjob", "change", job.pk))
        assert Recording.asked == []
        self.client.post(admin_url("bulkenrollmentjob", "confirm", job.pk), confirm_fields(job))
        Recording.assert_bounded(2)
        job.refresh_from_db()
        assert job.counts == {"enrolled": 1}
