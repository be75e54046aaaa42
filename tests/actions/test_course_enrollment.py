"""Ana takes a course of the platform, which the sandbox is here, and Sam of the staff enrolls her in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import ddt
from django.db import DatabaseError, connection, transaction
from django.test import TestCase
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.actions.course_enrollment import invite_to_course
from learning_paths.data import CourseEnrollmentOutcome, StateTransition
from learning_paths.exceptions import (
    CourseEnrollmentClosed,
    CourseEnrollmentFailed,
    CourseFull,
    CourseModeNotAvailable,
    CourseNotFound,
    InvalidEmail,
    InvitationTaken,
    LearningPathsError,
    RetiredEmail,
)
from sandbox.accounts.models import RetiredAccount
from sandbox.courses.models import (
    CourseEnrollment,
    CourseEnrollmentAllowed,
    CourseRun,
    ManualCourseEnrollmentAudit,
)
from tests.factories import make_staff, make_user

PYTHON = CourseKey.from_string("course-v1:DemoX+PY101+2026")
UNKNOWN = CourseKey.from_string("course-v1:DemoX+NONE+2026")

BEFORE = {"enrollment_start": timezone.now() + timedelta(days=1)}
AFTER = {"enrollment_end": timezone.now() - timedelta(days=1)}
FULL = {"max_enrollments": 0}


class CourseTestCase(TestCase):
    """A course in two modes, and the people."""

    def setUp(self) -> None:
        self.ana = make_user("ana")
        self.sam = make_staff("sam")
        self.course = CourseRun.objects.create(course_key=PYTHON, display_name="Python", modes="audit,verified")

    def change_course(self, **fields: Any) -> None:
        CourseRun.objects.filter(pk=self.course.pk).update(**fields)

    def outcome(self, *, mode: str = "audit", created: bool, mode_changed: bool = False) -> CourseEnrollmentOutcome:
        return CourseEnrollmentOutcome("ana", PYTHON, mode, created, mode_changed)


@ddt.ddt
class EnrollInCourseTests(CourseTestCase):
    """One learner, one course."""

    def test_for_the_first_time(self) -> None:
        assert api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana) == self.outcome(created=True)
        row = CourseEnrollment.objects.get()
        assert (row.user, row.course_run, row.is_active, row.mode) == (self.ana, self.course, True, "audit")

    def test_a_repeat_changes_nothing(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, mode="verified", acting_user=self.ana)
        unchanged = self.outcome(mode="verified", created=False)
        for mode in ("verified", None, ""):
            assert api.enroll_user_in_course(self.ana, PYTHON, mode=mode, acting_user=self.sam) == unchanged
        assert CourseEnrollment.objects.get().mode == "verified"
        assert not ManualCourseEnrollmentAudit.objects.exists()

    @ddt.data(BEFORE, AFTER, FULL, {"modes": "honor"})
    def test_a_repeat_is_fine_whatever_became_of_the_course(self, fields: dict[str, Any]) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        self.change_course(**fields)
        assert api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana) == self.outcome(created=False)

    def test_after_leaving_the_same_row_is_active_again_in_the_default_mode(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, mode="verified", acting_user=self.ana)
        CourseEnrollment.objects.update(is_active=False)
        assert api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana) == self.outcome(created=True)
        row = CourseEnrollment.objects.get()
        assert (row.is_active, row.mode) == (True, "audit")

    @ddt.data(AFTER, FULL)
    def test_whoever_left_needs_an_open_course_with_room(self, fields: dict[str, Any]) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        CourseEnrollment.objects.update(is_active=False)
        self.change_course(**fields)
        with self.assertRaises((CourseEnrollmentClosed, CourseFull)):
            api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        assert not CourseEnrollment.objects.get().is_active

    def test_another_mode(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        outcome = api.enroll_user_in_course(self.ana, PYTHON, mode="verified", acting_user=self.sam)
        assert outcome == self.outcome(mode="verified", created=False, mode_changed=True)
        assert CourseEnrollment.objects.get().mode == "verified"
        assert ManualCourseEnrollmentAudit.objects.get().state_transition == StateTransition.ENROLLED_TO_ENROLLED

    @ddt.data(False, True)
    def test_a_mode_that_is_not_offered_is_refused_with_and_without_force(self, force: bool) -> None:
        with self.assertRaises(CourseModeNotAvailable):
            api.enroll_user_in_course(self.ana, PYTHON, mode="masters", force=force, acting_user=self.sam)
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam)
        with self.assertRaises(CourseModeNotAvailable):
            api.enroll_user_in_course(self.ana, PYTHON, mode="masters", force=force, acting_user=self.sam)
        assert CourseEnrollment.objects.get().mode == "audit"

    @ddt.data((BEFORE, CourseEnrollmentClosed), (AFTER, CourseEnrollmentClosed), (FULL, CourseFull))
    @ddt.unpack
    def test_closed_or_full_but_for_force(self, fields: dict[str, Any], error: type[LearningPathsError]) -> None:
        self.change_course(**fields)
        with self.assertRaises(error):
            api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam)
        assert not CourseEnrollment.objects.exists()
        assert not ManualCourseEnrollmentAudit.objects.exists()
        outcome = api.enroll_user_in_course(self.ana, PYTHON, force=True, acting_user=self.sam)
        assert outcome == self.outcome(created=True)

    def test_the_last_place(self) -> None:
        self.change_course(max_enrollments=1)
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        with self.assertRaises(CourseFull):
            api.enroll_user_in_course(make_user("ben"), PYTHON, acting_user=None)

    @ddt.data(UNKNOWN, str(UNKNOWN), "course-v1:demox+py101+2026", "PY101", "path-v1:DemoX+DS101+2026", "", " ", "\x00")
    def test_a_course_that_there_is_not(self, key: CourseKey | str) -> None:
        with self.assertRaises(CourseNotFound):
            api.enroll_user_in_course(self.ana, key, force=True, acting_user=self.ana)

    def test_the_key_may_be_text(self) -> None:
        outcome = api.enroll_user_in_course(self.ana, f" {PYTHON}\n", acting_user=self.ana)
        assert outcome == self.outcome(created=True)

    def test_an_account_that_is_not_active(self) -> None:
        new = make_user("new", is_active=False)
        assert api.enroll_user_in_course(new, PYTHON, acting_user=new).created

    def test_by_staff_leaves_an_audit_row_of_the_platform(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, reason="Scholarship", acting_user=self.sam)
        audit = ManualCourseEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by) == (CourseEnrollment.objects.get(), self.sam)
        assert (audit.enrolled_email, audit.reason) == ("ana@example.com", "Scholarship")
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED

    def test_by_oneself_or_the_system_leaves_none(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        api.enroll_user_in_course(make_user("ben"), PYTHON, acting_user=None)
        assert not ManualCourseEnrollmentAudit.objects.exists()


class TransactionTests(CourseTestCase):
    """A course that fails costs the caller nothing but this course."""

    def test_the_caller_goes_on_after_a_failure(self) -> None:
        with transaction.atomic():
            ben = make_user("ben")
            for error, key in [(CourseNotFound, UNKNOWN), (CourseFull, PYTHON)]:
                self.change_course(max_enrollments=0)
                with self.assertRaises(error):
                    api.enroll_user_in_course(self.ana, key, acting_user=self.sam)
            self.change_course(max_enrollments=None)
            api.enroll_user_in_course(ben, PYTHON, acting_user=self.sam)
        assert CourseEnrollment.objects.get().user == ben

    def test_a_fault_of_the_platform_is_logged_and_leaves_nothing_half_done(self) -> None:
        fault = mock.patch.object(ManualCourseEnrollmentAudit.objects, "create", side_effect=DatabaseError("full disk"))
        logger = "learning_paths.lms.guard"
        with fault, self.assertLogs(logger, "ERROR") as logs, self.assertRaises(CourseEnrollmentFailed) as caught:
            api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam)
        assert isinstance(caught.exception.__cause__, DatabaseError)
        assert "full disk" in logs.output[0]
        assert not CourseEnrollment.objects.exists()
        assert api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam).created

    def test_an_error_that_broke_the_whole_transaction_comes_through(self) -> None:
        def deadlock(**fields: Any) -> None:
            connection.needs_rollback = True  # what Django notes when MySQL has lost the savepoint
            raise DatabaseError("deadlock")

        fault = mock.patch.object(ManualCourseEnrollmentAudit.objects, "create", side_effect=deadlock)
        rollback = mock.patch.object(connection, "savepoint_rollback", side_effect=DatabaseError("no such savepoint"))
        with fault, rollback, self.assertRaisesMessage(DatabaseError, "deadlock"):
            api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam)
        connection.needs_rollback = False  # for the test's own transaction, which nobody broke

    def test_a_repeat_only_reads(self) -> None:
        api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.ana)
        with self.assertNumQueries(4):  # a savepoint set and released, course, enrolled?
            api.enroll_user_in_course(self.ana, PYTHON, acting_user=self.sam)


class InviteToCourseTests(CourseTestCase):
    """Eve has no account yet."""

    def invite(self, email: str = "eve@example.com", key: CourseKey | str = PYTHON) -> bool:
        return invite_to_course(email, key, reason="Cohort of spring", acting_user=self.sam)

    def test_once_and_again(self) -> None:
        assert self.invite(" Eve@Example.com ")
        assert not self.invite()
        row = CourseEnrollmentAllowed.objects.get()
        assert (row.email, row.course_run, row.auto_enroll, row.user) == ("eve@example.com", self.course, True, None)
        audit = ManualCourseEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by, audit.enrolled_email) == (None, self.sam, "eve@example.com")
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ALLOWED

    def test_an_invitation_that_waits_for_its_owner_to_enroll_becomes_one_that_does_not(self) -> None:
        CourseEnrollmentAllowed.objects.create(email="eve@example.com", course_run=self.course, auto_enroll=False)
        assert self.invite()
        assert CourseEnrollmentAllowed.objects.get().auto_enroll

    def test_whom_one_can_not_invite(self) -> None:
        RetiredAccount.objects.create(email="gone@example.com")
        refusals: list[tuple[type[LearningPathsError], str, CourseKey | str]] = [
            (InvalidEmail, "eve", PYTHON),
            (RetiredEmail, "Gone@example.com", PYTHON),
            (CourseNotFound, "eve@example.com", UNKNOWN),
            (CourseNotFound, "eve@example.com", "PY101"),
        ]
        for error, email, key in refusals:
            with self.assertRaises(error):
                self.invite(email, key)
        assert not CourseEnrollmentAllowed.objects.exists()

    def test_an_invitation_that_another_account_has_used(self) -> None:
        self.invite()
        eve = make_user("eve")
        assert CourseEnrollmentAllowed.objects.get().user == eve
        assert not self.invite()  # of Eve herself: nothing to do
        eve.email = "eve@new.example.com"
        eve.save()
        with self.assertRaises(InvitationTaken):
            self.invite()
