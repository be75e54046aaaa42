"""``/api/learning_paths/v1/<key>/enrollments/<course_key>/``: enrolling in a course run of one's path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import ddt
from django.db import DatabaseError
from django.utils import timezone

from learning_paths import api
from sandbox.courses.models import CourseEnrollment, CourseRun, ManualCourseEnrollmentAudit
from tests.rest_api.base import INVITE_ONLY, OPEN, RestTestCase, SavepointClient
from tests.rest_api.paths_v1.base import ROOT

PYTHON = "course-v1:DemoX+PY101+2026"
SQL = "course-v1:DemoX+SQL101+2026"
UNKNOWN = "course-v1:DemoX+NONE+2026"
DONE = {"detail": "The learner is enrolled in the course."}
NO_PATH = {"detail": "There is no such learning path."}
NOT_IN_PATH = {"detail": "The learner is not enrolled in this learning path."}
NO_STEP = {"detail": "This course is not a step of this learning path."}
NO_COURSE = {"detail": "There is no such course."}


def url(key: str = OPEN, course_key: str = PYTHON) -> str:
    """The address of the enrollment in a course run of a path."""
    return f"{ROOT}/{key}/enrollments/{course_key}/"


@ddt.ddt
class StepEnrollmentTests(RestTestCase):
    """Python is a step of both paths, SQL of none. Ana is in the open path."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        for key in (PYTHON, SQL):
            CourseRun.objects.create(course_key=key)
        for path in (self.open, self.invite_only):
            path.steps.create(course_key=PYTHON)
        self.enroll("ana")
        self.act_as("ana")

    def send(self, *args: str, data: Any = None) -> Any:
        return self.client.post(url(*args), data=data, format="json")

    def learners(self) -> list[str]:
        return sorted(CourseEnrollment.objects.filter(is_active=True).values_list("user__username", flat=True))

    def test_as_the_micro_frontend_does_it_without_a_body_and_once_more(self) -> None:
        for _ in range(2):
            assert self.assert_json(self.client.post(url()), 201) == DONE
        enrollment = CourseEnrollment.objects.get()
        assert (enrollment.user, str(enrollment.course_run.course_key)) == (self.people["ana"], PYTHON)
        assert not ManualCourseEnrollmentAudit.objects.exists()

    def test_without_a_trailing_slash_and_with_everything_quoted(self) -> None:
        assert self.assert_json(self.client.post(url().rstrip("/")), 201) == DONE
        quoted = url().replace("+", "%2B").replace(":", "%3A")
        assert self.assert_json(self.client.post(quoted), 201) == DONE

    def test_anonymous(self) -> None:
        self.act_as(None)
        for address in (url(), url("nonsense"), url(OPEN, "nonsense")):
            self.assert_json(self.client.post(address), 401)

    @ddt.data("get", "put", "patch", "delete")
    def test_other_methods(self, method: str) -> None:
        self.assert_json(getattr(self.client, method)(url()), 405)

    @ddt.data(
        (INVITE_ONLY, PYTHON, 404, NO_PATH),
        ("path-v1:DemoX+NONE+2026", PYTHON, 404, NO_PATH),
        ("path-v1:demox+ds101+2026", PYTHON, 404, NO_PATH),
        ("nonsense", PYTHON, 404, NO_PATH),
        ("%00", "%00", 404, NO_PATH),
        (OPEN, SQL, 400, NO_STEP),
        (OPEN, UNKNOWN, 400, NO_STEP),
        (OPEN, "course-v1:demox+py101+2026", 400, NO_STEP),
        (OPEN, "DemoX/PY101/2026", 400, NO_STEP),
        (OPEN, "course-v1:DemoX", 404, NO_COURSE),
        (OPEN, OPEN, 404, NO_COURSE),
        (OPEN, "nonsense", 404, NO_COURSE),
        (OPEN, "a/b", 404, NO_COURSE),
        (OPEN, "%00", 404, NO_COURSE),
        (OPEN, "%0A", 404, NO_COURSE),
        (OPEN, "%ff", 404, NO_COURSE),
        (OPEN, "%F0%9F%98%80", 404, NO_COURSE),
        (OPEN, "x" * 2000, 404, NO_COURSE),
        (OPEN, "course-v1:DemoX+PY101+" + "x" * 2000, 400, NO_STEP),
    )
    @ddt.unpack
    def test_a_path_or_a_course_that_is_not_there(self, key: str, course: str, status: int, answer: Any) -> None:
        assert self.assert_json(self.send(key, course), status) == answer
        assert self.learners() == []

    def test_a_step_that_the_platform_does_not_know(self) -> None:
        self.open.steps.create(course_key=UNKNOWN)
        assert self.assert_json(self.send(OPEN, UNKNOWN), 404) == NO_COURSE

    @ddt.data("ben", "sam", "una")
    def test_who_is_not_in_the_path(self, name: str) -> None:
        self.enroll(name, active=False)
        self.act_as(name)
        for course_key in (PYTHON, SQL, "nonsense"):
            assert self.assert_json(self.send(OPEN, course_key), 404) == NOT_IN_PATH
        assert self.learners() == []

    def test_in_an_invite_only_path_that_one_is_in(self) -> None:
        api.enroll(self.people["ana"], self.invite_only, acting_user=self.people["sam"])
        self.assert_json(self.send(INVITE_ONLY), 201)
        assert self.learners() == ["ana"]

    def test_an_invitation_to_the_path_is_not_enough(self) -> None:
        api.invite("eve@example.com", self.invite_only, acting_user=self.people["sam"])
        self.people["ben"].email = "eve@example.com"  # as the request has it, who has not claimed it yet
        self.act_as("ben")
        assert self.assert_json(self.send(INVITE_ONLY), 404) == NOT_IN_PATH

    @ddt.data(
        ({"enrollment_start": timezone.now() + timedelta(days=1)}, "This course is not open for enrollment."),
        ({"enrollment_end": timezone.now() - timedelta(days=1)}, "This course is not open for enrollment."),
        ({"max_enrollments": 0}, "This course is full."),
    )
    @ddt.unpack
    def test_the_platform_s_rules_hold(self, fields: dict[str, Any], detail: str) -> None:
        CourseRun.objects.update(**fields)
        assert self.assert_json(self.send(), 400) == {"detail": detail}
        assert self.learners() == []

    def test_a_fault_of_the_platform(self) -> None:
        fault = mock.patch.object(CourseEnrollment.objects, "update_or_create", side_effect=DatabaseError("full disk"))
        with fault, self.assertLogs("learning_paths.lms.guard", "ERROR"):
            assert "could not save" in self.assert_json(self.send(), 400)["detail"]
        assert self.learners() == []

    @ddt.data(None, {"username": "sam"})
    def test_staff_who_are_in_the_path_enroll_themselves(self, body: Any) -> None:
        self.enroll("sam")
        self.act_as("sam")
        self.assert_json(self.send(data=body), 201)
        assert self.learners() == ["sam"]
        assert not ManualCourseEnrollmentAudit.objects.exists()

    @ddt.data("body", "query")
    def test_staff_enroll_another_who_is_in_the_path(self, where: str) -> None:
        self.enroll("sam")
        self.act_as("sam")
        for name, status in (("ana", 201), ("ben", 404), ("nobody", 404)):
            if where == "body":
                response = self.send(data={"username": name})
            else:
                response = self.client.post(f"{url()}?username={name}")
            self.assert_json(response, status)
        assert self.learners() == ["ana"]
        audit = ManualCourseEnrollmentAudit.objects.get()
        assert (audit.enrolled_by, audit.enrolled_email) == (self.people["sam"], "ana@example.com")

    def test_learners_never_name_another(self) -> None:
        self.enroll("ben")
        answers = [self.assert_json(self.send(data={"username": name}), 403) for name in ("ben", "nobody")]
        assert answers[0] == answers[1]
        assert self.learners() == []

    def test_a_body_that_makes_no_sense(self) -> None:
        for body in (["ana"], {"username": ""}, {"username": {"a": "b"}}):
            self.assert_json(self.send(data=body), 400)
        self.assert_json(self.client.post(url(), data="{", content_type="application/json"), 400)
        assert self.learners() == []

    def test_number_of_queries(self) -> None:
        self.assert_json(self.send(), 201)
        with self.assertNumQueries(12):  # the test's savepoint, the path, and the 9 of a repeat of the action
            self.assert_json(self.send(), 201)
