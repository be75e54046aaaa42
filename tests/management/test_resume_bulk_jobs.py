"""The command that starts jobs again which nobody works at."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock
from uuid import uuid4

import ddt
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api, tasks
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollmentAllowed
from tests.factories import make_path, make_staff, make_user


@ddt.ddt
class ResumeBulkJobsTests(TestCase):
    """A job that was told just now, one whose message is lost, one at work, and one whose worker is gone."""

    def setUp(self) -> None:
        now, sam, path = timezone.now(), make_staff("sam"), make_path()
        self.told, self.lost, self.busy, self.dead = (
            api.queue_bulk_job(api.prepare_bulk(f"new{number}@example.com", [path.key]), acting_user=sam)
            for number in range(4)
        )
        self.change(self.lost, modified=now - timedelta(seconds=301))
        self.change(self.busy, state=JobState.RUNNING, worker=str(uuid4()), heartbeat_at=now)
        late = now - timedelta(seconds=61)
        self.change(self.dead, state=JobState.RUNNING, worker=str(uuid4()), heartbeat_at=late)

    @staticmethod
    def change(job: BulkEnrollmentJob, **values: Any) -> None:
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(**values)

    def call(self, *args: str) -> list[str]:
        self.out = StringIO()
        call_command("resume_bulk_jobs", *args, stdout=self.out)
        return self.out.getvalue().splitlines()

    def states(self) -> list[str]:
        return list(BulkEnrollmentJob.objects.order_by("pk").values_list("state", flat=True))

    def test_the_workers_are_told_of_what_nobody_works_at(self) -> None:
        with mock.patch.object(tasks.run_bulk_job, "delay") as delay:
            lines = self.call()
        assert [call.args for call in delay.call_args_list] == [(self.lost.pk,), (self.dead.pk,)]
        assert lines == [f"{job}: the workers were told." for job in (self.lost, self.dead)]

    def test_how_long_workers_may_take(self) -> None:
        with mock.patch.object(tasks.run_bulk_job, "delay") as delay:
            self.call("--queued-for", "0")
            assert [call.args[0] for call in delay.call_args_list] == [self.told.pk, self.lost.pk, self.dead.pk]
            delay.reset_mock()
            self.call("--queued-for", "302")
            assert [call.args[0] for call in delay.call_args_list] == [self.dead.pk]

    @ddt.data("x", "1.5", "1" + "0" * 30)
    def test_what_is_no_number_of_seconds(self, value: str) -> None:
        with self.assertRaisesMessage(CommandError, "--queued-for: a whole number is expected"):
            self.call("--queued-for", value)

    def test_without_a_broker_it_says_so(self) -> None:
        with (
            mock.patch.object(tasks.run_bulk_job, "delay", side_effect=BrokerError("Connection refused")),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertRaisesMessage(CommandError, "2 of 2 jobs could not be started"),
        ):
            self.call()
        assert self.out.getvalue().splitlines() == [f"{job}: there is no broker." for job in (self.lost, self.dead)]
        assert self.states() == ["queued", "queued", "running", "running"]

    def test_here(self) -> None:
        with mock.patch.object(tasks.run_bulk_job, "delay") as delay:
            lines = self.call("--here")
        delay.assert_not_called()
        assert lines == [
            f"{self.lost}: runs.",
            f"{self.lost}: finished, 1 of 1 pairs done.",
            f"{self.dead}: runs.",
            f"{self.dead}: finished, 1 of 1 pairs done.",
        ]
        assert self.states() == ["queued", "finished", "running", "finished"]
        waiting = LearningPathEnrollmentAllowed.objects.order_by("email").values_list("email", flat=True)
        assert list(waiting) == ["new1@example.com", "new3@example.com"]

    def test_a_second_time_finds_nothing(self) -> None:
        self.call("--here")
        assert self.call("--here") == self.call() == []

    def test_a_worker_may_be_quicker(self) -> None:
        run = api.run_bulk_job

        def second(job_id: int) -> Any:
            self.change(self.dead, worker=str(uuid4()), heartbeat_at=timezone.now())
            return run(job_id)

        with mock.patch.object(api, "run_bulk_job", second):
            assert self.call("--here")[-1] == f"{self.dead}: another worker has it."
        assert self.states() == ["queued", "finished", "running", "running"]

    def test_one_that_fails_does_not_keep_the_others(self) -> None:
        run = api.run_bulk_job

        def failing(job_id: int) -> Any:
            if job_id == self.lost.pk:
                raise RuntimeError("a bug")
            return run(job_id)

        with (
            mock.patch.object(api, "run_bulk_job", failing),
            self.assertRaisesMessage(CommandError, "1 of 2 jobs"),
        ):
            self.call("--here")
        assert f"{self.lost}: stopped, a bug" in self.out.getvalue()
        assert self.states()[-1] == "finished"


class TellTests(TestCase):
    """The learners of a job that is over, whose message was lost."""

    def setUp(self) -> None:
        work = api.prepare_bulk("ana@example.com, new@example.com", [make_path().key])
        self.job = api.queue_bulk_job(work, notify=True, acting_user=make_staff("sam"))
        make_user("ana")

    def call(self, *args: str) -> str:
        out = StringIO()
        call_command("resume_bulk_jobs", *args, stdout=out)
        return out.getvalue()

    def lose(self) -> None:
        """Let the job be over for some time."""
        api.run_bulk_job(self.job.pk)
        BulkEnrollmentJob.objects.update(modified=timezone.now() - timedelta(seconds=301))

    def test_the_workers_are_told(self) -> None:
        self.lose()
        assert self.call() == f"{self.job}: the workers tell its learners.\n"
        assert len(mail.outbox) == 2
        assert self.call() == ""

    def test_not_of_a_job_that_is_over_since_a_moment(self) -> None:
        api.run_bulk_job(self.job.pk)
        assert self.call() == ""

    def test_without_a_broker_it_says_so(self) -> None:
        self.lose()
        with (
            mock.patch.object(tasks.send_job_notices, "delay", side_effect=BrokerError("refused")),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertRaisesMessage(CommandError, "The learners of 1 of 1 jobs could not be told."),
        ):
            self.call()

    def test_here(self) -> None:
        self.lose()
        assert self.call("--here") == f"{self.job}: 2 of 2 learners were told.\n"
        assert len(mail.outbox) == 2

    def test_a_job_that_runs_here_tells_too(self) -> None:
        BulkEnrollmentJob.objects.update(modified=timezone.now() - timedelta(seconds=301))
        assert self.call("--here").splitlines()[1:] == [
            f"{self.job}: finished, 2 of 2 pairs done.",
            f"{self.job}: 2 of 2 learners were told.",
        ]
        assert len(mail.outbox) == 2
