"""``/api/learning_paths/v1/enrollments/bulk-enroll/``: what 0.5.0 was seen to answer, and what made it fail."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import ddt
from django.db import DatabaseError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from rest_framework.test import APIRequestFactory, force_authenticate

from learning_paths import api
from learning_paths.actions import bulk_apply
from learning_paths.data import StateTransition
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from learning_paths.rest_api.paths_v1.enrollment_serializers import OWN_BULK_ENDPOINT
from tests.factories import make_user
from tests.rest_api.base import INVITE_ONLY, OPEN, CommittingTestCase, RestTestCase, SavepointClient
from tests.rest_api.paths_v1.base import ROOT

URL = f"{ROOT}/enrollments/bulk-enroll/"
METHODS = ("post", "delete")


def created(enrollments: int = 0, invitations: int = 0) -> dict[str, int]:
    """The body of the answer to POST."""
    return {"enrollments_created": enrollments, "enrollment_allowed_created": invitations}


class Base(RestTestCase):
    """Sends requests, as Sam of the staff unless said otherwise."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")

    def send(self, method: str = "post", **data: Any) -> Any:
        return getattr(self.client, method)(URL, data=data, format="json")


@ddt.ddt
class AccessTests(Base):
    """Staff only."""

    @ddt.data(*METHODS)
    def test_anonymous_and_learners(self, method: str) -> None:
        self.enroll("ana")
        self.people["ida"].is_staff = True
        for name, status in ((None, 401), ("ana", 403), ("ida", 403)):
            self.act_as(name)
            self.assert_json(self.send(method, learning_paths=OPEN, emails="ana@example.com,ben@example.com"), status)
        assert LearningPathEnrollment.objects.get().is_active

    @ddt.data("get", "put", "patch")
    def test_other_methods(self, method: str) -> None:
        self.assert_json(getattr(self.client, method)(URL), 405)

    def test_superusers_and_no_trailing_slash(self) -> None:
        self.act_as("una")
        body = {"learning_paths": OPEN, "emails": "ana@example.com"}
        assert self.assert_json(self.client.post(URL.rstrip("/"), body, format="json"), 201) == created(1)
        assert self.client.delete(URL.rstrip("/"), body, format="json").status_code == 204
        assert not LearningPathEnrollment.objects.get().is_active


@ddt.ddt
class EnrollTests(Base):
    """POST."""

    def test_accounts_and_addresses_without_one(self) -> None:
        body = {"learning_paths": f"{OPEN},{INVITE_ONLY}", "emails": "ana@example.com,ben@example.com,new@example.com"}
        assert self.assert_json(self.send(**body), 201) == created(4, 2)
        assert self.assert_json(self.send(**body), 201) == created()
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 4
        assert LearningPathEnrollmentAllowed.objects.pending_for("new@example.com").count() == 2

    def test_the_audit_says_who_and_why(self) -> None:
        self.send(learning_paths=OPEN, emails="ana@example.com", reason="why", role="teacher", org="DemoX")
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrolled_by, audit.enrolled_email) == (self.people["sam"], "ana@example.com")
        assert (audit.reason, audit.role, audit.org) == ("why", "teacher", "DemoX")
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert LearningPathEnrollment.history.get().history_user == self.people["sam"]

    def test_again_after_unenrolling(self) -> None:
        body = {"learning_paths": OPEN, "emails": "ana@example.com,new@example.com"}
        self.send(**body)
        self.send("delete", **body)
        assert self.assert_json(self.send(**body), 201) == created(1, 1)

    def test_an_address_in_any_case_and_an_account_that_is_not_active(self) -> None:
        answer = self.assert_json(self.send(learning_paths=OPEN, emails=" ANA@example.com,ida@example.com"), 201)
        assert answer == created(1, 1)
        assert LearningPathEnrollment.objects.get().user == self.people["ana"]

    @ddt.data(
        ({}, 0),
        ({"learning_paths": OPEN}, 0),
        ({"emails": "ana@example.com"}, 0),
        ({"learning_paths": "", "emails": ""}, 0),
        ({"learning_paths": "path-v1:DemoX+NONE+2026", "emails": "ana@example.com"}, 0),
        ({"learning_paths": "nonsense", "emails": "ana@example.com"}, 0),
        ({"learning_paths": OPEN, "emails": "nope"}, 0),
        ({"learning_paths": OPEN, "emails": "ana@example.com,nope"}, 1),
        ({"learning_paths": f"{OPEN}, path-v1:DemoX+NONE+2026,nonsense", "emails": "ana@example.com"}, 1),
        ({"learning_paths": OPEN, "emails": "ana@example.com", "unheard": "of"}, 1),
        ({"learning_paths": [OPEN], "emails": ["ana@example.com", "nope"]}, 1),
        ({"learning_paths": [], "emails": []}, 0),
    )
    @ddt.unpack
    def test_what_is_missing_or_is_none_is_left_out(self, body: dict[str, Any], enrollments: int) -> None:
        assert self.assert_json(self.send(**body), 201) == created(enrollments)
        assert LearningPathEnrollment.objects.count() == enrollments
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()

    @ddt.data("multipart", None)
    def test_as_a_form(self, form: str | None) -> None:
        body = {"learning_paths": OPEN, "emails": "ana@example.com"}
        if form:
            response = self.client.post(URL, body, format=form)
        else:
            content = f"learning_paths={OPEN.replace('+', '%2B')}&emails=ana@example.com"
            response = self.client.post(URL, content, content_type="application/x-www-form-urlencoded")
        assert self.assert_json(response, 201) == created(1)

    def test_without_a_body(self) -> None:
        assert self.assert_json(self.client.post(URL), 201) == created()

    def test_what_failed_is_told(self) -> None:
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        answer = self.assert_json(self.send(learning_paths=OPEN, emails="ana@example.com,twin@example.com"), 201)
        [failure] = answer.pop("failures")
        assert answer == created(1)
        assert (failure["email"], failure["learning_path"]) == ("twin@example.com", OPEN)
        assert failure["code"] == "ambiguous_email"

    def test_queries_do_not_grow_with_the_learners(self) -> None:
        def queries(number: int) -> int:
            emails = [make_user(f"learner{number}-{one}").email for one in range(number)]
            with CaptureQueriesContext(connection) as captured:
                assert self.assert_json(self.send(learning_paths=OPEN, emails=",".join(emails)), 201) == created(number)
            return len(captured)

        assert queries(2) == queries(40)


@ddt.ddt
class UnenrollTests(Base):
    """DELETE."""

    def test_enrollments_and_pending_invitations(self) -> None:
        body = {"learning_paths": f"{OPEN},{INVITE_ONLY}", "emails": "ana@example.com,new@example.com"}
        self.send(**body)
        self.enroll("ben")
        ManualEnrollmentAudit.objects.all().delete()
        response = self.send("delete", **body, reason="bye")
        assert (response.status_code, response.content) == (204, b"")
        assert LearningPathEnrollment.objects.get(is_active=True).user == self.people["ben"]
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
        audit = ManualEnrollmentAudit.objects.values_list("enrolled_email", "state_transition", "reason", "enrolled_by")
        sam = self.people["sam"].pk
        assert sorted(audit) == [
            *[("ana@example.com", StateTransition.ENROLLED_TO_UNENROLLED, "bye", sam)] * 2,
            *[("new@example.com", StateTransition.ALLOWED_TO_UNENROLLED, "bye", sam)] * 2,
        ]

    @ddt.data({}, {"emails": "ana@example.com"}, {"learning_paths": OPEN, "emails": "nope,nobody@example.com"})
    def test_nothing_to_undo(self, body: dict[str, Any]) -> None:
        self.enroll("ana")
        assert self.send("delete", **body).status_code == 204
        assert LearningPathEnrollment.objects.get().is_active

    def test_code_in_the_same_process_reads_the_counts_and_the_wire_has_none(self) -> None:
        body = {"learning_paths": OPEN, "emails": "ana@example.com,new@example.com,new2@example.com"}
        self.send(**body)
        request = APIRequestFactory().delete(URL, body, format="json")  # whose answers keep what a 204 may not have
        force_authenticate(request, self.people["sam"])
        response: Any = resolve(URL).func(request).render()
        assert (response.status_code, response.content) == (204, b"")
        assert not response.has_header("Content-Type")
        assert response.data == {"enrollments_unenrolled": 1, "enrollment_allowed_deactivated": 2}

    def test_what_failed_is_told_in_a_200(self) -> None:
        self.enroll("ana")
        fault = mock.patch.object(bulk_apply, "write_unenrolling", side_effect=DatabaseError("full disk"))
        with fault, self.assertLogs("learning_paths", "ERROR"):
            answer = self.assert_json(self.send("delete", learning_paths=OPEN, emails="ana@example.com"), 200)
        [failure] = answer.pop("failures")
        assert answer == {"enrollments_unenrolled": 0, "enrollment_allowed_deactivated": 0}
        assert (failure["email"], failure["code"]) == ("ana@example.com", "not_saved")
        assert LearningPathEnrollment.objects.get().is_active


@ddt.ddt
class RefusedTests(Base):
    """Nothing is done for a request that is not understood or too large."""

    def setUp(self) -> None:
        super().setUp()
        self.enroll("ana")

    def tearDown(self) -> None:
        enrollment = LearningPathEnrollment.objects.get()
        assert (enrollment.user, enrollment.is_active) == (self.people["ana"], True)
        super().tearDown()

    @ddt.data(*METHODS)
    def test_a_body_that_makes_no_sense(self, method: str) -> None:
        for body in ("{", "[]", '["x"]', '"x"', "5", "nul", "[" * 3000, "\x00", '{"emails": 5}'):
            response = getattr(self.client, method)(URL, data=body, content_type="application/json")
            self.assert_json(response, 400)

    @ddt.data(
        ("learning_paths", None),
        ("learning_paths", 5),
        ("emails", {"a": "b"}),
        ("emails", [["ben@example.com"]]),
        ("emails", None),
        ("reason", ["x"]),
        ("reason", "x" * 10_001),
        ("org", "x" * 256),
        ("role", "\x00"),
    )
    @ddt.unpack
    def test_a_field_that_makes_no_sense(self, name: str, value: Any) -> None:
        body = {"learning_paths": OPEN, "emails": "ana@example.com,ben@example.com", name: value}
        for method in METHODS:
            assert list(self.assert_json(self.send(method, **body), 400)) == [name]

    @ddt.data(
        ("dry_run", True),
        ("subscription", "8f0e6c0a-6d0b-4f0e-9d55-0c5f1f2b7a11"),
        ("course_run_keys", "course-v1:DemoX+PY101+2026"),
        ("notify", True),
        ("file", "x"),
    )
    @ddt.unpack
    def test_what_only_the_other_endpoint_knows(self, name: str, value: Any) -> None:
        body = {"learning_paths": OPEN, "emails": "ana@example.com,ben@example.com", name: value}
        for method in METHODS:
            answer = self.assert_json(self.send(method, **body), 400)
            assert answer == {name: [f"This is known at {OWN_BULK_ENDPOINT} only."]}

    @ddt.data(*METHODS)
    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
    def test_more_than_one_request_handles(self, method: str) -> None:
        answer = self.assert_json(self.send(method, learning_paths=OPEN, emails="ana@example.com,ben@example.com"), 400)
        [text] = answer["emails"]
        assert "at most 1 pairs" in text
        assert OWN_BULK_ENDPOINT in text

    def test_the_other_endpoint_is_where_it_says(self) -> None:
        assert resolve(OWN_BULK_ENDPOINT).url_name == "bulk-enrollment"


class CommitTests(CommittingTestCase):
    """The chunks are transactions of their own, also where requests are transactions."""

    def test_the_request_is_no_transaction(self) -> None:
        self.act_as("sam")
        seen: list[bool] = []

        def look(*args: Any, **kwargs: Any) -> Any:
            seen.append(connection.in_atomic_block)
            return original(*args, **kwargs)

        original = api.bulk_enroll
        body = json.dumps({"learning_paths": OPEN, "emails": "ana@example.com"})
        with mock.patch.object(api, "bulk_enroll", look):
            self.assert_json(self.client.post(URL, body, content_type="application/json"), 201)
        assert seen == [False]
