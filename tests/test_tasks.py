"""The Celery tasks, without a worker: what they ask for when they can't do their work."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

from celery.exceptions import Retry
from django.core import mail
from django.db import OperationalError, transaction
from django.test import TestCase, TransactionTestCase
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api, tasks
from learning_paths.actions import job_notices
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment
from tests.factories import make_path, make_staff, make_user

AWAY = OperationalError(2013, "Lost connection to MySQL server during query")


def queued() -> BulkEnrollmentJob:
    """Return a job that enrolls one learner."""
    work = api.prepare_bulk(make_user("ana").email, [make_path().key])
    return api.queue_bulk_job(work, acting_user=make_staff("sam"))


def take(job: BulkEnrollmentJob) -> None:
    """Let another worker have the job."""
    job.state, job.worker, job.heartbeat_at = JobState.RUNNING, str(uuid4()), timezone.now()
    job.save()


class Delivery:
    """The surroundings of a task that a worker has from a broker; ``signature`` is what would be sent to it again."""

    def __enter__(self) -> Any:
        task = tasks.run_bulk_job
        request: dict[str, Any] = {"called_directly": False, "is_eager": False, "args": [], "kwargs": {}, "retries": 0}
        task.push_request(**request)
        self.patch = mock.patch.object(task, "signature_from_request")
        self.signature = self.patch.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.patch.stop()
        tasks.run_bulk_job.pop_request()


class RunTests(TestCase):
    """A delivery."""

    def test_it_runs_the_job(self) -> None:
        job = queued()
        assert tasks.run_bulk_job.delay(job.pk).successful()
        job.refresh_from_db()
        assert job.state == JobState.FINISHED
        assert LearningPathEnrollment.objects.count() == 1

    def test_a_job_that_is_gone(self) -> None:
        assert tasks.run_bulk_job.delay(10**6).successful()

    def test_it_is_acknowledged_when_it_is_done(self) -> None:
        assert tasks.run_bulk_job.acks_late
        assert tasks.run_bulk_job.reject_on_worker_lost

    def test_a_busy_job_is_looked_at_later(self) -> None:
        job = queued()
        take(job)
        with Delivery() as delivery, self.assertRaises(Retry):
            tasks.run_bulk_job.run(job.pk)
        [call] = delivery.signature.call_args_list
        assert 55 < call.kwargs["countdown"] <= 61
        delivery.signature.return_value.apply_async.assert_called_once_with()
        assert not LearningPathEnrollment.objects.exists()

    def test_a_busy_job_is_left_alone_without_a_broker(self) -> None:
        job = queued()
        take(job)
        with mock.patch.object(tasks.run_bulk_job, "retry") as retry:
            assert tasks.run_bulk_job.delay(job.pk).successful()
        retry.assert_not_called()
        assert not LearningPathEnrollment.objects.exists()

    def test_a_database_that_is_away_is_asked_later(self) -> None:
        with (
            Delivery() as delivery,
            mock.patch.object(api, "run_bulk_job", side_effect=AWAY),
            self.assertRaises(Retry),
        ):
            tasks.run_bulk_job.run(1)
        [call] = delivery.signature.call_args_list
        assert call.kwargs["countdown"] == 30

    def test_a_database_that_is_away_is_not_waited_for_without_a_broker(self) -> None:
        with mock.patch.object(api, "run_bulk_job", side_effect=AWAY) as run:
            assert tasks.run_bulk_job.delay(1).failed()
        run.assert_called_once_with(1)

    def test_a_failure_is_not_tried_again(self) -> None:
        with (
            Delivery() as delivery,
            mock.patch.object(api, "run_bulk_job", side_effect=RuntimeError("a bug")),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertRaisesMessage(tasks.TaskFailed, "RuntimeError: a bug"),
        ):
            tasks.run_bulk_job.run(1)
        delivery.signature.assert_not_called()


class StartTests(TransactionTestCase):
    """Telling the workers."""

    def test_after_the_commit(self) -> None:
        job = queued()
        with transaction.atomic():
            tasks.start_bulk_job(job)
            assert not LearningPathEnrollment.objects.exists()
        assert LearningPathEnrollment.objects.count() == 1

    def test_not_of_a_job_that_was_rolled_back(self) -> None:
        with mock.patch.object(tasks.run_bulk_job, "delay") as delay, transaction.atomic():
            tasks.start_bulk_job(queued())
            transaction.set_rollback(True)
        delay.assert_not_called()

    def test_a_broker_that_is_down_leaves_it_queued(self) -> None:
        job = queued()
        with (
            mock.patch.object(tasks.run_bulk_job, "delay", side_effect=BrokerError("Connection refused")),
            self.assertLogs("learning_paths", "ERROR") as logs,
            transaction.atomic(),
        ):
            tasks.start_bulk_job(job)
        assert f"no broker for bulk job {job.pk}" in logs.output[0]
        job.refresh_from_db()
        assert job.state == JobState.QUEUED
        assert api.abandoned_bulk_jobs(timedelta()) == [job]

    def test_whatever_a_job_does_is_no_error_of_the_request(self) -> None:
        job = queued()
        with mock.patch.object(api, "run_bulk_job", side_effect=RuntimeError("a bug")), transaction.atomic():
            tasks.start_bulk_job(job)


class Worker:
    """A broker and a worker that takes what it is sent, one delivery at a time."""

    def __init__(self, task: Any) -> None:
        self.task, self.sent = task, list[int]()

    def __enter__(self) -> Worker:
        self.patch = mock.patch.object(self.task, "delay", side_effect=self.sent.append)
        self.delay = self.patch.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.patch.stop()

    def refuse(self) -> None:
        """Let the broker go away."""
        self.delay.side_effect = BrokerError("refused")

    def work(self) -> None:
        """Run the next delivery."""
        self.task.push_request(called_directly=False, is_eager=False, args=[], kwargs={}, retries=0)
        try:
            self.task.run(self.sent.pop(0))
        finally:
            self.task.pop_request()


class TellTests(TestCase):
    """The learners of a job are told when it is over."""

    def setUp(self) -> None:
        work = api.prepare_bulk("ana@example.com, ben@example.com, new@example.com", [make_path().key])
        make_user("ana")
        self.job = api.queue_bulk_job(work, notify=True, acting_user=make_staff("sam"))

    def test_the_task_that_ran_it_has_them_told(self) -> None:
        assert tasks.run_bulk_job.delay(self.job.pk).successful()
        assert len(mail.outbox) == 3

    def test_a_second_delivery_of_either_task_tells_nobody_twice(self) -> None:
        for task in (tasks.run_bulk_job, tasks.run_bulk_job, tasks.send_job_notices, tasks.send_job_notices):
            task.delay(self.job.pk)
        assert len(mail.outbox) == 3

    def test_a_worker_takes_some_at_a_time_and_asks_for_the_next(self) -> None:
        api.run_bulk_job(self.job.pk)
        with Worker(tasks.send_job_notices) as worker, mock.patch.object(job_notices, "NOTICES_AT_ONCE", 2):
            tasks.tell_learners_of_job(self.job.pk)
            for told in (2, 3, 3):
                assert worker.sent == [self.job.pk]
                worker.work()
                assert len(mail.outbox) == told
            assert worker.sent == []

    def test_a_broker_that_goes_away_meanwhile_is_no_reason_to_stop(self) -> None:
        api.run_bulk_job(self.job.pk)
        with (
            Worker(tasks.send_job_notices) as worker,
            mock.patch.object(job_notices, "NOTICES_AT_ONCE", 2),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            tasks.tell_learners_of_job(self.job.pk)
            worker.refuse()
            worker.work()
        assert len(mail.outbox) == 3

    def test_a_broker_that_is_down_leaves_it_to_be_picked_up(self) -> None:
        with (
            mock.patch.object(tasks.send_job_notices, "delay", side_effect=BrokerError("refused")),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            assert tasks.run_bulk_job.delay(self.job.pk).successful()
        assert mail.outbox == []
        assert api.jobs_left_to_tell(timedelta()) == [self.job]

    def test_a_job_that_tells_nobody_asks_for_nothing(self) -> None:
        BulkEnrollmentJob.objects.update(notify=False)
        with mock.patch.object(tasks.send_job_notices, "delay") as delay:
            tasks.run_bulk_job.delay(self.job.pk)
        delay.assert_not_called()

    def test_nothing_is_acknowledged_late(self) -> None:
        assert not tasks.send_notices.acks_late
        assert not tasks.send_job_notices.acks_late

    def test_what_a_request_changed_goes_in_parts_that_a_broker_takes(self) -> None:
        report = api.bulk_enroll(
            api.prepare_bulk("ana@example.com, ben@example.com, new@example.com", [make_path("path-v1:a+b+c").key]),
            acting_user=None,
        )
        with mock.patch.object(api, "NOTICES_AT_ONCE", 2), mock.patch.object(tasks.send_notices, "delay") as delay:
            assert tasks.tell_learners(report) == {"queued": 3, "sent": 0, "withheld": 0, "failed": 0}
        parts = [json.loads(json.dumps(call.args[0])) for call in delay.call_args_list]
        assert [len(part) for part in parts] == [2, 1]
        for part in parts:
            tasks.send_notices.run(part)
        assert len(mail.outbox) == 3

    def test_a_fault_of_the_task_is_a_failure_of_its_e_mails(self) -> None:
        work = api.prepare_bulk("ana@example.com", [make_path("path-v1:a+b+c").key])
        report = api.bulk_enroll(work, acting_user=None)
        with mock.patch.object(api, "send_notices", side_effect=AWAY):
            assert tasks.tell_learners(report)["failed"] == 1
