"""Who enrolls in a path is enrolled in its courses, as the path says: by whatever road, and whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api, tasks
from learning_paths.actions import step_enrollments, waiting_steps
from learning_paths.data import BulkOperation, StepState
from learning_paths.exceptions import CourseFull
from learning_paths.models import LearningPath, LearningPathEnrollment, StepEnrollment
from sandbox.courses.models import CourseEnrollment, CourseRun, ManualCourseEnrollmentAudit
from tests.factories import make_path, make_staff, make_user

ONE, TWO, THREE = (CourseKey.from_string(f"course-v1:DemoX+{name}+2026") for name in ("ONE", "TWO", "THREE"))
FIRST, ALL = LearningPath.CourseEnrollment.FIRST, LearningPath.CourseEnrollment.ALL
CLOSED = {"enrollment_end": timezone.now() - timedelta(days=1)}
OPEN = {"enrollment_end": None}


class StepTestCase(TestCase):
    """Ana, Sam of the staff, and a path of three courses: one and two by their order, and three without."""

    def setUp(self) -> None:
        self.ana = make_user("ana")
        self.sam = make_staff("sam")
        self.path = make_path(course_enrollment=ALL)
        for key, order in ((THREE, None), (TWO, 2), (ONE, 1)):
            CourseRun.objects.create(course_key=key, display_name=key.course or "")
            self.path.steps.create(course_key=key, order=order)

    def change_course(self, key: CourseKey, **fields: Any) -> None:
        CourseRun.objects.filter(course_key=key).update(**fields)

    def commit(self, action: Callable[[], Any]) -> Any:
        """Do something, and what follows its commit."""
        with self.captureOnCommitCallbacks(execute=True):
            return action()

    def enroll(self, user: User | None = None, **kwargs: Any) -> Any:
        return self.commit(lambda: api.enroll(user or self.ana, self.path, **{"acting_user": self.sam, **kwargs}))

    def unenroll(self) -> Any:
        return self.commit(lambda: api.unenroll(self.ana, self.path, acting_user=self.sam))

    def bulk(self, emails: Iterable[str], **kwargs: Any) -> Any:
        work = api.prepare_bulk(list(emails), [self.path.key])
        return self.commit(lambda: api.bulk_enroll(work, acting_user=self.sam))

    def retry(self, **kwargs: Any) -> Any:
        ids = list(StepEnrollment.objects.values_list("pk", flat=True))
        return self.commit(lambda: api.retry_step_enrollments(ids, **{"acting_user": self.sam, **kwargs}))

    @staticmethod
    def courses(username: str = "ana") -> list[str]:
        """The courses in which a learner is, in the order in which it came about."""
        found = CourseEnrollment.objects.filter(user__username=username, is_active=True).order_by("pk")
        return list(found.values_list("course_run__display_name", flat=True))

    @staticmethod
    def states() -> dict[str, tuple[str, str]]:
        """State and code of what was to be done, by course."""
        return {row.course_key.course: (row.state, row.code) for row in StepEnrollment.objects.all()}


@ddt.ddt
class PolicyTests(StepTestCase):
    """What a path says."""

    def test_none_unless_it_says_so(self) -> None:
        assert LearningPath().course_enrollment == "none"
        self.path.course_enrollment = LearningPath.CourseEnrollment.NONE
        self.enroll()
        assert self.courses() == []
        assert not StepEnrollment.objects.exists()

    def test_all_steps_those_without_an_order_last(self) -> None:
        self.enroll()
        assert self.courses() == ["ONE", "TWO", "THREE"]
        assert set(StepEnrollment.objects.values_list("state", "code", "attempts")) == {("done", "", 1)}

    def test_the_first_step(self) -> None:
        self.path.course_enrollment = FIRST
        self.enroll()
        assert self.courses() == ["ONE"]

    def test_the_first_step_where_none_has_an_order_is_the_one_added_first(self) -> None:
        self.path.course_enrollment = FIRST
        self.path.steps.update(order=None)
        self.enroll()
        assert self.courses() == ["THREE"]

    @ddt.data(FIRST, ALL)
    def test_a_path_without_steps(self, policy: str) -> None:
        self.path.course_enrollment = policy
        self.path.steps.all().delete()
        self.enroll()
        assert LearningPathEnrollment.objects.get().is_active
        assert not StepEnrollment.objects.exists()

    def test_a_step_that_is_added_later_is_for_those_who_enroll_later(self) -> None:
        self.path.steps.filter(course_key=TWO).delete()
        self.enroll()
        self.path.steps.create(course_key=TWO)
        self.retry()
        assert self.courses() == ["ONE", "THREE"]
        self.enroll(make_user("ben"))
        assert self.courses("ben") == ["ONE", "THREE", "TWO"]

    def test_who_is_enrolled_already_stays_in_the_mode(self) -> None:
        self.change_course(ONE, modes="audit,verified")
        api.enroll_user_in_course(self.ana, ONE, mode="verified", acting_user=None)
        self.enroll()
        assert CourseEnrollment.objects.get(course_run__course_key=ONE).mode == "verified"
        assert self.states()["ONE"] == ("done", "")


class RoadTests(StepTestCase):
    """Every road into a path leads into its courses."""

    def test_by_oneself_leaves_no_audit_of_the_platform(self) -> None:
        self.enroll(acting_user=self.ana)
        assert self.courses() == ["ONE", "TWO", "THREE"]
        assert not ManualCourseEnrollmentAudit.objects.exists()

    def test_by_staff_leaves_it(self) -> None:
        self.enroll()
        audits = set(ManualCourseEnrollmentAudit.objects.values_list("enrolled_by", "enrolled_email", "reason"))
        assert audits == {(self.sam.pk, "ana@example.com", "Learning path path-v1:DemoX+DS101+2026")}

    def test_by_claiming_an_invitation_in_the_name_of_who_invited(self) -> None:
        self.commit(lambda: api.invite("dan@example.com", self.path, acting_user=self.sam))
        assert not StepEnrollment.objects.exists()
        self.commit(lambda: make_user("dan"))
        assert self.courses("dan") == ["ONE", "TWO", "THREE"]
        assert set(ManualCourseEnrollmentAudit.objects.values_list("enrolled_by", flat=True)) == {self.sam.pk}

    def test_in_bulk(self) -> None:
        other = make_path("path-v1:DemoX+WEB+2026", course_enrollment=FIRST)
        other.steps.create(course_key=THREE)
        plain = make_path("path-v1:DemoX+NO+2026")
        plain.steps.create(course_key=ONE)
        make_user("ben")
        work = api.prepare_bulk("ana@example.com ben@example.com new@example.com", [other.key, plain.key])
        self.commit(lambda: api.bulk_enroll(work, acting_user=self.sam))
        assert self.courses("ana") == self.courses("ben") == ["THREE"]
        self.bulk(["ben@example.com", "ana@example.com"])
        assert sorted(self.courses("ana")) == ["ONE", "THREE", "TWO"]
        assert set(StepEnrollment.objects.values_list("state", "acting_user")) == {("done", self.sam.pk)}

    def test_in_bulk_again(self) -> None:
        self.bulk(["ana@example.com"])
        self.unenroll()
        CourseEnrollment.objects.filter(course_run__course_key=ONE).update(is_active=False)
        make_user("ben")
        report = self.bulk(["ana@example.com", "ben@example.com"])
        assert [str(row.code) for row in report.rows] == ["enrolled_again", "enrolled"]
        assert self.courses("ana") == self.courses("ben") == ["ONE", "TWO", "THREE"]

    def test_in_a_job_and_its_undoing_leaves_the_courses_alone(self) -> None:
        job = api.queue_bulk_job(api.prepare_bulk("ana@example.com", [self.path.key]), acting_user=self.sam)
        self.commit(lambda: api.run_bulk_job(job.pk))
        assert self.courses() == ["ONE", "TWO", "THREE"]
        draft = api.undo_bulk_job(job, acting_user=self.sam)
        undoing = api.confirm_bulk_job(draft, acting_user=self.sam)
        assert undoing.operation == BulkOperation.UNDO
        self.commit(lambda: api.run_bulk_job(undoing.pk))
        assert not LearningPathEnrollment.objects.get().is_active
        assert self.courses() == ["ONE", "TWO", "THREE"]

    def test_leaving_the_path_leaves_the_courses_alone(self) -> None:
        self.enroll()
        self.unenroll()
        assert self.courses() == ["ONE", "TWO", "THREE"]

    def test_enrolling_again_enrolls_again_in_what_was_left(self) -> None:
        self.enroll()
        self.unenroll()
        CourseEnrollment.objects.filter(course_run__course_key=TWO).update(is_active=False)
        self.path.steps.filter(course_key=ONE).delete()
        self.enroll(acting_user=self.ana)
        assert sorted(self.courses()) == ["ONE", "THREE", "TWO"]
        rows = StepEnrollment.objects.order_by("pk").values_list("course_key", "state", "attempts", "acting_user")
        assert list(rows) == [
            (ONE, "done", 1, self.sam.pk),
            (TWO, "done", 2, self.ana.pk),
            (THREE, "done", 2, self.ana.pk),
        ]


@ddt.ddt
class FailureTests(StepTestCase):
    """No course keeps anybody out of a path, and no course out of another."""

    def test_a_closed_course_fails_alone_and_can_be_tried_again(self) -> None:
        self.change_course(ONE, **CLOSED)
        self.enroll()
        assert LearningPathEnrollment.objects.get().is_active
        assert self.courses() == ["TWO", "THREE"]
        assert self.states()["ONE"] == ("failed", "course_enrollment_closed")
        assert self.retry() == 1
        assert self.states()["ONE"] == ("failed", "course_enrollment_closed")
        self.change_course(ONE, **OPEN)
        assert self.retry() == 1
        assert self.states()["ONE"] == ("done", "")
        assert self.courses() == ["TWO", "THREE", "ONE"]
        assert StepEnrollment.objects.get(course_key=ONE).attempts == 3
        assert self.retry() == 0

    def test_whoever_tries_again_is_in_the_audit_of_the_platform(self) -> None:
        self.change_course(ONE, **CLOSED)
        self.enroll(acting_user=self.ana)
        self.change_course(ONE, **OPEN)
        self.retry()
        assert ManualCourseEnrollmentAudit.objects.get().enrolled_by == self.sam

    def test_trying_again_by_the_system_keeps_who_enrolled(self) -> None:
        self.change_course(ONE, **CLOSED)
        self.enroll()
        self.retry(acting_user=None)
        assert StepEnrollment.objects.get(course_key=ONE).acting_user == self.sam

    def test_a_course_that_there_is_not(self) -> None:
        CourseRun.objects.filter(course_key=TWO).delete()
        self.enroll()
        assert self.states()["TWO"] == ("failed", "course_not_found")
        assert StepEnrollment.objects.get(course_key=TWO).explanation == "There is no such course."
        assert self.courses() == ["ONE", "THREE"]

    def test_in_bulk_some_fail(self) -> None:
        self.change_course(TWO, max_enrollments=1)
        make_user("ben")
        report = self.bulk(["ana@example.com", "ben@example.com"])
        assert [str(row.code) for row in report.rows] == ["enrolled", "enrolled"]
        failed = StepEnrollment.objects.get(state=StepState.FAILED)
        assert (failed.course_key, failed.code) == (TWO, CourseFull.code)

    def test_what_nobody_foresaw_is_logged_and_can_be_tried_again(self) -> None:
        fault = mock.patch.object(ManualCourseEnrollmentAudit.objects, "create", side_effect=DatabaseError("full disk"))
        with fault, self.assertLogs("learning_paths", "ERROR"):
            self.enroll()
        assert set(self.states().values()) == {("failed", "course_enrollment_failed")}
        assert self.retry() == 3
        assert self.courses() == ["ONE", "TWO", "THREE"]

    def test_a_lock_that_took_too_long_is_tried_again_at_once(self) -> None:
        create, faults = ManualCourseEnrollmentAudit.objects.create, [OperationalError(1205, "Lock wait timeout")]

        def fail_once(**kwargs: Any) -> Any:
            if faults:
                raise faults.pop()
            return create(**kwargs)

        patch = mock.patch.object(ManualCourseEnrollmentAudit.objects, "create", fail_once)
        with patch, self.assertLogs("learning_paths", "ERROR"):
            self.enroll()
        assert set(self.states().values()) == {("done", "")}
        assert set(StepEnrollment.objects.values_list("attempts", flat=True)) == {1}

    def test_a_fault_of_our_own_fails_one_row(self) -> None:
        record, faults = step_enrollments._record, [RuntimeError("a bug")]

        def fail_once(*args: Any) -> Any:
            if faults:
                raise faults.pop()
            return record(*args)

        with mock.patch.object(step_enrollments, "_record", fail_once), self.assertLogs("learning_paths", "ERROR"):
            self.enroll()
        assert self.states() == {
            "ONE": ("failed", "course_enrollment_failed"),
            "TWO": ("done", ""),
            "THREE": ("done", ""),
        }
        assert self.courses() == ["TWO", "THREE"]

    def test_who_has_left_the_path_meanwhile_is_passed_over(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.sam)
        self.unenroll()
        ids = list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True))
        assert api.enroll_in_steps(ids) == dict.fromkeys(ids, StepState.SKIPPED)
        assert self.courses() == []
        assert StepEnrollment.objects.all()[0].explanation == "The learner had left the learning path."
        self.enroll()
        assert self.courses() == ["ONE", "TWO", "THREE"]

    def test_an_enrollment_that_is_undone_leaves_nothing_to_do(self) -> None:
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            try:
                with transaction.atomic():
                    api.enroll(self.ana, self.path, acting_user=self.sam)
                    raise RuntimeError
            except RuntimeError:
                pass
        assert callbacks == []
        assert not StepEnrollment.objects.exists()


class DeliveryTests(StepTestCase):
    """Messages come twice, late or never."""

    def test_two_deliveries_enroll_once(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.sam)
        ids = list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True))
        assert api.enroll_in_steps([*ids, *ids]) == dict.fromkeys(ids, StepState.DONE)
        assert api.enroll_in_steps([*ids, 10**6]) == {}
        assert ManualCourseEnrollmentAudit.objects.count() == 3
        assert set(StepEnrollment.objects.values_list("attempts", flat=True)) == {1}

    def test_nothing_is_done_before_the_commit(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            api.enroll(self.ana, self.path, acting_user=self.sam)
        assert self.courses() == []
        for callback in callbacks:
            callback()
        assert self.courses() == ["ONE", "TWO", "THREE"]

    def test_one_signal_for_a_chunk(self) -> None:
        for name in ("ben", "chloe"):
            make_user(name)
        with mock.patch.object(tasks.enroll_in_steps, "delay") as delay:
            self.bulk(["ana@example.com", "ben@example.com", "chloe@example.com"])
        delay.assert_called_once_with(list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True)))

    def test_a_receiver_that_raises_undoes_nothing(self) -> None:
        fault = mock.patch.object(tasks.enroll_in_steps, "delay", side_effect=RuntimeError("a bug"))
        with fault, self.assertLogs("learning_paths", "ERROR"):
            self.enroll()
        assert LearningPathEnrollment.objects.get().is_active
        assert set(self.states().values()) == {("waiting", "")}

    def test_what_waits_is_found(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.sam)
        ids = list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True))
        with self.assertNumQueries(1):
            assert api.unfinished_step_enrollments([StepState.WAITING], timedelta()) == ids
        assert api.unfinished_step_enrollments([StepState.WAITING], timedelta(minutes=5)) == []
        assert api.unfinished_step_enrollments([StepState.FAILED], timedelta()) == []


class CostTests(StepTestCase):
    """What it costs the enrollment in the path."""

    def count(self, learners: int, policy: str, prefix: str) -> int:
        self.path.course_enrollment = policy
        self.path.save()
        people = [make_user(f"{prefix}{number}").email for number in range(learners)]
        work = api.prepare_bulk(people, [self.path.key])
        with CaptureQueriesContext(connection) as queries:
            api.bulk_enroll(work, acting_user=self.sam)
        return len(queries)

    def test_a_chunk_costs_three_queries_more_however_large_it_is(self) -> None:
        without = self.count(2, "none", "a")
        assert self.count(2, FIRST, "b") == without + 3
        assert self.count(30, ALL, "c") == without + 3
        assert self.count(30, "none", "d") == without

    def test_one_learner(self) -> None:
        counts = []
        for name, policy in (("ben", "none"), ("chloe", ALL)):
            self.path.course_enrollment = policy
            learner = make_user(name)
            with CaptureQueriesContext(connection) as queries:
                api.enroll(learner, self.path, acting_user=self.sam)
            counts.append(len(queries))
        assert counts[1] == counts[0] + 3

    def test_many_rows_are_inserted_some_at_a_time(self) -> None:
        with mock.patch.object(waiting_steps, "ROWS_PER_STATEMENT", 2):
            self.enroll()
            self.unenroll()
            self.enroll()
        assert set(self.states().values()) == {("done", "")}

    def test_trying_again_does_not_grow_with_the_rows(self) -> None:
        make_user("ben")
        self.bulk(["ana@example.com", "ben@example.com"])
        StepEnrollment.objects.update(state=StepState.FAILED)
        ids = list(StepEnrollment.objects.values_list("pk", flat=True))
        for some in (ids[:1], ids[1:]):
            with self.assertNumQueries(4):  # a savepoint set and released, the rows, their ids
                assert api.retry_step_enrollments(some, acting_user=self.sam) == len(some)
