"""The same course enrollment delivered to many workers at once: real threads, a real database server."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from learning_paths import api, tasks
from learning_paths.data import StepState
from learning_paths.models import LearningPath, LearningPathEnrollment, StepEnrollment
from sandbox.courses.models import CourseEnrollment, CourseRun, ManualCourseEnrollmentAudit
from tests.factories import make_path, make_staff, make_user
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
]


class StepRaceTests(TransactionTestCase):
    """A path with five courses and twenty learners, none of whom is in a course yet."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path(course_enrollment=LearningPath.CourseEnrollment.ALL)
        for number in range(5):
            run = CourseRun.objects.create(course_key=f"course-v1:DemoX+C{number}+2026")
            self.path.steps.create(course_key=run.course_key)
        self.learners = [make_user(f"learner{number}") for number in range(20)]
        patch = mock.patch.object(tasks.enroll_in_steps, "delay")
        patch.start()
        self.addCleanup(patch.stop)

    def test_eight_deliveries_enroll_once(self) -> None:
        work = api.prepare_bulk([learner.email for learner in self.learners], [self.path.key])
        api.bulk_enroll(work, acting_user=self.sam)
        ids = list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True))
        assert len(ids) == 100
        outcomes = at_once([lambda: api.enroll_in_steps(ids)] * 8)
        done = Counter(pk for found in outcomes for pk, state in found.items() if state == StepState.DONE)
        assert done == Counter(ids)
        assert ManualCourseEnrollmentAudit.objects.count() == CourseEnrollment.objects.count() == 100
        assert set(StepEnrollment.objects.values_list("attempts", flat=True)) == {1}

    def test_learners_who_enroll_again_at_once_do_not_hinder_one_another(self) -> None:
        for learner in self.learners:
            api.enroll(learner, self.path, acting_user=None)
            api.unenroll(learner, self.path, acting_user=None)
        ids = list(StepEnrollment.objects.order_by("pk").values_list("pk", flat=True))
        api.enroll_in_steps(ids)

        def enroll(number: int) -> None:
            with transaction.atomic():
                api.enroll(self.learners[number], self.path, acting_user=None)

        at_once([lambda number=number: enroll(number) for number in range(20)])  # type: ignore[misc]
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 20
        assert list(StepEnrollment.objects.order_by("pk").values_list("pk", "state")) == [(pk, "waiting") for pk in ids]

    def test_a_learner_who_asks_twenty_times_for_a_step_is_enrolled_once(self) -> None:
        LearningPath.objects.update(course_enrollment=LearningPath.CourseEnrollment.NONE)
        learner, step = self.learners[0], self.path.steps.order_by("pk")[0]
        api.enroll(learner, self.path, acting_user=None)

        def ask() -> int:
            client = APIClient(raise_request_exception=False)
            client.force_authenticate(learner)
            url = f"/api/learning_paths/v1/{self.path.key}/enrollments/{step.course_key}/"
            status: int = client.post(url).status_code  # through ATOMIC_REQUESTS as in the LMS
            return status

        assert at_once([ask] * 20) == [201] * 20
        assert CourseEnrollment.objects.get().user == learner
