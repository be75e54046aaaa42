"""The message that courses of a path wait: who gets it, and what becomes of it without a broker or a database."""

from __future__ import annotations

from typing import Any
from unittest import mock

from celery.exceptions import Retry
from django.db import OperationalError
from django.test import TestCase
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api, receivers, signals, tasks
from learning_paths.data import StepState
from learning_paths.models import LearningPath, LearningPathEnrollment, StepEnrollment
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.factories import make_path, make_user

COURSE = "course-v1:DemoX+PY101+2026"
AWAY = OperationalError(2013, "Lost connection to MySQL server during query")


class StepTaskTests(TestCase):
    """Ana's path enrolls in its only course."""

    def setUp(self) -> None:
        CourseRun.objects.create(course_key=COURSE)
        self.path = make_path(course_enrollment=LearningPath.CourseEnrollment.ALL)
        self.path.steps.create(course_key=COURSE)

    def enroll(self) -> StepEnrollment:
        with self.captureOnCommitCallbacks(execute=True):
            api.enroll(make_user("ana"), self.path, acting_user=None)
        return StepEnrollment.objects.get()

    def test_the_receiver_is_connected_once(self) -> None:
        uid = "learning_paths.receivers.enroll_in_waiting_steps"
        connected = [key for key, *_ in signals.step_enrollments_waiting.receivers if key[0] == uid]
        assert len(connected) == 1

    def test_the_work_is_handed_out_in_batches(self) -> None:
        with mock.patch.object(tasks, "STEPS_PER_TASK", 2), mock.patch.object(tasks.enroll_in_steps, "delay") as delay:
            receivers.enroll_in_waiting_steps(sender=StepEnrollment, ids=[1, 2, 3, 4, 5], signal=None)
        assert [call.args for call in delay.call_args_list] == [([1, 2],), ([3, 4],), ([5],)]

    def test_without_a_broker_of_its_own_the_site_does_it_at_once(self) -> None:
        assert self.enroll().state == StepState.DONE
        assert CourseEnrollment.objects.get().user.username == "ana"

    def test_a_broker_that_is_down_leaves_it_waiting(self) -> None:
        down = mock.patch.object(tasks.enroll_in_steps, "delay", side_effect=BrokerError("Connection refused"))
        with down as delay, self.assertLogs("learning_paths", "ERROR") as logs:
            assert self.enroll().state == StepState.WAITING
        assert "retry_step_enrollments will do: 1" in logs.output[0]
        delay.assert_called_once()
        assert LearningPathEnrollment.objects.get().is_active

    def test_a_second_delivery_changes_nothing(self) -> None:
        row = self.enroll()
        assert tasks.enroll_in_steps.delay([row.pk, 10**6]).successful()
        row.refresh_from_db()
        assert (row.state, row.attempts) == (StepState.DONE, 1)

    def test_it_is_acknowledged_when_it_is_done(self) -> None:
        assert tasks.enroll_in_steps.acks_late
        assert tasks.enroll_in_steps.reject_on_worker_lost

    def test_a_database_that_is_away_is_asked_later(self) -> None:
        task = tasks.enroll_in_steps
        request: dict[str, Any] = {"called_directly": False, "is_eager": False, "args": [], "kwargs": {}, "retries": 0}
        task.push_request(**request)
        self.addCleanup(task.pop_request)
        with (
            mock.patch.object(task, "signature_from_request") as signature,
            mock.patch.object(api, "enroll_in_steps", side_effect=AWAY),
            self.assertRaises(Retry),
        ):
            task.run([1])
        assert signature.call_args.kwargs["countdown"] == 30

    def test_a_database_that_is_away_is_not_waited_for_without_a_broker(self) -> None:
        with mock.patch.object(api, "enroll_in_steps", side_effect=AWAY) as enroll:
            assert tasks.enroll_in_steps.delay([1]).failed()
        enroll.assert_called_once_with([1])
