"""The command that picks up the courses of paths in which learners are still to be enrolled."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from unittest import mock

from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api, tasks
from learning_paths.models import LearningPath, StepEnrollment
from sandbox.courses.models import CourseRun
from tests.factories import make_path, make_user

LONG_AGO = timezone.now() - timedelta(seconds=301)


class RetryStepEnrollmentsTests(TestCase):
    """The message about Ana is lost, that about Ben was sent just now, and Chloe's course was closed."""

    def setUp(self) -> None:
        run = CourseRun.objects.create(course_key="course-v1:DemoX+PY101+2026")
        path = make_path(course_enrollment=LearningPath.CourseEnrollment.ALL)
        path.steps.create(course_key=run.course_key)
        for name in ("ana", "ben", "chloe"):
            api.enroll(make_user(name), path, acting_user=None)
        rows = StepEnrollment.objects.filter
        rows(enrollment__user__username="ana").update(modified=LONG_AGO)
        rows(enrollment__user__username="chloe").update(state="failed", code="course_enrollment_closed")

    def call(self, *args: str) -> str:
        out = StringIO()
        with self.captureOnCommitCallbacks(execute=True):
            call_command("retry_step_enrollments", *args, stdout=out)
        return out.getvalue()

    def states(self) -> list[str]:
        return list(StepEnrollment.objects.order_by("pk").values_list("state", flat=True))

    def test_what_waits_for_long(self) -> None:
        assert self.call() == "Course enrollments: 1 wait, 0 failed and are tried again.\n"
        assert self.states() == ["done", "waiting", "failed"]

    def test_whatever_waits(self) -> None:
        self.call("--waiting-for", "0")
        assert self.states() == ["done", "done", "failed"]

    def test_what_failed_too(self) -> None:
        assert "1 failed and" in self.call("--failed")
        assert self.states() == ["done", "waiting", "done"]

    def test_in_this_process(self) -> None:
        with mock.patch.object(tasks.enroll_in_steps, "delay"):
            assert self.call("--here", "--failed").splitlines()[1] == "2 done, 0 failed"
        assert self.states() == ["done", "waiting", "done"]

    def test_a_broker_that_is_down(self) -> None:
        down = mock.patch.object(tasks.enroll_in_steps, "delay", side_effect=BrokerError("Connection refused"))
        with down, self.assertLogs("learning_paths", "ERROR"), self.assertRaisesMessage(CommandError, "no broker"):
            self.call()
        assert self.states() == ["waiting", "waiting", "failed"]
