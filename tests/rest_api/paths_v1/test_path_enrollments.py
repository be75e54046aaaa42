"""``/api/learning_paths/v1/<key>/enrollments/``: what 0.5.0 was seen to answer, but for what ADR 0003 forbids."""

from __future__ import annotations

from typing import Any

import ddt
from django.test import override_settings

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_user
from tests.rest_api.base import INVITE_ONLY, OPEN, RestTestCase, SavepointClient
from tests.rest_api.paths_v1.base import ROOT, with_ids

METHODS = ("get", "post", "delete")
SELF_UNENROLLMENT = override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)


def url(key: str = OPEN, username: str | None = None) -> str:
    """The address of the enrollments in a path."""
    query = "" if username is None else f"?username={username}"
    return f"{ROOT}/{key}/enrollments/{query}"


class Base(RestTestCase):
    """Sends requests."""

    client_class = SavepointClient

    def send(self, method: str, *args: Any, data: Any = None, **kwargs: Any) -> Any:
        if method == "get":
            return self.client.get(url(*args, **kwargs))
        return getattr(self.client, method)(url(*args, **kwargs), data=data, format="json")


@ddt.ddt
class AccessTests(Base):
    """Who gets an answer at all."""

    @ddt.data(*METHODS)
    def test_anonymous(self, method: str) -> None:
        for key in (OPEN, INVITE_ONLY, "nonsense"):
            self.assert_json(self.send(method, key), 401)

    @ddt.data(
        "path-v1:DemoX+NONE+2026",
        "path-v1:DemoX+NONE+2026+A",
        "path-v1:DemoX",
        "path-v1:demox+ds101+2026",
        "course-v1:DemoX+DS101+2026",
        "nonsense",
        "a/b/c",
        "enrollments",
        "%00",
        "%0A",
        "%F0%9F%98%80",
        "%ff",
        "x" * 2000,
    )
    @SELF_UNENROLLMENT
    def test_unknown_or_malformed_path(self, key: str) -> None:
        for name in ("ana", "sam"):
            self.act_as(name)
            for method in METHODS:
                answer = self.assert_json(self.send(method, key), 404)
                assert answer == {"detail": "There is no such learning path."}

    @ddt.data(*METHODS)
    @SELF_UNENROLLMENT
    def test_invite_only_path_is_not_there_for_the_uninvited(self, method: str) -> None:
        self.act_as("ana")
        hidden = self.assert_json(self.send(method, INVITE_ONLY), 404)
        assert hidden == self.assert_json(self.send(method, "path-v1:DemoX+NONE+2026"), 404)

    @ddt.data(*METHODS)
    @SELF_UNENROLLMENT
    def test_another_learner_is_forbidden_whether_or_not_they_exist(self, method: str) -> None:
        self.enroll("ana")
        self.enroll("ben")
        self.act_as("ana")
        answers = [self.assert_json(self.send(method, username=name), 403) for name in ("ben", "nobody")]
        assert answers[0] == answers[1]
        if method != "get":
            assert self.assert_json(self.send(method, data={"username": "ben"}), 403) == answers[0]
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 2

    @ddt.data("post", "delete")
    def test_a_name_that_makes_no_sense(self, method: str) -> None:
        self.act_as("sam")
        bodies: list[Any] = [{"username": ""}, {"username": None}, {"username": ["ana"]}, {"username": "\x00"}, ["ana"]]
        for body in [*bodies, "ana", {"username": "x" * 151}]:
            self.assert_json(self.send(method, data=body), 400)
        self.assert_json(self.send(method, username="ana", data={"username": "ben"}), 400)
        assert not LearningPathEnrollment.objects.exists()

    @ddt.data("put", "patch")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        self.assert_json(self.send(method), 405)

    @SELF_UNENROLLMENT
    def test_without_a_trailing_slash(self) -> None:
        self.act_as("ana")
        address = url().rstrip("/")
        self.assert_json(self.client.post(address), 201)
        assert len(self.assert_json(self.client.get(address), 200)) == 1
        assert self.client.delete(address).status_code == 204


@ddt.ddt
class GetTests(Base):
    """The list of enrollments."""

    def test_ones_own_which_is_empty_unless_one_is_enrolled(self) -> None:
        self.enroll("ben")
        self.act_as("ana")
        assert self.assert_json(self.send("get"), 200) == []
        enrollment = self.enroll("ana")
        for username in (None, "ana"):
            assert self.assert_json(self.send("get", username=username), 200) == [with_ids(enrollment)]
        api.unenroll(self.people["ana"], self.open, acting_user=None)
        assert self.assert_json(self.send("get"), 200) == []

    @ddt.data("sam", "una")
    def test_staff_get_all_active_ones_or_that_of_a_learner(self, staff: str) -> None:
        ana, ida = self.enroll("ana"), self.enroll("ida")
        self.enroll("ben", active=False)
        api.enroll(self.people["ana"], self.invite_only, acting_user=None)
        self.act_as(staff)
        assert self.assert_json(self.send("get"), 200) == [with_ids(ana), with_ids(ida)]
        assert self.assert_json(self.send("get", username="ida"), 200) == [with_ids(ida)]
        for username in ("ben", "nobody", "ANA"):
            assert self.assert_json(self.send("get", username=username), 200) == []

    def test_staff_see_an_invite_only_path_and_so_do_those_who_are_in_it(self) -> None:
        api.enroll(self.people["ana"], self.invite_only, acting_user=None)
        for name in ("sam", "ana"):
            self.act_as(name)
            assert len(self.assert_json(self.send("get", INVITE_ONLY), 200)) == 1

    def test_staff_whose_account_is_not_active_are_no_staff(self) -> None:
        self.people["ida"].is_staff = True
        self.enroll("ana")
        self.act_as("ida")
        self.assert_json(self.send("get", username="ana"), 403)
        assert self.assert_json(self.send("get"), 200) == []

    def test_number_of_queries(self) -> None:
        self.enroll("ana")
        self.act_as("ana")
        with self.assertNumQueries(4):  # a savepoint set and released, the path, the list
            self.send("get")
        self.act_as("sam")
        with self.assertNumQueries(5):  # and the learner
            self.send("get", username="ana")
        for number in range(30):
            api.enroll(make_user(f"learner{number}"), self.open, acting_user=None)
        with self.assertNumQueries(4):
            assert len(self.send("get").json()) == 31


@ddt.ddt
class PostTests(Base):
    """Enrolling."""

    def test_as_the_micro_frontend_does_it_without_a_body(self) -> None:
        self.act_as("ana")
        answer = self.assert_json(self.client.post(url()), 201)
        enrollment = LearningPathEnrollment.objects.get()
        assert answer == with_ids(enrollment)
        assert (enrollment.user, enrollment.learning_path) == (self.people["ana"], self.open)
        assert enrollment.history.get().history_user == self.people["ana"]
        assert not ManualEnrollmentAudit.objects.exists()

    def test_again_and_while_enrolled(self) -> None:
        earlier = self.enroll("ana", active=False)
        self.act_as("ana")
        answer = self.assert_json(self.send("post"), 200)
        assert answer == {**with_ids(earlier), "is_active": True}
        assert list(self.assert_json(self.send("post", username="ana"), 409)) == ["detail"]
        assert LearningPathEnrollment.objects.get().is_active

    def test_an_account_that_is_not_active_in_an_open_path(self) -> None:
        self.act_as("ida")
        self.assert_json(self.send("post"), 201)

    @ddt.data(("sam", "body"), ("sam", "query"), ("una", "body"), ("una", "both"))
    @ddt.unpack
    def test_staff_enroll_another_with_an_audit_row(self, staff: str, where: str) -> None:
        self.act_as(staff)
        query = "ana" if where in ("query", "both") else None
        body = {"username": "ana"} if where in ("body", "both") else None
        answer = self.assert_json(self.send("post", INVITE_ONLY, username=query, data=body), 201)
        enrollment = LearningPathEnrollment.objects.get()
        assert answer == with_ids(enrollment)
        assert enrollment.user == self.people["ana"]
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by) == (enrollment, self.people[staff])
        assert (audit.enrolled_email, audit.state_transition) == (
            "ana@example.com",
            StateTransition.UNENROLLED_TO_ENROLLED,
        )

    def test_staff_enroll_nobody(self) -> None:
        self.act_as("sam")
        assert self.assert_json(self.send("post", data={"username": "nobody"}), 404) == {
            "detail": "There is no such user."
        }

    def test_form_encoded(self) -> None:
        self.act_as("sam")
        response = self.client.post(url(), data="username=ana", content_type="application/x-www-form-urlencoded")
        assert self.assert_json(response, 201)["user"] == self.people["ana"].pk

    def test_the_invited_see_the_path_and_enroll(self) -> None:
        LearningPathEnrollmentAllowed.objects.create(email="ana@example.com", learning_path=self.invite_only)
        self.act_as("ana")
        assert self.assert_json(self.send("get", INVITE_ONLY), 200) == []
        self.assert_json(self.send("post", INVITE_ONLY), 201)
        assert LearningPathEnrollmentAllowed.objects.get().user == self.people["ana"]

    def test_number_of_queries(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(11):  # the test's savepoint, the path, and the 8 of api.enroll
            self.assert_json(self.send("post"), 201)


@ddt.ddt
class DeleteTests(Base):
    """Unenrolling."""

    @ddt.data(("sam", "body"), ("sam", "query"), ("una", "both"))
    @ddt.unpack
    def test_staff_unenroll_another_with_an_audit_row(self, staff: str, where: str) -> None:
        self.enroll("ana")
        self.enroll(staff)
        self.act_as(staff)
        query = "ana" if where in ("query", "both") else None
        body = {"username": "ana"} if where in ("body", "both") else None
        response = self.send("delete", username=query, data=body)
        assert (response.status_code, response.content) == (204, b"")
        [left] = LearningPathEnrollment.objects.filter(is_active=False)
        assert left.user == self.people["ana"]
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by) == (left, self.people[staff])
        assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED

    @ddt.data("ana", "ben", "nobody", None)
    def test_staff_unenroll_who_is_not_enrolled(self, username: str | None) -> None:
        self.enroll("ana", active=False)
        self.act_as("sam")
        self.assert_json(self.send("delete", username=username), 404)

    @ddt.data((OPEN, None), (OPEN, "ben"), (INVITE_ONLY, None), ("path-v1:DemoX+NONE+2026", None), ("x", None))
    @ddt.unpack
    def test_learners_never_while_the_site_does_not_allow_it(self, key: str, username: str | None) -> None:
        self.enroll("ana")
        self.act_as("ana")
        self.assert_json(self.send("delete", key, username=username), 403)
        assert LearningPathEnrollment.objects.get().is_active

    @SELF_UNENROLLMENT
    def test_learners_where_the_site_allows_it(self) -> None:
        self.enroll("ana")
        self.act_as("ana")
        assert self.send("delete").status_code == 204
        enrollment = LearningPathEnrollment.objects.get()
        assert not enrollment.is_active
        assert enrollment.history.latest().history_user == self.people["ana"]
        assert not ManualEnrollmentAudit.objects.exists()
        self.assert_json(self.send("delete"), 404)
