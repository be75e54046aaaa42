"""Course runs in bulk runs and jobs, enrolled in by the platform one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.db import DatabaseError, OperationalError, connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport, CourseEnrollmentRequest, JobState
from learning_paths.exceptions import CourseEnrollmentFailed, SubscriptionNotCurrent, SubscriptionNotFound
from learning_paths.lms import get_lms
from learning_paths.models import LearningPathEnrollment, SubscriptionPlan
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.factories import make_path, make_staff, make_user

DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"
YESTERDAY = timedelta(days=-1)


def codes(report: BulkReport) -> list[tuple[str, str, str]]:
    """Return address, last part of the key, and code of each row."""
    return [(row.email, str(row.key).split("+")[1], row.code.value) for row in report.rows]


class CourseCase(TestCase):
    """Two course runs, a path, Ana and Ben with accounts, and Sam of the staff."""

    def setUp(self) -> None:
        self.ds = CourseRun.objects.create(course_key=DS, display_name="Data Science")
        self.web = CourseRun.objects.create(course_key=WEB, display_name="Web")
        self.path = make_path()
        self.sam = make_staff()
        self.ana = make_user("ana", email="ana@x.org")
        self.ben = make_user("ben", email="ben@x.org")

    def run_bulk(self, emails: str, courses: list[str], paths: list[str] | None = None) -> BulkReport:
        work = api.prepare_bulk(emails, paths or [], courses)
        return api.bulk_enroll(work, reason="Cohort", acting_user=self.sam)

    def enrolled(self) -> set[tuple[str, str]]:
        rows = CourseEnrollment.objects.filter(is_active=True).values_list("user__username", "course_run__display_name")
        return set(rows)


class EnrollingTests(CourseCase):
    """Bulk runs over course runs."""

    def test_each_owner_is_enrolled_in_each_run(self) -> None:
        report = self.run_bulk("ana@x.org BEN@x.org new@x.org", [DS, WEB])
        assert codes(report) == [
            ("ana@x.org", "DS", "enrolled"),
            ("ana@x.org", "WEB", "enrolled"),
            ("ben@x.org", "DS", "enrolled"),
            ("ben@x.org", "WEB", "enrolled"),
            ("new@x.org", "DS", "invited"),
            ("new@x.org", "WEB", "invited"),
        ]
        assert self.enrolled() == {(name, run) for name in ("ana", "ben") for run in ("Data Science", "Web")}

    def test_a_second_run_finds_nothing_to_do(self) -> None:
        self.run_bulk("ana@x.org new@x.org", [DS])
        assert codes(self.run_bulk("ana@x.org new@x.org", [DS])) == [
            ("ana@x.org", "DS", "already_enrolled"),
            ("new@x.org", "DS", "already_invited"),
        ]

    def test_paths_and_runs_go_together(self) -> None:
        report = self.run_bulk("ana@x.org", [DS], [str(self.path.key)])
        assert codes(report) == [("ana@x.org", "DS101", "enrolled"), ("ana@x.org", "DS", "enrolled")]
        assert LearningPathEnrollment.objects.filter(user=self.ana, is_active=True).exists()

    def test_a_plan_writes_nothing(self) -> None:
        work = api.prepare_bulk("ana@x.org new@x.org", [], [DS, "course-v1:No+Such+Run"])
        assert [code for *_pair, code in codes(api.plan_bulk_enrollment(work))] == [
            "enrolled",
            "course_not_found",
            "invited",
            "course_not_found",
        ]
        assert not CourseEnrollment.objects.exists()

    def test_what_is_refused_costs_the_others_nothing(self) -> None:
        make_user("ben2", email="BEN@x.org")
        make_user("ida", email="ida@x.org", is_active=False)
        self.web.enrollment_end = timezone.now() + YESTERDAY
        self.web.save()
        report = self.run_bulk("ana@x.org ben@x.org ida@x.org", [DS, WEB, "nope"])
        assert codes(report) == [
            ("ana@x.org", "DS", "enrolled"),
            ("ana@x.org", "WEB", "course_enrollment_closed"),
            ("ben@x.org", "DS", "ambiguous_email"),
            ("ben@x.org", "WEB", "ambiguous_email"),
            ("ida@x.org", "DS", "invited"),
            ("ida@x.org", "WEB", "invited"),
        ]
        assert report.invalid_course_keys == ("nope",)
        assert self.enrolled() == {("ana", "Data Science")}

    def test_a_platform_that_breaks_for_one_learner_breaks_for_nobody_else(self) -> None:
        lms = get_lms()
        enroll = lms.enroll_in_course

        def breaks_for_ana(user: Any, *args: Any, **options: Any) -> Any:
            if user.username == "ana":
                raise DatabaseError("no")
            return enroll(user, *args, **options)

        with patch.object(type(lms), "enroll_in_course", side_effect=breaks_for_ana), self.assertLogs("learning_paths"):
            report = self.run_bulk("ana@x.org ben@x.org", [DS])
        assert [code for *_pair, code in codes(report)] == ["not_saved", "enrolled"]
        assert self.enrolled() == {("ben", "Data Science")}

    def test_who_registers_while_being_invited_is_enrolled_after_the_commit(self) -> None:
        lms = get_lms()
        invite = lms.invite_to_course

        def registers_meanwhile(email: str, *args: Any, **options: Any) -> bool:
            done = invite(email, *args, **options)
            make_user("new", email=email)
            CourseEnrollment.objects.all().delete()  # the platform did not see the invitation
            return done

        patched = patch.object(type(lms), "invite_to_course", side_effect=registers_meanwhile)
        with patched, self.captureOnCommitCallbacks(execute=True):
            self.run_bulk("new@x.org", [DS])
        assert self.enrolled() == {("new", "Data Science")}

    def test_a_lock_that_took_too_long_is_waited_for_once_more(self) -> None:
        lms = get_lms()
        enroll, calls = lms.enroll_in_course, 0

        def busy_at_first(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise CourseEnrollmentFailed from OperationalError(1205, "Lock wait timeout exceeded")
            return enroll(*args, **options)

        with patch.object(type(lms), "enroll_in_course", side_effect=busy_at_first):
            report = self.run_bulk("ana@x.org ben@x.org", [DS])
        assert [code for *_pair, code in codes(report)] == ["enrolled", "enrolled"]

    def test_nobody_is_unenrolled_from_a_run(self) -> None:
        work = api.prepare_bulk("ana@x.org", [], [DS])
        with self.assertRaises(ValueError):
            api.bulk_unenroll(work, acting_user=self.sam)

    def test_queries_around_the_platforms_own_do_not_grow_with_the_rows(self) -> None:
        for n in range(40):
            make_user(f"l{n}", email=f"l{n}@x.org")
        runs = [f"course-v1:DemoX+C{n}+2026" for n in range(5)]
        for key in runs:
            CourseRun.objects.create(course_key=key, display_name=key)

        def around(learners: range) -> int:
            emails = " ".join(f"l{n}@x.org" for n in learners)
            report, queries = without_the_platforms_own(lambda: self.run_bulk(emails, runs))
            assert {code for *_pair, code in codes(report)} == {"enrolled"}
            return queries

        assert around(range(2)) == around(range(2, 22)) <= 10


def without_the_platforms_own(run: Callable[[], Any]) -> tuple[Any, int]:
    """Return the report of a run, and how many queries it took besides those of the platform's enrollments."""
    lms = get_lms()
    enroll, own = lms.enroll_in_course, 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal own
        with CaptureQueriesContext(connection) as queries:
            state = enroll(*args, **options)
        own += len(queries)
        return state

    patched = patch.object(type(lms), "enroll_in_course", side_effect=counted)
    with patched, CaptureQueriesContext(connection) as queries:
        report = run()
    assert own >= len(report.rows)
    return report, len(queries) - own


class ListedTests(CourseCase):
    """Learners and course runs that are named one by one."""

    def run_listed(self, *requests: CourseEnrollmentRequest) -> BulkReport:
        return api.bulk_enroll(api.prepare_listed(requests), acting_user=self.sam)

    def test_learners_are_named_by_address_or_account(self) -> None:
        key = CourseKey.from_string(DS)
        report = self.run_listed(
            CourseEnrollmentRequest(key, email="Ana@x.org"),
            CourseEnrollmentRequest(key, email="ana@x.org"),
            CourseEnrollmentRequest(key, user_id=self.ben.pk),
            CourseEnrollmentRequest(key, user_id=987654),
            CourseEnrollmentRequest(key, email="nope"),
        )
        assert codes(report) == [("ana@x.org", "DS", "enrolled"), ("ben@x.org", "DS", "enrolled")]
        assert report.invalid_user_ids == (987654,)
        assert [entry.text for entry in report.invalid_emails] == ["nope"]

    def test_an_account_is_meant_though_another_has_its_address_too(self) -> None:
        make_user("ben2", email="BEN@x.org")
        report = self.run_listed(CourseEnrollmentRequest(CourseKey.from_string(DS), user_id=self.ben.pk))
        assert codes(report) == [("ben@x.org", "DS", "enrolled")]
        assert self.enrolled() == {("ben", "Data Science")}

    def test_a_closed_run_takes_force(self) -> None:
        self.ds.enrollment_end = timezone.now() + YESTERDAY
        self.ds.save()
        key = CourseKey.from_string(DS)
        report = self.run_listed(
            CourseEnrollmentRequest(key, email="ana@x.org"), CourseEnrollmentRequest(key, email="ben@x.org", force=True)
        )
        assert [code for *_pair, code in codes(report)] == ["course_enrollment_closed", "enrolled"]


class SubscriptionCase(CourseCase):
    """A plan of three licenses that covers the path's course DS and the path, of which Ana holds one."""

    def setUp(self) -> None:
        super().setUp()
        self.path.steps.create(course_key=DS)
        now = timezone.now()
        self.plan = SubscriptionPlan.objects.create(
            title="Plan", start_date=now + YESTERDAY, expiration_date=now - YESTERDAY, num_licenses=3
        )
        self.plan.learning_paths.add(self.path)
        api.assign_licenses(self.plan, "ana@x.org new@x.org", acting_user=self.sam)

    def gated(self, emails: str, courses: list[str], *, everybody: bool = False) -> Any:
        work = api.prepare_bulk(emails, [str(self.path.key)], courses)
        return api.license_gate(work, self.plan.uuid, everybody=everybody)


class GateTests(SubscriptionCase):
    """Bulk runs behind the gate."""

    def test_only_the_licensed_are_enrolled_and_only_in_what_is_covered(self) -> None:
        report = api.bulk_enroll(self.gated("ana@x.org ben@x.org new@x.org", [DS, WEB]), acting_user=self.sam)
        assert codes(report) == [
            ("ana@x.org", "DS101", "enrolled"),
            ("new@x.org", "DS101", "invited"),
            ("ana@x.org", "DS", "enrolled"),
            ("new@x.org", "DS", "invited"),
        ]
        assert report.unlicensed_emails == ("ben@x.org",)
        assert report.uncovered_content == (WEB,)

    def test_queries_of_the_gate_and_the_run_do_not_grow_with_the_rows(self) -> None:
        SubscriptionPlan.objects.update(num_licenses=100)
        for n in range(22):
            make_user(f"l{n}", email=f"l{n}@x.org")
        api.assign_licenses(self.plan, [f"l{n}@x.org" for n in range(0, 22, 2)], acting_user=self.sam)

        def around(learners: range) -> int:
            emails = " ".join(f"l{n}@x.org" for n in learners)

            def run() -> Any:
                work = api.license_gate(api.prepare_bulk(emails, [], [DS, WEB]), self.plan.uuid)
                return api.bulk_enroll(work, acting_user=self.sam)

            report, queries = without_the_platforms_own(run)
            assert codes(report) == [(f"l{n}@x.org", "DS", "enrolled") for n in learners if n % 2 == 0]
            assert report.unlicensed_emails == tuple(f"l{n}@x.org" for n in learners if n % 2)
            return queries

        assert around(range(2)) == around(range(2, 22)) <= 16

    def test_everybody_who_holds_a_license(self) -> None:
        work = self.gated("", [], everybody=True)
        assert (work.emails, work.unlicensed_emails) == (("ana@x.org", "new@x.org"), ())

    def test_an_expired_or_unknown_plan_lets_nobody_in(self) -> None:
        work = api.prepare_bulk("ana@x.org", [str(self.path.key)])
        with self.assertRaises(SubscriptionNotFound):
            api.license_gate(work, uuid4())
        SubscriptionPlan.objects.update(expiration_date=timezone.now() + YESTERDAY)
        with self.assertRaises(SubscriptionNotCurrent):
            api.license_gate(work, self.plan.uuid)


class JobTests(SubscriptionCase):
    """Jobs over course runs, behind the gate."""

    def test_a_job_does_what_a_run_does(self) -> None:
        draft = api.draft_bulk_job(self.gated("ana@x.org ben@x.org new@x.org", [DS, WEB]), acting_user=self.sam)
        assert (draft.total, draft.subscription, draft.course_keys) == (4, self.plan.uuid, [DS])
        job = api.confirm_bulk_job(draft, acting_user=self.sam)
        api.run_bulk_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.done) == (JobState.FINISHED, 4)
        assert job.counts == {"unlicensed": 1, "uncovered": 1, "enrolled": 2, "invited": 2}
        assert self.enrolled() == {("ana", "Data Science")}
        lines = "".join(api.job_csv(job)).splitlines()
        assert f"ana@x.org,{DS},enrolled,Enrolled." in lines
        assert "ben@x.org,,unlicensed,The address has no valid license of the subscription." in lines

    def test_a_license_that_was_revoked_since_enrolls_nobody(self) -> None:
        job = api.queue_bulk_job(self.gated("ana@x.org new@x.org", [DS]), acting_user=self.sam)
        api.revoke_license(self.plan, "ana@x.org", acting_user=self.sam)
        api.run_bulk_job(job.pk)
        job.refresh_from_db()
        assert job.counts == {"license_not_valid": 2, "invited": 2}
        assert (job.state, job.done, job.total) == (JobState.FINISHED, 4, 4)
        assert not LearningPathEnrollment.objects.exists()

    def test_failed_course_rows_are_retried(self) -> None:
        self.ds.enrollment_end = timezone.now() + YESTERDAY
        self.ds.save()
        job = api.queue_bulk_job(api.prepare_bulk("ana@x.org", [], [DS]), acting_user=self.sam)
        api.run_bulk_job(job.pk)
        self.ds.enrollment_end = None
        self.ds.save()
        draft = api.retry_bulk_job(job, acting_user=self.sam)
        api.run_bulk_job(api.confirm_bulk_job(draft, acting_user=self.sam).pk)
        assert self.enrolled() == {("ana", "Data Science")}

    def test_undoing_leaves_the_platforms_enrollments_alone(self) -> None:
        job = api.queue_bulk_job(self.gated("ana@x.org", [DS]), acting_user=self.sam)
        api.run_bulk_job(job.pk)
        draft = api.undo_bulk_job(job, acting_user=self.sam)
        assert draft.operation == BulkOperation.UNDO
        assert [row.course_key for row in draft.rows.all()] == [""]
        api.run_bulk_job(api.confirm_bulk_job(draft, acting_user=self.sam).pk)
        assert self.enrolled() == {("ana", "Data Science")}
        assert not LearningPathEnrollment.objects.filter(is_active=True).exists()

    @override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=3)
    def test_course_runs_count_as_pairs(self) -> None:
        work = self.gated("ana@x.org new@x.org", [DS])
        assert len(work) == 4
        with self.assertRaisesMessage(Exception, "One job takes at most 3."):
            api.queue_bulk_job(work, acting_user=self.sam)
