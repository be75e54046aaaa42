"""Enrolling in courses, and inviting to them, by `EdxPlatform`, against the stand-in for edx-platform."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any
from unittest import mock

import ddt
from django.db import connection, transaction
from django.test import TestCase
from django.utils import timezone
from edx_django_utils.cache import RequestCache
from opaque_keys.edx.keys import CourseKey

from learning_paths.data import StateTransition
from learning_paths.exceptions import (
    CourseEnrollmentClosed,
    CourseEnrollmentFailed,
    CourseEnrollmentRefused,
    CourseFull,
    CourseModeNotAvailable,
    CourseNotFound,
    InvitationTaken,
    LearningPathsError,
)
from learning_paths.lms import CourseEnrollmentState
from learning_paths.lms.edx_platform import EdxPlatform
from tests.factories import make_staff, make_user
from tests.lms import stand_in
from tests.lms.stand_in import (
    Behavior,
    CourseEnrollment,
    CourseEnrollmentAllowed,
    CourseMode,
    CourseOverview,
    ManualEnrollmentAudit,
)

DS101 = CourseKey.from_string("course-v1:DemoX+DS101+2026")
WEB = CourseKey.from_string("course-v1:DemoX+WEB+2026_T1")
UNKNOWN = CourseKey.from_string("course-v1:DemoX+NONE+2026")
SHOUTED = CourseKey.from_string("course-v1:DEMOX+DS101+2026")
BROKEN = CourseKey.from_string("course-v1:DemoX+BROKEN+2026")
GONE = CourseKey.from_string("course-v1:DemoX+GONE+2026")

NOT_YET = {"enrollment_start": timezone.now() + timedelta(days=1)}
NO_LONGER = {"enrollment_end": timezone.now() - timedelta(days=1)}
BY_INVITATION = {"invitation_only": True}
FULL = {"max_student_enrollments_allowed": 0}


class PlatformTestCase(TestCase):
    """Ana, Sam of the staff, and two courses of the platform."""

    @classmethod
    def setUpClass(cls) -> None:
        # Before the transaction of the class begins: MySQL commits at a CREATE TABLE, SQLite refuses one inside.
        with connection.schema_editor() as editor:
            for model in stand_in.MODELS:
                editor.create_model(model)
        cls.addClassCleanup(cls.drop_tables)
        cls.enterClassContext(mock.patch.dict("sys.modules", stand_in.platform_modules()))
        super().setUpClass()

    @staticmethod
    def drop_tables() -> None:
        with connection.schema_editor() as editor:
            for model in reversed(stand_in.MODELS):
                editor.delete_model(model)

    def setUp(self) -> None:
        Behavior.reset()
        self.addCleanup(Behavior.reset)
        self.lms = EdxPlatform()
        self.ana = make_user("ana")
        self.sam = make_staff("sam")
        for key in (DS101, WEB):
            CourseOverview.objects.create(id=key)
        Behavior.modes[DS101] = ["audit", "verified"]

    def enroll(self, key: CourseKey = DS101, *, by: Any = None, **options: Any) -> CourseEnrollmentState:
        arguments = {"mode": None, "force": False, "reason": "Scholarship", "acting_user": by, **options}
        return self.lms.enroll_in_course(self.ana, key, **arguments)

    def transitions(self) -> list[str]:
        return list(ManualEnrollmentAudit.objects.order_by("pk").values_list("state_transition", flat=True))


class BestModeTests(PlatformTestCase):
    """The best mode that each course offers, by the platform's table of modes."""

    def offer(self, key: CourseKey, *modes: str, ends: Any = None) -> None:
        for mode in modes:
            CourseMode.objects.create(course_id=key, mode_slug=mode, _expiration_datetime=ends)

    def test_of_many_courses_in_one_query(self) -> None:
        self.offer(DS101, "honor", "audit", "verified")
        self.offer(WEB, "professional", "no-id-professional")
        with self.assertNumQueries(1):
            assert self.lms.best_modes([DS101, WEB, UNKNOWN]) == {DS101: "verified", WEB: "professional"}
        with self.assertNumQueries(0):
            assert self.lms.best_modes([]) == {}

    def test_a_mode_that_has_ended_is_not_offered(self) -> None:
        self.offer(DS101, "audit")
        self.offer(DS101, "verified", ends=timezone.now() - timedelta(minutes=1))
        assert self.lms.best_modes([DS101]) == {DS101: "audit"}
        CourseMode.objects.filter(mode_slug="verified").update(_expiration_datetime=timezone.now() + timedelta(days=1))
        assert self.lms.best_modes([DS101]) == {DS101: "verified"}

    def test_a_course_that_offers_none_of_them_is_absent(self) -> None:
        self.offer(DS101, "masters", "credit")
        assert self.lms.best_modes([DS101, WEB]) == {}

    def test_a_key_in_another_case_is_another_key(self) -> None:
        self.offer(DS101, "verified")
        assert self.lms.best_modes([SHOUTED]) == {}


@ddt.ddt
class EnrollTests(PlatformTestCase):
    def test_for_the_first_time_in_the_default_mode(self) -> None:
        assert self.enroll() == CourseEnrollmentState(created=True, mode="audit", mode_changed=False)
        row = CourseEnrollment.objects.get()
        assert (row.user, row.course_id, row.is_active, row.mode) == (self.ana, DS101, True, "audit")
        assert Behavior.events == ["changed", "created"]

    @ddt.data((["audit", "verified"], "verified", "verified"), (["honor", "verified"], None, "honor"))
    @ddt.unpack
    def test_in_a_mode_from_the_first_moment(self, modes: list[str], mode: str | None, expected: str) -> None:
        Behavior.modes[DS101] = modes
        assert self.enroll(mode=mode) == CourseEnrollmentState(created=True, mode=expected, mode_changed=False)
        assert Behavior.events == ["changed", "created"]

    @ddt.data({}, NO_LONGER, BY_INVITATION, FULL)
    def test_a_repeat_changes_nothing_whatever_became_of_the_course(self, fields: dict[str, Any]) -> None:
        self.enroll(mode="verified")
        Behavior.events.clear()
        CourseOverview.objects.filter(id=DS101).update(**fields)
        for mode in ("verified", None):
            state = self.enroll(mode=mode, by=self.sam)
            assert state == CourseEnrollmentState(created=False, mode="verified", mode_changed=False)
        assert Behavior.events == []
        assert self.transitions() == []

    def test_a_repeat_only_reads(self) -> None:
        self.enroll()
        with self.assertNumQueries(3):  # a savepoint set and released, the look
            self.enroll(by=self.sam)

    def test_again_after_leaving(self) -> None:
        self.enroll(mode="verified")
        CourseEnrollment.objects.update(is_active=False)
        Behavior.events.clear()
        assert self.enroll() == CourseEnrollmentState(created=True, mode="audit", mode_changed=False)
        assert CourseEnrollment.objects.get().is_active
        assert Behavior.events == ["changed", "created"]

    def test_in_another_mode(self) -> None:
        self.enroll()
        Behavior.events.clear()
        state = self.enroll(mode="verified", by=self.sam)
        assert state == CourseEnrollmentState(created=False, mode="verified", mode_changed=True)
        assert CourseEnrollment.objects.get().mode == "verified"
        assert Behavior.events == ["changed"]
        assert self.transitions() == [StateTransition.ENROLLED_TO_ENROLLED]

    @ddt.data(NOT_YET, NO_LONGER, BY_INVITATION)
    def test_closed_but_for_force(self, fields: dict[str, Any]) -> None:
        CourseOverview.objects.filter(id=DS101).update(**fields)
        with self.assertRaises(CourseEnrollmentClosed):
            self.enroll()
        assert not CourseEnrollment.objects.exists()
        assert self.enroll(force=True).created

    def test_closed_is_open_for_the_invited(self) -> None:
        CourseOverview.objects.filter(id=DS101).update(**NO_LONGER)
        CourseEnrollmentAllowed.objects.create(email=self.ana.email, course_id=DS101)
        assert self.enroll(by=self.sam).created
        assert CourseEnrollmentAllowed.objects.get().user == self.ana
        assert self.transitions() == [StateTransition.ALLOWED_TO_ENROLLED]

    def test_full_but_for_force(self) -> None:
        CourseOverview.objects.filter(id=DS101).update(**FULL)
        with self.assertRaises(CourseFull):
            self.enroll()
        assert self.enroll(force=True).created

    @ddt.data(False, True)
    def test_what_force_is_no_help_against(self, force: bool) -> None:
        Behavior.modes[WEB] = ["professional"]
        cases: list[tuple[CourseKey, str | None, type[LearningPathsError]]] = [
            (UNKNOWN, None, CourseNotFound),
            (UNKNOWN, "audit", CourseNotFound),
            (SHOUTED, None, CourseNotFound),
            (GONE, None, CourseNotFound),
            (GONE, "audit", CourseNotFound),
            (DS101, "masters", CourseModeNotAvailable),
            (WEB, None, CourseModeNotAvailable),
        ]
        for key, mode, error in cases:
            with self.subTest(key=key, mode=mode), self.assertRaises(error):
                self.enroll(key, mode=mode, force=force)
        Behavior.refused.add("ana")
        with self.assertRaises(CourseEnrollmentRefused):
            self.enroll(force=force)
        assert not CourseEnrollment.objects.exists()

    def test_an_active_enrollment_is_not_one_in_the_course_with_the_key_in_capitals(self) -> None:
        self.enroll()
        with self.assertRaises(CourseNotFound):
            self.enroll(SHOUTED)

    def test_an_active_enrollment_is_not_moved_to_a_mode_that_is_not_offered(self) -> None:
        self.enroll()
        with self.assertRaises(CourseModeNotAvailable):
            self.enroll(mode="masters")
        assert CourseEnrollment.objects.get().mode == "audit"

    def test_by_staff_leaves_an_audit_row(self) -> None:
        self.enroll(by=self.sam)
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by) == (CourseEnrollment.objects.get(), self.sam)
        assert (audit.enrolled_email, audit.reason) == ("ana@example.com", "Scholarship")
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED

    def test_by_oneself_or_the_system_leaves_none(self) -> None:
        self.enroll(by=self.ana)
        self.enroll(WEB, by=None)
        assert self.transitions() == []


class FailureTests(PlatformTestCase):
    """What nobody foresaw is one error, in the log, and costs the caller nothing else."""

    def fails(self, key: CourseKey = DS101, **options: Any) -> str:
        """Enroll in vain, and return what the log says."""
        with self.assertLogs("learning_paths.lms.guard", "ERROR") as logs, self.assertRaises(CourseEnrollmentFailed):
            self.enroll(key, **options)
        return logs.output[0]

    def test_an_account_without_a_profile(self) -> None:
        """The platform notices after it has saved the row, and remembers that row."""
        Behavior.without_profile.add("ana")
        log = self.fails()
        assert f"enroll user {self.ana.pk} in {DS101}" in log
        assert "User has no profile" in log
        assert "ana@example.com" not in log
        assert not CourseEnrollment.objects.exists()
        Behavior.without_profile.clear()
        assert self.enroll().created

    def test_what_is_remembered_of_an_enrollment_that_was_undone_is_forgotten(self) -> None:
        Behavior.without_profile.add("ana")
        self.fails()
        assert RequestCache(CourseEnrollment.MODE_CACHE_NAMESPACE).data == {}

    def test_what_a_worker_remembers_from_before_does_not_count(self) -> None:
        CourseEnrollment.remember(self.ana, DS101, is_active=True)
        assert self.enroll().created

    def test_somebody_was_quicker(self) -> None:
        def enroll(*args: Any, **options: Any) -> None:
            CourseEnrollment.objects.create(user=self.ana, course_id=DS101, mode="verified")
            raise stand_in.AlreadyEnrolledError

        with mock.patch.object(CourseEnrollment, "enroll", enroll):
            state = self.enroll(by=self.sam)
        assert state == CourseEnrollmentState(created=False, mode="verified", mode_changed=False)
        assert self.transitions() == []

    def test_a_course_that_the_platform_can_not_load(self) -> None:
        assert "Error while loading CourseOverview" in self.fails(BROKEN)

    def test_a_platform_whose_modules_moved(self) -> None:
        with mock.patch.dict("sys.modules"):
            del sys.modules["openedx.core.djangoapps.enrollments.api"]
            assert "ModuleNotFoundError" in self.fails()

    def test_an_audit_that_can_not_be_written_undoes_the_enrollment(self) -> None:
        with mock.patch.object(ManualEnrollmentAudit, "create_manual_enrollment_audit", side_effect=TypeError):
            self.fails(by=self.sam)
        assert not CourseEnrollment.objects.exists()

    def test_the_caller_goes_on(self) -> None:
        Behavior.without_profile.add("ana")
        with transaction.atomic():
            self.fails()
            make_user("ben")
            with self.assertRaises(CourseNotFound):
                self.enroll(UNKNOWN)
            Behavior.without_profile.clear()
            self.enroll(WEB)
        assert CourseEnrollment.objects.get().course_id == WEB


class InviteTests(PlatformTestCase):
    """Eve has no account yet."""

    def invite(self, email: str = "eve@example.com", key: CourseKey = DS101, by: Any = None) -> bool:
        return self.lms.invite_to_course(email, key, acting_user=by, reason="Cohort")

    def test_once_and_again(self) -> None:
        assert self.invite(by=self.sam)
        assert not self.invite(by=self.sam)
        row = CourseEnrollmentAllowed.objects.get()
        assert (row.email, row.course_id, row.auto_enroll, row.user) == ("eve@example.com", DS101, True, None)
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.enrolled_by, audit.enrolled_email) == (None, self.sam, "eve@example.com")
        assert (audit.state_transition, audit.reason) == (StateTransition.UNENROLLED_TO_ALLOWED, "Cohort")

    def test_by_the_system_without_an_audit_row(self) -> None:
        assert self.invite()
        assert self.transitions() == []

    def test_an_instructor_s_invitation_that_would_not_enroll(self) -> None:
        CourseEnrollmentAllowed.objects.create(email="eve@example.com", course_id=DS101)
        assert self.invite()
        assert CourseEnrollmentAllowed.objects.get().auto_enroll

    def test_an_invitation_that_was_used(self) -> None:
        CourseEnrollmentAllowed.objects.create(
            email="ana@example.com", course_id=DS101, auto_enroll=True, user=self.ana
        )
        assert not self.invite("ana@example.com")
        self.ana.email = "ana@bücher.example"
        self.ana.save()
        CourseEnrollmentAllowed.objects.create(
            email="ana@xn--bcher-kva.example", course_id=DS101, auto_enroll=True, user=self.ana
        )
        assert not self.invite("ana@xn--bcher-kva.example")
        self.ana.email = "ana@new.example.com"
        self.ana.save()
        with self.assertRaises(InvitationTaken):
            self.invite("ana@example.com")

    def test_to_a_course_that_there_is_not(self) -> None:
        for key in (UNKNOWN, SHOUTED, GONE):
            with self.assertRaises(CourseNotFound):
                self.invite(key=key)
        with self.assertLogs("learning_paths.lms.guard", "ERROR"), self.assertRaises(CourseEnrollmentFailed):
            self.invite(key=BROKEN)
        assert not CourseEnrollmentAllowed.objects.exists()


class BulkReadTests(PlatformTestCase):
    """What a plan asks, in one query."""

    def test_active_enrollments(self) -> None:
        ben = make_user("ben")
        self.enroll()
        self.enroll(WEB)
        CourseEnrollment.objects.create(user=ben, course_id=DS101, mode="verified", is_active=False)
        for number in range(3):
            with self.assertNumQueries(1):
                found = self.lms.course_enrollments([self.ana.pk, ben.pk], [DS101, WEB, UNKNOWN][: number + 1])
            expected = {(self.ana.pk, DS101): "audit", (self.ana.pk, WEB): "audit"}
            assert found == {pair: mode for pair, mode in expected.items() if number or pair[1] == DS101}
        assert self.lms.course_enrollments([self.ana.pk], [SHOUTED]) == {}

    def test_pending_invitations(self) -> None:
        rows: dict[str, dict[str, Any]] = {
            "eve@example.com": {},
            "dan@example.com": {"auto_enroll": False},
            "ana@example.com": {"user": self.ana},
            "zoé@example.com": {},
        }
        for email, fields in rows.items():
            CourseEnrollmentAllowed.objects.create(
                **{"email": email, "course_id": DS101, "auto_enroll": True, **fields}
            )
        with self.assertNumQueries(1):
            found = self.lms.course_invitations([*rows, "zoe@example.com"], [DS101, WEB, SHOUTED])
        assert found == {("eve@example.com", DS101)}

    def test_an_invitation_written_in_capitals_where_the_database_finds_it(self) -> None:
        CourseEnrollmentAllowed.objects.create(email="Eve@Example.com", course_id=DS101, auto_enroll=True)
        found = self.lms.course_invitations(["eve@example.com"], [DS101])
        assert found == ({("eve@example.com", DS101)} if connection.vendor == "mysql" else set())

    def test_an_invitation_written_with_umlauts(self) -> None:
        for email in ("eve@bücher.example", "dan@bucher.example"):
            CourseEnrollmentAllowed.objects.create(email=email, course_id=DS101, auto_enroll=True)
        asked = ["eve@xn--bcher-kva.example", "dan@xn--bcher-kva.example"]
        with self.assertNumQueries(1):
            assert self.lms.course_invitations(asked, [DS101]) == {(asked[0], DS101)}

    def test_more_than_the_database_takes_at_once(self) -> None:
        self.enroll()
        self.lms.invite_to_course("eve@example.com", DS101, acting_user=None, reason="")
        keys = [DS101, *(CourseKey.from_string(f"course-v1:DemoX+C{number}+2026") for number in range(600))]
        emails = [f"learner{number}@example.com" for number in range(600)]
        ids = range(self.ana.pk, self.ana.pk + 600)
        assert self.lms.course_enrollments(ids, keys) == {(self.ana.pk, DS101): "audit"}
        assert self.lms.course_invitations([*emails, "eve@example.com"], keys) == {("eve@example.com", DS101)}

    def test_nothing_costs_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert self.lms.course_enrollments([], [DS101]) == {}
            assert self.lms.course_invitations(["eve@example.com"], []) == set()
