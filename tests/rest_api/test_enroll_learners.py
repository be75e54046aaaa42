"""``POST /api/v1/enroll_learners_in_courses/``: learners and course runs, named one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import ddt
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning_paths import api
from learning_paths.exceptions import CourseEnrollmentFailed
from learning_paths.lms import get_lms
from learning_paths.models import License, SubscriptionPlan
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.factories import make_user
from tests.rest_api.base import RestTestCase, SavepointClient

URL = "/api/v1/enroll_learners_in_courses/"
DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"


class EnrollLearnersCase(RestTestCase):
    """Two course runs, besides the people of the other tests. Sam acts."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.ds = CourseRun.objects.create(course_key=DS, display_name="Data Science")
        self.web = CourseRun.objects.create(course_key=WEB, display_name="Web")
        self.act_as("sam")

    def close(self, run: CourseRun) -> None:
        run.enrollment_end = timezone.now() - timedelta(days=1)
        run.save()

    def success(self, name: str, course: str, *, created: bool = True) -> dict[str, Any]:
        """What the answer says of somebody who is enrolled."""
        return {
            "user_id": self.people[name].pk,
            "email": f"{name}@example.com",
            "course_run_key": course,
            "username": name,
            "created": created,
            "activation_link": None,
        }

    def send(self, status: int, *entries: dict[str, Any], name: str = "enrollments_info", **fields: Any) -> Any:
        body = {name: list(entries), **fields}
        return self.assert_json(self.client.post(URL, body, format="json"), status)


@ddt.ddt
class EnrollLearnersTests(EnrollLearnersCase):
    """Each status, and what the body says."""

    @ddt.data("enrollments_info", "licenses_info")
    def test_201_when_all_are_enrolled(self, name: str) -> None:
        answer = self.send(
            201,
            {"email": "Ana@example.com", "course_run_key": DS},
            {"user_id": self.people["ben"].pk, "course_run_key": WEB},
            name=name,
        )
        assert answer == {
            "successes": [
                self.success("ana", DS),
                self.success("ben", WEB),
            ],
            "pending": [],
            "failures": [],
        }
        assert CourseEnrollment.objects.filter(is_active=True).count() == 2

    def test_a_repeat_creates_nothing(self) -> None:
        entry = {"email": "ana@example.com", "course_run_key": DS}
        self.send(201, entry)
        assert self.send(201, entry, entry)["successes"] == [self.success("ana", DS, created=False)]

    def test_202_while_somebody_has_no_active_account(self) -> None:
        answer = self.send(
            202,
            {"email": "ana@example.com", "course_run_key": DS},
            {"email": "new@example.com", "course_run_key": DS},
            {"email": "ida@example.com", "course_run_key": DS},
        )
        assert [row["email"] for row in answer["successes"]] == ["ana@example.com"]
        assert answer["pending"] == [
            {"user_id": pk, "email": email, "course_run_key": DS, "created": True, "activation_link": None}
            for pk, email in ((None, "new@example.com"), (self.people["ida"].pk, "ida@example.com"))
        ]

    def test_409_for_a_failure_and_the_others_are_enrolled(self) -> None:
        self.close(self.web)
        answer = self.send(
            409,
            {"email": "ana@example.com", "course_run_key": WEB},
            {"email": "ben@example.com", "course_run_key": WEB, "force_enrollment": True},
            {"email": "ben@example.com", "course_run_key": "course-v1:No+Such+Run"},
            {"email": "new@example.com", "course_run_key": DS},
        )
        assert [(row["email"], row["code"]) for row in answer["failures"]] == [
            ("ana@example.com", "course_enrollment_closed"),
            ("ben@example.com", "course_not_found"),
        ]
        assert all(row["reason"] for row in answer["failures"])
        assert [row["email"] for row in answer["successes"]] == ["ben@example.com"]
        assert [row["email"] for row in answer["pending"]] == ["new@example.com"]

    def test_409_for_what_is_no_address_or_account(self) -> None:
        answer = self.send(
            409,
            {"email": "nope", "course_run_key": DS},
            {"user_id": 987654, "course_run_key": DS},
            {"email": "ana@example.com", "course_run_key": DS},
        )
        assert answer["invalid_email_addresses"] == ["nope"]
        assert answer["invalid_user_ids"] == [987654]
        assert len(answer["successes"]) == 1

    def test_one_enrollment_that_breaks_breaks_nothing_else(self) -> None:
        lms = get_lms()
        enroll = lms.enroll_in_course

        def breaks_for_ana(user: Any, *args: Any, **options: Any) -> Any:
            if user.username == "ana":
                raise CourseEnrollmentFailed
            return enroll(user, *args, **options)

        with patch.object(type(lms), "enroll_in_course", side_effect=breaks_for_ana):
            answer = self.send(
                409,
                {"email": "ana@example.com", "course_run_key": DS},
                {"email": "ben@example.com", "course_run_key": DS},
            )
        assert [(row["email"], row["code"]) for row in answer["failures"]] == [
            ("ana@example.com", "course_enrollment_failed")
        ]
        assert [row["email"] for row in answer["successes"]] == ["ben@example.com"]

    @ddt.data(
        {},
        {"enrollments_info": []},
        {"enrollments_info": "ana@example.com"},
        {"enrollments_info": ["ana@example.com"]},
        {"enrollments_info": [{"email": "ana@example.com"}]},
        {"enrollments_info": [{"course_run_key": DS}]},
        {"enrollments_info": [{"email": "ana@example.com", "course_run_key": None}]},
        {"enrollments_info": [{"email": ["ana@example.com"], "course_run_key": DS}]},
        {"enrollments_info": [{"user_id": "x", "course_run_key": DS}]},
        {"enrollments_info": [{"user_id": 10**30, "course_run_key": DS}]},
        {"enrollments_info": [{"email": "ana@example.com", "course_run_key": DS, "license_uuid": "x"}]},
        {"enrollments_info": [{"email": "ana@example.com", "course_run_key": DS, "force_enrollment": "perhaps"}]},
        {"enrollments_info": [{"email": "ana@example.com", "course_run_key": DS}], "unheard": 1},
        {
            "enrollments_info": [{"email": "ana@example.com", "course_run_key": DS}],
            "licenses_info": [{"email": "ana@example.com", "course_run_key": DS}],
        },
        [],
        None,
        "text",
    )
    def test_400_when_the_body_is_not_of_this_form(self, body: Any) -> None:
        self.assert_json(self.client.post(URL, body, format="json"), 400)
        assert not CourseEnrollment.objects.exists()

    def test_400_for_more_than_a_request_handles(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1):
            self.send(400, *[{"email": f"{n}@x.org", "course_run_key": DS} for n in range(2)])

    def test_only_staff_may(self) -> None:
        for name, status in (("ana", 403), (None, 401)):
            self.act_as(name)
            self.send(status, {"email": "ana@example.com", "course_run_key": DS})

    def test_it_answers_with_and_without_a_slash(self) -> None:
        body = {"enrollments_info": [{"email": "ana@example.com", "course_run_key": DS}]}
        assert self.client.post(URL.rstrip("/"), body, format="json").status_code == 201


class LicensedEntriesTests(EnrollLearnersCase):
    """Entries that name a license."""

    def setUp(self) -> None:
        super().setUp()
        now = timezone.now()
        self.plan = SubscriptionPlan.objects.create(
            title="Plan",
            start_date=now - timedelta(days=1),
            expiration_date=now + timedelta(days=1),
            num_licenses=5,
        )
        self.plan.courses.create(course_key=DS)
        api.assign_licenses(self.plan, "ana@example.com ben@example.com", acting_user=self.people["sam"])
        self.license = License.objects.get(email="ana@example.com")

    def entry(self, email: str = "ana@example.com", course: str = DS, license_uuid: Any = None) -> dict[str, Any]:
        return {"email": email, "course_run_key": course, "license_uuid": str(license_uuid or self.license.uuid)}

    def refused(self, **entry: Any) -> None:
        answer = self.send(409, self.entry(**entry), name="licenses_info")
        assert [row["code"] for row in answer["failures"]] == ["license_not_valid"]
        assert not CourseEnrollment.objects.exists()

    def test_a_valid_license_of_the_learner_that_covers_the_course_is_taken(self) -> None:
        self.send(201, self.entry(), name="licenses_info")

    def test_a_revoked_license_is_refused(self) -> None:
        api.revoke_license(self.plan, "ana@example.com", acting_user=None)
        self.refused()

    def test_the_license_of_somebody_else_is_refused(self) -> None:
        self.refused(email="ben@example.com")

    def test_an_unknown_license_is_refused(self) -> None:
        self.refused(license_uuid=uuid4())

    def test_a_license_that_does_not_cover_the_course_is_refused(self) -> None:
        self.refused(course=WEB)

    def test_the_license_of_an_expired_plan_is_refused(self) -> None:
        SubscriptionPlan.objects.update(expiration_date=timezone.now() - timedelta(hours=1))
        self.refused()

    def test_licenses_are_looked_up_at_once(self) -> None:
        for n in range(6):
            make_user(f"l{n}", email=f"l{n}@example.com")
        SubscriptionPlan.objects.update(num_licenses=50)
        api.assign_licenses(self.plan, " ".join(f"l{n}@example.com" for n in range(6)), acting_user=None)
        licenses = dict(License.objects.values_list("email", "uuid"))
        revoked = list(licenses)
        for email in revoked:
            api.revoke_license(self.plan, email, acting_user=None)

        def queries(emails: list[str]) -> int:
            entries = [self.entry(email, DS, licenses[email]) for email in emails]
            with CaptureQueriesContext(connection) as captured:
                self.send(409, *entries, name="licenses_info")
            return len(captured)

        assert queries(revoked[:1]) == queries(revoked[1:])
