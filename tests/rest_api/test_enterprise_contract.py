"""What clients of edx-enterprise send to ``enroll_learners_in_courses``, and look for in its answers."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock
from uuid import uuid4

import ddt
from django.apps import apps
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from learning_paths.rest_api.urls import enterprise_patterns
from sandbox.courses.models import CourseEnrollment, CourseEnrollmentAllowed, CourseRun
from tests.factories import make_user
from tests.rest_api.base import RestTestCase
from tests.rest_api.test_enroll_learners import DS, URL, WEB, EnrollLearnersCase

LINK = "https://learners.example.com/acme/licenses/5f1c/activate"


@ddt.ddt
class ModeTests(EnrollLearnersCase):
    """Data Science is offered in audit and verified, and audit is its default. Web has one mode."""

    def setUp(self) -> None:
        super().setUp()
        CourseRun.objects.filter(course_key=DS).update(modes="audit,honor,verified")

    def mode(self, name: str = "ana", course: str = DS) -> str:
        return CourseEnrollment.objects.get(user=self.people[name], course_run__course_key=course, is_active=True).mode

    def entry(self, name: str = "ana", course: str = DS) -> dict[str, Any]:
        return {"email": f"{name}@example.com", "course_run_key": course}

    @ddt.data(
        ({}, {}, "verified"),
        ({}, {"course_mode": "best"}, "verified"),
        ({}, {"course_mode": "default"}, "audit"),
        ({"LEARNING_PATHS_ENROLL_LEARNERS_MODE": "default"}, {}, "audit"),
        ({"LEARNING_PATHS_ENROLL_LEARNERS_MODE": "default"}, {"course_mode": "best"}, "verified"),
    )
    @ddt.unpack
    def test_the_request_says_in_which_or_the_setting(
        self, settings: dict[str, Any], fields: dict[str, Any], mode: str
    ) -> None:
        with override_settings(**settings):
            self.send(201, self.entry(), **fields)
        assert self.mode() == mode

    @ddt.data(
        ("honor,audit", "audit"),
        ("audit,professional,no-id-professional", "professional"),
        ("honor", "honor"),
        ("masters,credit", "masters"),
    )
    @ddt.unpack
    def test_the_best_of_those_that_are_offered(self, modes: str, best: str) -> None:
        CourseRun.objects.filter(course_key=DS).update(modes=modes)
        self.send(201, self.entry())
        assert self.mode() == best

    def test_who_is_in_a_lesser_mode_changes_to_it_once(self) -> None:
        self.send(201, self.entry(), course_mode="default")
        (row,) = self.send(201, self.entry())["successes"]
        assert (row["created"], self.mode()) == (True, "verified")
        (row,) = self.send(201, self.entry())["successes"]
        assert row["created"] is False

    @ddt.data("verified", "masters", "credit")
    def test_who_is_in_a_better_mode_or_that_of_a_degree_stays(self, mode: str) -> None:
        CourseEnrollment.objects.create(user=self.people["ana"], course_run=self.ds, mode=mode)
        CourseRun.objects.filter(course_key=DS).update(modes="audit,professional")
        (row,) = self.send(201, self.entry())["successes"]
        assert (row["created"], self.mode()) == (False, mode)

    def test_the_default_mode_leaves_everybody_in_theirs(self) -> None:
        CourseEnrollment.objects.create(user=self.people["ana"], course_run=self.ds, mode="honor")
        self.send(201, self.entry(), course_mode="default")
        assert self.mode() == "honor"

    def test_each_course_has_its_own(self) -> None:
        self.send(201, self.entry(), self.entry(course=WEB), self.entry("ben"))
        assert (self.mode(), self.mode(course=WEB), self.mode("ben")) == ("verified", "audit", "verified")

    def test_who_has_no_account_waits_as_ever(self) -> None:
        self.send(202, self.entry("new"))
        assert CourseEnrollmentAllowed.objects.get().email == "new@example.com"

    def test_the_modes_of_many_courses_are_one_query(self) -> None:
        for number in range(12):
            make_user(f"l{number}")
            CourseRun.objects.create(course_key=f"course-v1:DemoX+C{number}+2026", modes="audit,verified")

        def queries(numbers: range, mode: str) -> int:
            entries = [self.entry(f"l{number}", f"course-v1:DemoX+C{number}+2026") for number in numbers]
            self.send(201, *entries, course_mode="best")
            with CaptureQueriesContext(connection) as captured:  # nothing is left to do but to look
                self.send(201, *entries, course_mode=mode)
            return len(captured)

        assert queries(range(1), "best") == queries(range(1, 12), "best")
        assert queries(range(1), "best") == queries(range(1), "default") + 1

    @ddt.data("verified", "", None, 7, ["best"])
    def test_another_rule_is_refused(self, mode: Any) -> None:
        assert set(self.send(400, self.entry(), course_mode=mode)) == {"course_mode"}


@ddt.ddt
class FieldTests(EnrollLearnersCase):
    """Fields of the request."""

    def send(self, status: int, *entries: dict[str, Any], name: str = "enrollments_info", **fields: Any) -> Any:
        """Send ASCII: the test client can't send half a character."""
        body = json.dumps({name: list(entries), **fields})
        return self.assert_json(self.client.post(URL, body, content_type="application/json"), status)

    def entry(self, **fields: Any) -> dict[str, Any]:
        return {"email": "ana@example.com", "course_run_key": DS, **fields}

    @ddt.data({"discount": 100}, {"discount": "55.5"}, {"discount": None}, {"salesforce_id": "0065w00000abc"})
    def test_what_is_about_money_is_taken_and_ignored(self, fields: dict[str, Any]) -> None:
        self.send(201, self.entry(), **fields)

    @ddt.data(
        {"discount": "much"},
        {"discount": "1e400"},
        {"discount": 10**400},
        {"discount": "NaN"},
        {"discount": True},
        {"salesforce_id": ["x"]},
        {"salesforce_id": "\ud800"},
    )
    def test_but_has_to_make_sense(self, fields: dict[str, Any]) -> None:
        assert set(self.send(400, self.entry(), **fields)) == set(fields)

    @ddt.data({"course_run_key": "\ud800"}, {"activation_link": "\ud800"}, {"activation_link": "x" * 2001})
    def test_what_is_no_text_is_an_error_of_the_entry(self, fields: dict[str, Any]) -> None:
        answer = self.send(400, self.entry(**fields))
        assert set(answer["enrollments_info"][0]) == set(fields)

    @ddt.data("84kdbdbade7b4fcb838f8asjke8e18ae", "", 0)
    def test_credit_is_refused_by_name(self, value: Any) -> None:
        ben = {"email": "ben@example.com", "course_run_key": DS}
        answer = self.send(400, ben, self.entry(transaction_id=value))
        assert set(answer["enrollments_info"][1]) == {"transaction_id"}
        assert not CourseEnrollment.objects.exists()

    def test_no_credit_is_none(self) -> None:
        self.send(201, self.entry(transaction_id=None))

    @ddt.data({"is_default_auto_enrollment": True}, {"activation_link": LINK}, {"force_enrollment": True})
    def test_what_edx_enterprise_knows_is_taken(self, fields: dict[str, Any]) -> None:
        self.send(201, self.entry(**fields))

    def test_what_nobody_knows_is_refused_by_name(self) -> None:
        answer = self.send(400, self.entry(force_enrolment=True))
        assert set(answer["enrollments_info"][0]) == {"force_enrolment"}

    @ddt.data(("enrollments_info", "licenses_info"), ("licenses_info", "enrollments_info"))
    @ddt.unpack
    def test_an_empty_list_beside_the_other_is_none(self, full: str, empty: str) -> None:
        self.send(201, self.entry(), name=full, **{empty: []})

    def test_two_empty_lists_are_no_list(self) -> None:
        self.send(400, licenses_info=[])


@ddt.ddt
class MalformedKeyTests(EnrollLearnersCase):
    """What is no key of a course run is a failure of its own entries."""

    @ddt.data("nope", "", "course-v1:DemoX+DS", "course-v1:DemoX+DS+2026+", f"course-v1:D+D+{'x' * 300}", "é", 7)
    def test_the_others_are_enrolled(self, key: Any) -> None:
        answer = self.send(
            409,
            {"email": "ana@example.com", "course_run_key": key},
            {"email": "ben@example.com", "course_run_key": DS},
            {"user_id": self.people["ben"].pk, "course_run_key": key},
            {"email": "ana@example.com", "course_run_key": key},
        )
        assert [row["email"] for row in answer["successes"]] == ["ben@example.com"]
        assert [(row["user_id"], row["email"], row["code"]) for row in answer["failures"]] == [
            (None, "ana@example.com", "invalid_course_key"),
            (self.people["ben"].pk, "", "invalid_course_key"),
        ]
        assert {row["course_run_key"] for row in answer["failures"]} == {str(key)[:255]}
        assert all(row["reason"] for row in answer["failures"])

    def test_nobody_else_is_409_too(self) -> None:
        answer = self.send(409, {"email": "ana@example.com", "course_run_key": "nope"})
        assert len(answer["failures"]) == 1

    @ddt.data(None, [DS], {"key": DS}, True)
    def test_what_is_no_text_is_an_error_of_the_request(self, key: Any) -> None:
        self.send(400, {"email": "ana@example.com", "course_run_key": key})


class AnswerTests(EnrollLearnersCase):
    """Fields of the answer."""

    def test_the_ids_of_accounts(self) -> None:
        ana, ben, ida = (self.people[name].pk for name in ("ana", "ben", "ida"))
        self.close(self.web)
        answer = self.send(
            409,
            {"email": "ana@example.com", "course_run_key": DS},
            {"user_id": ben, "course_run_key": DS},
            {"email": "new@example.com", "course_run_key": DS},
            {"email": "ida@example.com", "course_run_key": DS},
            {"email": "ana@example.com", "course_run_key": WEB},
        )
        ids = {name: [row["user_id"] for row in answer[name]] for name in ("successes", "pending", "failures")}
        assert ids == {"successes": [ana, ben], "pending": [None, ida], "failures": [ana]}

    def test_the_link_of_the_entry_comes_back(self) -> None:
        ben = self.people["ben"].pk
        answer = self.send(
            202,
            {"email": "Ana@Example.com", "course_run_key": DS, "activation_link": LINK},
            {"user_id": ben, "course_run_key": DS, "activation_link": f"{LINK}?ben"},
            {"email": "ana@example.com", "course_run_key": WEB, "activation_link": None},
            {"email": "new@example.com", "course_run_key": DS, "activation_link": f"{LINK}?new"},
            {"email": "new@example.com", "course_run_key": WEB},
            name="licenses_info",
        )
        assert [row["activation_link"] for row in answer["successes"]] == [LINK, f"{LINK}?ben", None]
        assert [row["activation_link"] for row in answer["pending"]] == [f"{LINK}?new", None]


@ddt.ddt
class RouteTests(EnrollLearnersCase):
    """The address at which license-manager looks for edx-enterprise."""

    ADDRESS = "/enterprise/api/v1/enterprise-customer/{}/enroll_learners_in_courses/"
    BODY = {"licenses_info": [{"email": "ana@example.com", "course_run_key": DS}], "notify": False}

    def ask(self, status: int, customer: Any, *, slash: bool = True) -> Any:
        address = self.ADDRESS.format(customer)
        response = self.client.post(address if slash else address.rstrip("/"), self.BODY, format="json")
        return self.assert_json(response, status)

    def test_nothing_is_there_by_default(self) -> None:
        assert enterprise_patterns() == []
        assert self.client.post(self.ADDRESS.format(uuid4()), self.BODY, format="json").status_code == 404

    @override_settings(ROOT_URLCONF="tests.rest_api.urls_with_enterprise")
    @ddt.data(True, False)
    def test_it_answers_where_the_setting_says_so(self, slash: bool) -> None:
        answer = self.ask(201, uuid4(), slash=slash)
        assert [row["user_id"] for row in answer["successes"]] == [self.people["ana"].pk]
        assert (answer["pending"], answer["failures"]) == ([], [])

    @override_settings(ROOT_URLCONF="tests.rest_api.urls_with_enterprise")
    def test_what_is_no_uuid_is_404(self) -> None:
        self.ask(404, "acme")

    @override_settings(ROOT_URLCONF="tests.rest_api.urls_with_enterprise")
    def test_only_staff_may(self) -> None:
        for name, status in (("ana", 403), (None, 401)):
            self.act_as(name)
            self.ask(status, uuid4())

    @ddt.data("True", 1, None)
    def test_only_true_is_true(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=value):
            assert enterprise_patterns() == []

    @override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=True)
    def test_edx_enterprise_keeps_its_address(self) -> None:
        assert len(enterprise_patterns()) == 1
        with mock.patch.object(apps, "is_installed", lambda name: name == "enterprise"):
            assert enterprise_patterns() == []


class SchemaTests(RestTestCase):
    """The OpenAPI description of the address."""

    def test_it_is_described_where_it_is(self) -> None:
        from drf_spectacular.generators import SchemaGenerator

        with override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=True):
            (pattern,) = enterprise_patterns()
        generator = SchemaGenerator(patterns=[pattern])
        schema = generator.get_schema(request=None, public=True)
        ((path, operations),) = schema["paths"].items()
        assert path.startswith("/enterprise/api/v1/enterprise-customer/{enterprise_customer_uuid}/enroll_learners_in")
        assert set(operations["post"]["responses"]) >= {"201", "202", "400", "401", "403", "404", "409"}
