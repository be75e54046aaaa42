"""``/api/v1/learning-path-enrollment/<key>``: each cell of the table of ADR 0003."""

from __future__ import annotations

from typing import Any

import ddt
from django.test import override_settings

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_path, make_user
from tests.rest_api.base import INVITE_ONLY, OPEN, RestTestCase, SavepointClient, as_json

METHODS = ("get", "post", "delete")
SELF_UNENROLLMENT = override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)


def url(key: str = OPEN, username: str | None = None) -> str:
    """The address of the enrollment in a path."""
    query = "" if username is None else f"?username={username}"
    return f"/api/v1/learning-path-enrollment/{key}/{query}"


class Base(RestTestCase):
    """Sends requests."""

    client_class = SavepointClient

    def send(self, method: str, *args: Any, data: Any = None, **kwargs: Any) -> Any:
        return getattr(self.client, method)(url(*args, **kwargs), data=data, format="json")


@ddt.ddt
class AccessTests(Base):
    """Who gets an answer at all."""

    @ddt.data(*METHODS)
    def test_anonymous(self, method: str) -> None:
        for key in (OPEN, INVITE_ONLY, "path-v1:DemoX+NONE+2026", "nonsense"):
            self.assert_json(self.send(method, key), 401)
            self.assert_json(self.send(method, key, username="ana"), 401)

    @ddt.data(
        "path-v1:DemoX+NONE+2026",
        "path-v1:DemoX",
        "path-v1:demox+ds101+2026",
        "path-v1:DemoX+DS101+2026+",
        "course-v1:DemoX+DS101+2026",
        "nonsense",
        "a/b/c",
        "%00",
        "%0A",
        "%F0%9F%98%80",
        "%ff",
        "%20",
        "x" * 2000,
    )
    @SELF_UNENROLLMENT
    def test_unknown_or_malformed_path(self, key: str) -> None:
        for name in ("ana", "sam"):
            self.act_as(name)
            for method in METHODS:
                self.assert_json(self.send(method, key), 404)

    @SELF_UNENROLLMENT
    def test_invisible_path_answers_as_if_it_did_not_exist(self) -> None:
        self.act_as("ana")
        for method in METHODS:
            hidden = self.assert_json(self.send(method, INVITE_ONLY), 404)
            assert hidden == self.assert_json(self.send(method, "path-v1:DemoX+NONE+2026"), 404)

    @ddt.data(*METHODS)
    @SELF_UNENROLLMENT
    def test_another_learner_is_forbidden_whether_or_not_they_exist(self, method: str) -> None:
        self.enroll("ben")
        self.act_as("ana")
        known = self.assert_json(self.send(method, username="ben"), 403)
        assert known == self.assert_json(self.send(method, username="nobody"), 403)
        assert known == self.assert_json(self.send(method, username="ANA"), 403)
        assert self.open.enrolled_users.get() == self.people["ben"]

    @ddt.data("post", "delete")
    @SELF_UNENROLLMENT
    def test_another_learner_in_the_body_is_forbidden(self, method: str) -> None:
        self.enroll("ben")
        self.act_as("ana")
        self.assert_json(self.send(method, data={"username": "ben"}), 403)

    @ddt.data("post", "delete")
    def test_query_and_body_that_differ(self, method: str) -> None:
        self.act_as("sam")
        answer = self.assert_json(self.send(method, username="ana", data={"username": "ben"}), 400)
        assert "username" in answer

    @ddt.data({"username": ""}, {"username": None}, {"username": ["ana"]}, {"username": {"a": 1}}, ["ana"], "ana", 7)
    def test_a_body_that_makes_no_sense(self, body: Any) -> None:
        self.act_as("sam")
        for method in ("post", "delete"):
            self.assert_json(self.send(method, data=body), 400)

    @ddt.data(b"{", b"\xff", b'{"username": "\\ud800"}', b'{"username": "\\u0000"}', b"[" * 100_000)
    def test_a_body_that_is_no_json(self, body: bytes) -> None:
        self.act_as("sam")
        for method in ("post", "delete"):
            response = getattr(self.client, method)(url(), data=body, content_type="application/json")
            self.assert_json(response, 400)

    @override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=2)
    def test_a_body_with_too_many_fields(self) -> None:
        self.act_as("ana")
        body = "a=1&b=2&c=3"
        response = self.client.post(url(), data=body, content_type="application/x-www-form-urlencoded")
        self.assert_json(response, 413)

    @ddt.data("", "%00", "x" * 151)
    def test_a_username_in_the_query_that_makes_no_sense(self, username: str) -> None:
        self.act_as("sam")
        for method in METHODS:
            self.assert_json(self.send(method, username=username), 400)

    @ddt.data("put", "patch")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        self.assert_json(self.send(method), 405)

    def test_with_and_without_a_trailing_slash(self) -> None:
        self.act_as("ana")
        self.enroll("ana")
        for path in (url(), url().rstrip("/")):
            self.assert_json(self.client.get(path), 200)

    def test_session_and_csrf(self) -> None:
        """A page of the site posts with the CSRF token of the session, or is refused."""
        client = SavepointClient(enforce_csrf_checks=True)
        client.force_login(self.people["ana"])
        self.assert_json(client.get(url()), 404)
        self.assert_json(client.post(url()), 403)
        client.get("/admin/login/")
        token = client.cookies["csrftoken"].value
        self.assert_json(client.post(url(), headers={"X-CSRFToken": token}), 201)


@ddt.ddt
class GetTests(Base):
    """Fetching."""

    @ddt.data("ana", None)
    def test_ones_own(self, username: str | None) -> None:
        enrollment = self.enroll("ana")
        self.enroll("ben")
        self.act_as("ana")
        assert self.assert_json(self.send("get", username=username), 200) == as_json(enrollment)

    @ddt.data("ana", None)
    def test_ones_own_when_there_is_none_or_it_is_not_active(self, username: str | None) -> None:
        self.act_as("ana")
        self.assert_json(self.send("get", username=username), 404)
        self.enroll("ana", active=False)
        self.assert_json(self.send("get", username=username), 404)

    @ddt.data("sam", "una")
    def test_staff_fetch_anyones(self, staff: str) -> None:
        enrollment = self.enroll("ana")
        self.act_as(staff)
        assert self.assert_json(self.send("get", username="ana"), 200) == as_json(enrollment)

    @ddt.data("ben", "nobody", "ANA")
    def test_staff_fetch_what_is_not_there(self, username: str) -> None:
        self.enroll("ana")
        self.act_as("sam")
        self.assert_json(self.send("get", username=username), 404)

    @ddt.data("sam", "una")
    def test_staff_fetch_all_active_ones_of_the_path(self, staff: str) -> None:
        ana, ben = self.enroll("ana"), self.enroll("ben")
        self.enroll("ida", active=False)
        api.enroll(self.people["ana"], self.invite_only, acting_user=None)
        self.act_as(staff)
        answer = self.assert_json(self.send("get"), 200)
        assert answer == {"next": None, "previous": None, "results": [as_json(ben), as_json(ana)]}

    def test_staff_page_through(self) -> None:
        expected = [as_json(self.enroll(name)) for name in ("ana", "ben", "una")][::-1]
        self.act_as("sam")
        first = self.assert_json(self.client.get(url() + "?page_size=2"), 200)
        second = self.assert_json(self.client.get(first["next"]), 200)
        assert first["results"] + second["results"] == expected
        assert second["next"] is None

    def test_staff_whose_account_is_not_active_are_no_staff(self) -> None:
        self.people["ida"].is_staff = True
        self.enroll("ana")
        self.act_as("ida")
        self.assert_json(self.send("get", username="ana"), 403)
        self.assert_json(self.send("get"), 404)

    def test_staff_see_an_invite_only_path(self) -> None:
        self.act_as("sam")
        assert self.assert_json(self.send("get", INVITE_ONLY), 200)["results"] == []

    def test_a_learner_who_is_enrolled_sees_an_invite_only_path(self) -> None:
        api.enroll(self.people["ana"], self.invite_only, acting_user=self.people["sam"])
        self.act_as("ana")
        self.assert_json(self.send("get", INVITE_ONLY), 200)
        api.unenroll(self.people["ana"], self.invite_only, acting_user=self.people["sam"])
        self.assert_json(self.send("get", INVITE_ONLY), 404)

    def test_number_of_queries(self) -> None:
        self.enroll("ana")
        self.act_as("ana")
        with self.assertNumQueries(4):  # a savepoint set and released, the path, the enrollment
            self.send("get")
        self.act_as("sam")
        with self.assertNumQueries(5):  # and the learner
            self.send("get", username="ana")
        with self.assertNumQueries(6):  # a savepoint set and released, the path, the page, its usernames and keys
            self.send("get")
        for number in range(30):
            api.enroll(make_user(f"learner{number}"), self.open, acting_user=None)
        with self.assertNumQueries(6):
            assert len(self.send("get").json()["results"]) == 31


@ddt.ddt
class PostTests(Base):
    """Enrolling."""

    @ddt.data("ana", "sam", "ida")
    def test_oneself(self, name: str) -> None:
        self.act_as(name)
        answer = self.assert_json(self.send("post"), 201)
        enrollment = LearningPathEnrollment.objects.get()
        assert answer == as_json(enrollment)
        assert (enrollment.user, enrollment.is_active) == (self.people[name], True)
        assert enrollment.history.get().history_user == self.people[name]
        assert not ManualEnrollmentAudit.objects.exists()

    def test_oneself_again(self) -> None:
        earlier = self.enroll("ana", active=False)
        self.act_as("ana")
        answer = self.assert_json(self.send("post"), 200)
        enrollment = LearningPathEnrollment.objects.get()
        assert answer == as_json(enrollment)
        assert enrollment.pk == earlier.pk
        assert enrollment.enrolled_at > earlier.enrolled_at

    def test_oneself_while_enrolled(self) -> None:
        enrollment = self.enroll("ana")
        self.act_as("ana")
        answer = self.assert_json(self.send("post"), 409)
        assert answer == {"detail": "The learner is already enrolled in this learning path."}
        assert LearningPathEnrollment.objects.get().as_data() == enrollment.as_data()

    @ddt.data(("sam", "query"), ("sam", "body"), ("una", "query"), ("una", "both"))
    @ddt.unpack
    def test_staff_enroll_another(self, staff: str, where: str) -> None:
        self.act_as(staff)
        query = "ana" if where in ("query", "both") else None
        body = {"username": "ana"} if where in ("body", "both") else None
        answer = self.assert_json(self.send("post", username=query, data=body), 201)
        enrollment = LearningPathEnrollment.objects.get()
        assert answer == as_json(enrollment)
        assert enrollment.user == self.people["ana"]
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.enrollment == enrollment
        assert audit.enrolled_by == self.people[staff]
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED

    def test_staff_enroll_another_again_or_while_enrolled(self) -> None:
        self.enroll("ana", active=False)
        self.act_as("sam")
        self.assert_json(self.send("post", username="ana"), 200)
        self.assert_json(self.send("post", username="ana"), 409)
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_staff_enroll_nobody(self) -> None:
        self.act_as("sam")
        assert self.assert_json(self.send("post", username="nobody"), 404) == {"detail": "There is no such user."}

    def test_staff_enroll_another_in_an_invite_only_path(self) -> None:
        self.act_as("sam")
        self.assert_json(self.send("post", INVITE_ONLY, username="ana"), 201)

    def test_form_encoded(self) -> None:
        self.act_as("sam")
        response = self.client.post(url(), data="username=ana", content_type="application/x-www-form-urlencoded")
        assert self.assert_json(response, 201)["username"] == "ana"

    def test_an_invited_learner_sees_the_path_and_enrolls(self) -> None:
        path = make_path("path-v1:DemoX+INV+2026", invite_only=True)
        LearningPathEnrollmentAllowed.objects.create(email="ana@example.com", learning_path=path)
        self.act_as("ana")
        self.assert_json(self.send("post", str(path.key)), 201)
        assert LearningPathEnrollmentAllowed.objects.get().user == self.people["ana"]

    def test_for_an_account_that_is_not_active_no_invitation_counts(self) -> None:
        LearningPathEnrollmentAllowed.objects.create(email="ida@example.com", learning_path=self.invite_only)
        self.act_as("ida")
        self.assert_json(self.send("post", INVITE_ONLY), 404)

    def test_number_of_queries(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(11):  # the test's savepoint, the path, and the 8 of api.enroll
            self.assert_json(self.send("post"), 201)
        self.act_as("sam")
        with self.assertNumQueries(14):  # and the learner, the audit row and its history
            self.assert_json(self.send("post", username="ben"), 201)


@ddt.ddt
class DeleteTests(Base):
    """Unenrolling."""

    @ddt.data("sam", "una")
    def test_staff_unenroll_another(self, staff: str) -> None:
        self.enroll("ana")
        self.act_as(staff)
        response = self.send("delete", username="ana")
        assert (response.status_code, response.content) == (204, b"")
        assert not LearningPathEnrollment.objects.get().is_active
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED
        assert audit.enrolled_by == self.people[staff]

    def test_staff_unenroll_by_a_name_in_the_body(self) -> None:
        self.enroll("ana")
        self.act_as("sam")
        assert self.send("delete", data={"username": "ana"}).status_code == 204

    def test_staff_unenroll_themselves_whatever_the_setting(self) -> None:
        self.enroll("sam")
        self.act_as("sam")
        assert self.send("delete").status_code == 204
        assert not ManualEnrollmentAudit.objects.exists()

    @ddt.data("ana", "ben", "nobody")
    def test_staff_unenroll_who_is_not_enrolled(self, username: str) -> None:
        self.enroll("ana", active=False)
        self.act_as("sam")
        self.assert_json(self.send("delete", username=username), 404)

    @ddt.data(
        (OPEN, None), (OPEN, "ana"), (OPEN, "ben"), (INVITE_ONLY, None), ("path-v1:DemoX+NONE+2026", None), ("x", "ben")
    )
    @ddt.unpack
    def test_learners_never_while_the_site_does_not_allow_it(self, key: str, username: str | None) -> None:
        self.enroll("ana")
        self.act_as("ana")
        answer = self.assert_json(self.send("delete", key, username=username), 403)
        assert answer == {"detail": "This site does not let learners unenroll themselves. Ask its staff."}
        assert LearningPathEnrollment.objects.get().is_active

    @ddt.data("ana", None)
    @SELF_UNENROLLMENT
    def test_learners_where_the_site_allows_it(self, username: str | None) -> None:
        self.enroll("ana")
        self.act_as("ana")
        assert self.send("delete", username=username).status_code == 204
        enrollment = LearningPathEnrollment.objects.get()
        assert not enrollment.is_active
        assert enrollment.history.latest().history_user == self.people["ana"]
        assert not ManualEnrollmentAudit.objects.exists()

    @SELF_UNENROLLMENT
    def test_learners_who_are_not_enrolled(self) -> None:
        self.act_as("ana")
        self.assert_json(self.send("delete"), 404)
        self.enroll("ana", active=False)
        answer = self.assert_json(self.send("delete"), 404)
        assert answer == {"detail": "The learner is not enrolled in this learning path."}

    @SELF_UNENROLLMENT
    def test_number_of_queries(self) -> None:
        self.enroll("ana")
        self.act_as("ana")
        with self.assertNumQueries(9):  # the test's savepoint, the path, and the 6 of api.unenroll
            assert self.send("delete").status_code == 204
