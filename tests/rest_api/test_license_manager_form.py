"""``bulk-license-enrollment`` as license-manager's clients use it: a POST that becomes a job, a GET for its result."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import ddt
from django.db import transaction
from rest_framework.test import APIClient

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob
from sandbox.courses.models import CourseEnrollment
from tests.rest_api.base import OPEN
from tests.rest_api.test_license_enrollment import DS, URL, WEB, LicenseEnrollmentCase

CUSTOMER = "378d5bf0-f67d-4bf7-8b2a-cbbc53d0f772"


class LicenseManagerCase(LicenseEnrollmentCase):
    """Sends what frontend-app-admin-portal sends."""

    def post(self, status: int, query: dict[str, Any] | None = None, **body: Any) -> Any:
        query = {"enterprise_customer_uuid": CUSTOMER, "subscription_uuid": self.plan.uuid, **(query or {})}
        body = {"emails": ["ana@example.com"], "course_run_keys": [DS], "notify": False, **body}
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            response = self.client.post(f"{URL}?{urlencode(query)}", body, format="json")
        return self.assert_json(response, status)

    def ask(self, status: int, **query: Any) -> Any:
        return self.assert_json(self.client.get(f"{URL}?{urlencode(query)}"), status)


@ddt.ddt
class PostTests(LicenseManagerCase):
    """With the customer in the query everything becomes a job."""

    def test_201_and_the_id_of_a_job(self) -> None:
        answer = self.post(201, emails=["ana@example.com", "ben@example.com"], course_run_keys=[DS, WEB])
        job = BulkEnrollmentJob.objects.get()
        assert answer == {"job_id": str(job.uuid)}
        assert job.counts == {"enrolled": 1, "unlicensed": 1, "uncovered": 1}
        assert CourseEnrollment.objects.get().user == self.people["ana"]

    def test_everybody_whatever_addresses_are_there(self) -> None:
        self.post(201, {"enroll_all": "true"}, emails=["ben@example.com"])
        assert BulkEnrollmentJob.objects.get().counts == {"enrolled": 1, "invited": 1}

    def test_false_is_false(self) -> None:
        self.post(201, {"enroll_all": "false"})
        assert BulkEnrollmentJob.objects.get().counts == {"enrolled": 1}

    def test_nobody_who_has_a_license_is_a_job_that_says_so(self) -> None:
        self.post(201, emails=["ben@example.com"])
        job = BulkEnrollmentJob.objects.get()
        assert (job.state, job.counts) == (JobState.FINISHED, {"unlicensed": 1})

    @ddt.data({"enterprise_customer_uuid": "acme"}, {"subscription_uuid": ""}, {"enroll_all": "perhaps"})
    def test_400_names_what_is_wrong_in_the_query(self, query: dict[str, Any]) -> None:
        assert set(self.post(400, query)) == set(query)
        assert not BulkEnrollmentJob.objects.exists()

    def test_without_the_customer_nothing_changes(self) -> None:
        answer = self.send(201, emails="ana@example.com", course_run_keys=DS)
        assert len(answer["successes"]) == 1
        response = self.client.post(
            f"{URL}?subscription_uuid={self.plan.uuid}&enroll_all=true",
            {"emails": "ana@example.com", "course_run_keys": DS},
            format="json",
        )
        assert set(self.assert_json(response, 400)) == {"emails"}


@ddt.ddt
class GetTests(LicenseManagerCase):
    """The result of a job."""

    def job(self) -> BulkEnrollmentJob:
        work = api.license_gate(api.prepare_bulk("ana@example.com, ben@example.com", [OPEN]), self.plan.uuid)
        return api.queue_bulk_job(work, acting_user=self.people["sam"])

    def test_there_is_no_result_before_the_job_is_over(self) -> None:
        job = self.job()
        for state in (JobState.QUEUED, JobState.RUNNING):
            BulkEnrollmentJob.objects.update(state=state)
            answer = self.ask(200, enterprise_customer_uuid=CUSTOMER, bulk_enrollment_job_uuid=job.uuid)
            assert answer == {"job_id": str(job.uuid), "download_url": None}

    @ddt.data(JobState.FINISHED, JobState.CANCELLED, JobState.FAILED)
    def test_the_result_is_csv_at_an_address(self, state: JobState) -> None:
        job = self.job()
        api.run_bulk_job(job.pk)
        BulkEnrollmentJob.objects.update(state=state)
        address = self.ask(200, bulk_enrollment_job_uuid=job.uuid)["download_url"]
        response: Any = self.client.get(urlsplit(address).path)
        rows = list(csv.reader(StringIO(b"".join(response).decode())))
        assert [row[:3] for row in rows] == [
            ["email address", "learning path", "enrollment status"],
            ["ben@example.com", "", "unlicensed"],
            ["ana@example.com", OPEN, "enrolled"],
        ]

    def test_what_was_posted_can_be_asked_for(self) -> None:
        posted = self.post(201)
        answer = self.ask(200, enterprise_customer_uuid=CUSTOMER, bulk_enrollment_job_uuid=posted["job_id"])
        assert answer["job_id"] == posted["job_id"]
        assert answer["download_url"]

    def test_400_names_the_parameter(self) -> None:
        for query in ({}, {"bulk_enrollment_job_uuid": ""}, {"bulk_enrollment_job_uuid": "7"}):
            assert set(self.ask(400, **query)) == {"bulk_enrollment_job_uuid"}
        query = {"enterprise_customer_uuid": "acme", "bulk_enrollment_job_uuid": str(uuid4())}
        assert set(self.ask(400, **query)) == {"enterprise_customer_uuid"}

    def test_404_for_none_and_for_the_draft_of_somebody_else(self) -> None:
        self.ask(404, bulk_enrollment_job_uuid=uuid4())
        draft = api.draft_bulk_job(api.prepare_bulk("ana@example.com", [OPEN]), acting_user=self.people["una"])
        self.ask(404, bulk_enrollment_job_uuid=draft.uuid)

    def test_only_staff_may(self) -> None:
        job = self.job()
        for name, status in (("ana", 403), (None, 401)):
            self.act_as(name)
            self.ask(status, bulk_enrollment_job_uuid=job.uuid)
        assert APIClient().get(URL).status_code == 401
