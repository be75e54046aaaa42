"""The sandbox keeps the promises of ``learning_paths.lms.base.LMS``."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

from ddt import data, ddt, unpack
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import TestCase
from opaque_keys.edx.keys import CourseKey

from learning_paths.data import StateTransition
from learning_paths.lms import CourseRun as Run
from learning_paths.lms import get_lms
from sandbox.accounts.models import RetiredAccount
from sandbox.courses.models import (
    CourseEnrollment,
    CourseEnrollmentAllowed,
    CourseProgress,
    CourseRun,
    ManualCourseEnrollmentAudit,
)
from sandbox.lms import SandboxLMS
from tests.factories import make_staff, make_user

START = datetime(2026, 1, 12, tzinfo=UTC)
END = datetime(2026, 3, 20, tzinfo=UTC)


def key(number: str) -> CourseKey:
    return CourseKey.from_string(f"course-v1:DemoX+{number}+2026")


def make_run(number: str, name: str) -> CourseKey:
    CourseRun.objects.create(course_key=key(number), display_name=name, start=START, end=END)
    return key(number)


class TestCourseRuns(TestCase):
    def test_the_setting_names_the_sandbox(self) -> None:
        assert isinstance(get_lms(), SandboxLMS)

    def test_known_runs_come_back_in_one_query_and_unknown_ones_are_absent(self) -> None:
        python, statistics = make_run("PY101", "Python"), make_run("STAT1", "Statistics")
        with self.assertNumQueries(1):
            runs = get_lms().course_runs([python, statistics, key("NONE")])
        assert runs == {
            python: Run(key=python, name="Python", start=START, end=END),
            statistics: Run(key=statistics, name="Statistics", start=START, end=END),
        }

    def test_a_key_in_another_case_is_another_key(self) -> None:
        python = make_run("PY101", "Python")
        assert get_lms().course_runs([key("py101")]) == {}
        assert list(get_lms().course_runs([key("py101"), python])) == [python]

    def test_a_run_without_a_name_is_called_by_its_run(self) -> None:
        nameless = CourseRun.objects.create(course_key=key("PY101")).course_key
        assert get_lms().course_runs([nameless])[nameless] == Run(key=nameless, name="2026", start=None, end=None)

    def test_no_keys_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().course_runs([]) == {}


@ddt
class TestBestModes(TestCase):
    @unpack
    @data(
        ("audit,verified", "verified"),
        ("professional,verified", "verified"),
        ("no-id-professional,professional", "professional"),
        ("honor,audit", "audit"),
        ("unpaid-executive-education,honor", "honor"),
        ("masters", None),
    )
    def test_the_best_of_each(self, modes: str, best: str | None) -> None:
        python = make_run("PY101", "Python")
        CourseRun.objects.update(modes=modes)
        with self.assertNumQueries(1):
            found = get_lms().best_modes([python, key("py101"), key("NONE")])
        assert found == ({} if best is None else {python: best})

    def test_no_keys_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().best_modes([]) == {}


@ddt
class TestSearch(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_run("PY101", "Python for Data Work")
        make_run("STAT1", "Statistics you will use")
        make_run("STAT2", "statistics and more")
        make_run("UP_DOWN", "100% Sure")

    @unpack
    @data(
        ("statistics", ["STAT2", "STAT1"]),
        ("USE stat", ["STAT1"]),
        ("demox python", ["PY101"]),
        ("course-v1:DemoX+STAT2+2026", ["STAT2"]),
        ("statistics python", []),
        ("%", ["UP_DOWN"]),
        ("_", ["UP_DOWN"]),
        ("P_101", []),
        ("'; --", []),
        ("  ", ["UP_DOWN", "PY101", "STAT2", "STAT1"]),
    )
    def test_every_word_is_in_the_name_or_the_key(self, text: str, found: list[str]) -> None:
        with self.assertNumQueries(1):
            runs = get_lms().search_course_runs(text, limit=10)
        assert [run.key.course for run in runs] == found

    def test_pages(self) -> None:
        pages = [get_lms().search_course_runs("", limit=3, offset=offset) for offset in (0, 3, 6)]
        assert [[run.key.course for run in page] for page in pages] == [["UP_DOWN", "PY101", "STAT2"], ["STAT1"], []]


class TestRetiredEmails(TestCase):
    def test_those_that_were_retired_in_one_query(self) -> None:
        RetiredAccount.objects.create(email="gone@example.com")
        with self.assertNumQueries(1):
            retired = get_lms().retired_emails(["gone@example.com", "here@example.com"])
        assert retired == {"gone@example.com"}

    def test_no_addresses_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().retired_emails([]) == set()

    def test_the_admin_stores_an_address_in_the_form_that_is_asked_for(self) -> None:
        account = RetiredAccount(email=" Gone@Example.com ")
        account.clean()
        account.save()
        assert get_lms().retired_emails(["gone@example.com"]) == {"gone@example.com"}
        with self.assertRaises(ValidationError):
            RetiredAccount(email="gone@example.com").full_clean()


class TestBulkReads(TestCase):
    python: CourseKey
    statistics: CourseKey
    ana: User
    ben: User
    chloe: User

    @classmethod
    def setUpTestData(cls) -> None:
        cls.python, cls.statistics = make_run("PY101", "Python"), make_run("STAT1", "Statistics")
        cls.ana, cls.ben, cls.chloe = make_user("ana"), make_user("ben"), make_user("chloe")
        cls.enroll(cls.ana, cls.python, "audit")
        cls.enroll(cls.ana, cls.statistics, "verified")
        cls.enroll(cls.ben, cls.python, None)
        CourseEnrollment.objects.filter(user=cls.ben).update(is_active=False)
        for email in ("eve@example.com", "dan@example.com"):
            get_lms().invite_to_course(email, cls.python, acting_user=None, reason="")

    @staticmethod
    def enroll(user: User, course_key: CourseKey, mode: str | None) -> None:
        CourseRun.objects.filter(course_key=course_key).update(modes="audit,verified")
        get_lms().enroll_in_course(user, course_key, mode=mode, force=False, acting_user=None, reason="")

    def test_active_enrollments_in_one_query(self) -> None:
        ids = [self.ana.pk, self.ben.pk, self.chloe.pk]
        with self.assertNumQueries(1):
            found = get_lms().course_enrollments(ids, [self.python, self.statistics, key("NONE"), key("py101")])
        assert found == {(self.ana.pk, self.python): "audit", (self.ana.pk, self.statistics): "verified"}
        with self.assertNumQueries(1):
            assert get_lms().course_enrollments([self.ben.pk], [self.python]) == {}

    def test_pending_invitations_in_one_query(self) -> None:
        make_user("dan")  # who claims
        with self.assertNumQueries(1):
            found = get_lms().course_invitations(
                ["eve@example.com", "dan@example.com", "ana@example.com"], [self.python, self.statistics]
            )
        assert found == {("eve@example.com", self.python)}
        CourseEnrollmentAllowed.objects.update(auto_enroll=False)
        assert get_lms().course_invitations(["eve@example.com"], [self.python]) == set()

    def test_more_than_the_database_takes_at_once(self) -> None:
        ids, emails = range(1, 1200), [f"learner{number}@example.com" for number in range(1200)]
        keys = [self.python, *(key(f"N{number}") for number in range(1200))]
        assert (self.ana.pk, self.python) in get_lms().course_enrollments([*ids, self.ana.pk], keys)
        assert get_lms().course_invitations([*emails, "eve@example.com"], keys) == {("eve@example.com", self.python)}

    def test_nothing_costs_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().course_enrollments([], [self.python]) == {}
            assert get_lms().course_enrollments([1], []) == {}
            assert get_lms().course_invitations([], [self.python]) == set()
            assert get_lms().course_invitations(["eve@example.com"], []) == set()

    def test_nobody_chose_a_language(self) -> None:
        assert get_lms().preferred_languages([1, 2]) == {}


class TestProgress(TestCase):
    """Ana is in two courses, of which one has graded nothing yet; Ben is in one of them."""

    python: CourseKey
    statistics: CourseKey
    ana: User

    @classmethod
    def setUpTestData(cls) -> None:
        cls.python, cls.statistics = make_run("PY101", "Python"), make_run("STAT1", "Statistics")
        cls.ana = make_user("ana")
        cls.advance(cls.ana, cls.python, completion=0.6, grade=0.0)
        cls.advance(cls.ana, cls.statistics, completion=0.25, grade=None)
        cls.advance(make_user("ben"), cls.python, completion=1.0, grade=0.9)

    @staticmethod
    def advance(user: User, course_key: CourseKey, *, completion: float | None, grade: float | None) -> None:
        run = CourseRun.objects.get(course_key=course_key)
        CourseProgress.objects.create(user=user, course_run=run, completion=completion, grade=grade)

    def test_how_much_a_learner_has_completed_in_one_query(self) -> None:
        with self.assertNumQueries(1):
            found = get_lms().course_completions(self.ana, [self.python, self.statistics, key("NONE")])
        assert found == {self.python: 0.6, self.statistics: 0.25}

    def test_which_grades_are_recorded_in_one_query(self) -> None:
        with self.assertNumQueries(1):
            found = get_lms().course_grades(self.ana, [self.python, self.statistics, key("NONE")])
        assert found == {self.python: 0.0}

    def test_a_key_in_another_case_is_another_key(self) -> None:
        assert get_lms().course_completions(self.ana, [key("py101")]) == {}
        assert get_lms().course_grades(self.ana, [key("py101"), self.python]) == {self.python: 0.0}

    def test_more_courses_than_the_database_takes_at_once(self) -> None:
        keys = [self.python, *(key(f"N{number}") for number in range(2500))]
        assert get_lms().course_completions(self.ana, keys) == {self.python: 0.6}
        assert get_lms().course_grades(self.ana, keys) == {self.python: 0.0}

    def test_no_courses_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().course_completions(self.ana, []) == {}
            assert get_lms().course_grades(self.ana, []) == {}

    def test_a_share_is_between_nothing_and_all(self) -> None:
        progress = CourseProgress.objects.get(user=self.ana, course_run__course_key=self.python)
        for share, fits in ((0.0, True), (1.0, True), (1.01, False), (-0.01, False)):
            with self.subTest(share=share):
                progress.completion = progress.grade = share
                with nullcontext() if fits else self.assertRaises(ValidationError):
                    progress.full_clean()


class TestClaiming(TestCase):
    """Eve is invited to a course that is full and closed by now, as the LMS would let her in."""

    def setUp(self) -> None:
        self.python = make_run("PY101", "Python")
        self.sam = make_staff("sam")
        get_lms().invite_to_course("eve@example.com", self.python, acting_user=self.sam, reason="Cohort")
        CourseRun.objects.update(max_enrollments=0, enrollment_end=START)

    def enrolled(self, user: User) -> bool:
        return (user.pk, self.python) in get_lms().course_enrollments([user.pk], [self.python])

    def test_on_activation_and_not_before(self) -> None:
        eve = make_user("eve", email="Eve@Example.com", is_active=False)
        assert not self.enrolled(eve)
        eve.is_active = True
        eve.save()
        assert self.enrolled(eve)
        assert CourseEnrollmentAllowed.objects.get().user == eve
        audit = ManualCourseEnrollmentAudit.objects.latest("pk")
        assert audit.state_transition == StateTransition.ALLOWED_TO_ENROLLED
        assert (audit.enrolled_by, audit.reason) == (self.sam, "Cohort")

    def test_on_a_change_of_the_address(self) -> None:
        eve = make_user("eve", email="old@example.com")
        assert not self.enrolled(eve)
        eve.email = "eve@example.com"
        eve.save()
        assert self.enrolled(eve)

    def test_only_once_so_that_leaving_is_for_good(self) -> None:
        eve = make_user("eve")
        CourseEnrollment.objects.update(is_active=False)
        eve.last_name = "Green"
        eve.save()
        assert not self.enrolled(eve)

    def test_an_account_that_is_enrolled_already_is_bound_all_the_same(self) -> None:
        new = make_user("new", email="old@example.com")
        get_lms().enroll_in_course(new, self.python, mode=None, force=True, acting_user=None, reason="")
        new.email = "eve@example.com"
        new.save()
        assert CourseEnrollmentAllowed.objects.get().user == new

    def test_no_other_account_after_that(self) -> None:
        eve = make_user("eve")
        eve.email = "other@example.com"
        eve.save()
        second = make_user("second", email="eve@example.com")
        assert not self.enrolled(second)

    def test_without_automatic_enrollment_the_invited_may_enroll_although_it_is_closed(self) -> None:
        CourseEnrollmentAllowed.objects.update(auto_enroll=False)
        CourseRun.objects.update(max_enrollments=None)
        eve = make_user("eve")
        assert not self.enrolled(eve)
        get_lms().enroll_in_course(eve, self.python, mode=None, force=False, acting_user=None, reason="")
        assert self.enrolled(eve)
