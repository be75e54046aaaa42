"""Ana takes a course run that is a step of her path."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.db import DatabaseError
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.data import CourseEnrollmentOutcome, StateTransition
from learning_paths.exceptions import (
    CourseEnrollmentClosed,
    CourseEnrollmentFailed,
    CourseFull,
    CourseNotFound,
    CourseNotInPath,
    LearningPathsError,
    NotEnrolled,
)
from learning_paths.models import ManualEnrollmentAudit
from sandbox.courses.models import CourseEnrollment, CourseRun, ManualCourseEnrollmentAudit
from tests.actions.test_course_enrollment import AFTER, BEFORE, FULL, PYTHON, UNKNOWN, CourseTestCase
from tests.factories import make_path

SQL = CourseKey.from_string("course-v1:DemoX+SQL101+2026")


@ddt.ddt
class EnrollInStepTests(CourseTestCase):
    """Her path begins with SQL and goes on with Python."""

    def setUp(self) -> None:
        super().setUp()
        CourseRun.objects.create(course_key=SQL, display_name="SQL")
        self.path = make_path(sequential=True)
        self.path.steps.create(course_key=SQL, order=1)
        self.path.steps.create(course_key=PYTHON, order=2)
        self.join_path()

    def join_path(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.ana)

    def take(self, key: CourseKey | str = PYTHON, *, by: Any = None) -> CourseEnrollmentOutcome:
        return api.enroll_in_step(self.ana, self.path, key, acting_user=by or self.ana)

    def refused(self, error: type[LearningPathsError], key: CourseKey | str = PYTHON) -> None:
        with self.assertRaises(error):
            self.take(key)
        assert not CourseEnrollment.objects.exists()

    @ddt.data(PYTHON, str(PYTHON), f" {PYTHON}\n")
    def test_a_step_whatever_its_place(self, key: CourseKey | str) -> None:
        assert self.take(key) == self.outcome(created=True)
        row = CourseEnrollment.objects.get()
        assert (row.user, row.course_run, row.is_active, row.mode) == (self.ana, self.course, True, "audit")

    def test_again_changes_nothing(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, mode="verified", acting_user=self.ana)
        self.change_course(**AFTER)
        assert self.take() == self.outcome(mode="verified", created=False)

    def test_who_never_was_in_the_path(self) -> None:
        with self.assertRaises(NotEnrolled):
            api.enroll_in_step(self.sam, self.path, PYTHON, acting_user=self.sam)
        assert not CourseEnrollment.objects.exists()

    def test_who_left_the_path_and_came_back(self) -> None:
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        self.refused(NotEnrolled)
        self.join_path()
        assert self.take().created

    def test_a_step_of_another_path(self) -> None:
        self.path.steps.filter(course_key=PYTHON).delete()
        other = make_path("path-v1:DemoX+WEB+2026")
        other.steps.create(course_key=PYTHON)
        self.refused(CourseNotInPath)
        api.enroll(self.ana, other, acting_user=self.ana)
        self.refused(CourseNotInPath)
        assert api.enroll_in_step(self.ana, other, PYTHON, acting_user=self.ana).created

    @ddt.data(UNKNOWN, "course-v1:demox+py101+2026", "course-v1:DemoX+PY101+2026+branch@draft", "library-v1:DemoX+L")
    def test_a_course_that_is_no_step(self, key: CourseKey | str) -> None:
        self.refused(CourseNotInPath, key)

    @ddt.data("", "PY101", "path-v1:DemoX+DS101+2026", "course-v1:DemoX", "\x00", "x" * 2000)
    def test_text_that_is_no_key(self, key: str) -> None:
        self.refused(CourseNotFound, key)

    def test_a_step_that_the_platform_does_not_know(self) -> None:
        self.path.steps.create(course_key=UNKNOWN)
        self.refused(CourseNotFound, UNKNOWN)

    @ddt.data(
        (BEFORE, CourseEnrollmentClosed),
        (AFTER, CourseEnrollmentClosed),
        (FULL, CourseFull),
    )
    @ddt.unpack
    def test_nobody_gets_past_the_rules_of_the_course(
        self, fields: dict[str, Any], error: type[LearningPathsError]
    ) -> None:
        self.change_course(**fields)
        self.refused(error)

    def test_a_fault_of_the_platform(self) -> None:
        fault = mock.patch.object(CourseEnrollment.objects, "update_or_create", side_effect=DatabaseError("full disk"))
        with fault, self.assertLogs("learning_paths.lms.guard", "ERROR"):
            self.refused(CourseEnrollmentFailed)
        assert self.take().created

    def test_by_staff_leaves_an_audit_row_of_the_platform_that_names_the_path(self) -> None:
        self.take(by=self.sam)
        audit = ManualCourseEnrollmentAudit.objects.get()
        assert (audit.enrolled_by, audit.enrolled_email) == (self.sam, "ana@example.com")
        assert (audit.state_transition, audit.reason) == (
            StateTransition.UNENROLLED_TO_ENROLLED,
            "Learning path path-v1:DemoX+DS101+2026",
        )
        assert not ManualEnrollmentAudit.objects.exists()  # which is of enrollments in paths

    def test_by_oneself_leaves_none(self) -> None:
        self.take()
        assert not ManualCourseEnrollmentAudit.objects.exists()

    def test_number_of_queries(self) -> None:
        self.take()
        # A savepoint, in the path? locked, a step? and the 4 of a repeat of enroll_user_in_course.
        with self.assertNumQueries(9):
            self.take()
