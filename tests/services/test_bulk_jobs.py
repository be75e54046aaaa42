"""Bulk jobs with real workers on a real database server: killed, doubled, cancelled, and side by side."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, connections
from django.db.models import Count, F
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.actions import bulk_job_run
from learning_paths.data import JobState, RowCode
from learning_paths.exceptions import BulkJobConflict, NotEnrolled
from learning_paths.models import (
    BulkEnrollmentJob,
    BulkEnrollmentRow,
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from learning_paths.queries.bulk_jobs import LEASE
from learning_paths.tasks import run_bulk_job, start_bulk_job
from tests.factories import make_path, make_staff
from tests.services.threads import at_once
from tests.worker import workers

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer at a time, and no server."),
]


def eventually(condition: Callable[[], bool], *, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


class JobsTestCase(TransactionTestCase):
    """Sam of the staff, many learners, and as many strangers."""

    LEARNERS = 100
    STRANGERS = 100

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        User.objects.bulk_create(
            [User(username=f"l{number}", email=f"l{number}@example.com") for number in range(self.LEARNERS)]
        )
        self.paths = [make_path(f"path-v1:DemoX+P{number}+2026") for number in range(2)]
        self.emails = [f"l{number}@example.com" for number in range(self.LEARNERS)]
        self.emails += [f"new{number}@example.com" for number in range(self.STRANGERS)]
        random.Random(1).shuffle(self.emails)

    def queue(self, emails: list[str] | None = None) -> BulkEnrollmentJob:
        return api.queue_bulk_job(self.work(emails), reason="Cohort", acting_user=self.sam)

    def work(self, emails: list[str] | None = None) -> api.BulkWork:
        return api.prepare_bulk(emails or self.emails, [str(path.key) for path in self.paths])

    def state(self, job: BulkEnrollmentJob) -> str:
        job.refresh_from_db()
        return job.state

    def done(self, job: BulkEnrollmentJob) -> int:
        job.refresh_from_db()
        return job.done

    def assert_adds_up(self, *jobs: BulkEnrollmentJob) -> None:
        """Each pair is written once, each change has one audit row and one of history, and the jobs tell just that."""
        for model, pair in (
            (LearningPathEnrollment, ("user", "learning_path")),
            (LearningPathEnrollmentAllowed, ("email", "learning_path")),
        ):
            assert not model.objects.values(*pair).annotate(rows=Count("pk")).filter(rows__gt=1).exists()
        assert LearningPathEnrollment.history.count() == LearningPathEnrollment.objects.count()
        assert ManualEnrollmentAudit.history.count() == ManualEnrollmentAudit.objects.count()
        changes: Counter[str] = Counter()
        for job in jobs:
            job.refresh_from_db()
            counts = dict(job.rows.order_by().values_list("code").annotate(Count("pk")))
            pairs = job.rows.values("email", "learning_path", "unknown_path")
            assert job.total == sum(counts.values()) == pairs.distinct().count()
            counts.pop("", None)
            assert job.counts == counts
            changes.update({code: count for code, count in counts.items() if RowCode(code).is_change})
        assert ManualEnrollmentAudit.objects.count() == sum(changes.values())
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == changes["enrolled"]
        assert LearningPathEnrollmentAllowed.objects.pending().count() == changes["invited"]
        # What a row says that it changed is what is there.
        enrolled = BulkEnrollmentRow.objects.filter(code="enrolled")
        matching = enrolled.filter(
            enrollment__user__email=F("email"),
            enrollment__learning_path=F("learning_path"),
            enrollment__modified=F("changed_at"),
            username=F("enrollment__user__username"),
        )
        assert matching.count() == enrolled.count() == enrolled.values("enrollment").distinct().count()

    def assert_all_done(self, job: BulkEnrollmentJob) -> None:
        self.assert_adds_up(job)
        assert (job.state, job.percent) == (JobState.FINISHED, 100)
        assert job.counts == {"enrolled": 2 * self.LEARNERS, "invited": 2 * self.STRANGERS}


class KillTests(JobsTestCase):
    """20,000 pairs."""

    LEARNERS = 5000
    STRANGERS = 5000

    def test_what_a_killed_worker_leaves_another_does(self) -> None:
        job = self.queue()
        with workers() as start_worker:
            start_bulk_job(job)
            first = start_worker("--pool=prefork")
            assert eventually(lambda: self.done(job) >= 4000), first.log
            first.kill()
            kept = self.done(job)
            assert self.state(job) == JobState.RUNNING
            assert 4000 <= kept < 20_000
            assert job.worker
            assert ManualEnrollmentAudit.objects.count() == kept

            second = start_worker()
            call_command("resume_bulk_jobs")
            time.sleep(0.5)
            assert self.done(job) == kept, "the lease of the first has not run out"
            BulkEnrollmentJob.objects.update(heartbeat_at=F("heartbeat_at") - LEASE)  # as the time does
            call_command("resume_bulk_jobs")
            assert eventually(lambda: self.state(job) == JobState.FINISHED), second.log
        self.assert_all_done(job)


class TwoWorkersTests(JobsTestCase):
    """One job, delivered to several."""

    LEARNERS = 700
    STRANGERS = 700

    def test_two_workers_with_the_same_job(self) -> None:
        job = self.queue()
        with workers() as start_worker:
            both = [start_worker(), start_worker()]
            for _ in range(4):
                run_bulk_job.delay(job.pk)
            assert eventually(lambda: self.state(job) == JobState.FINISHED), both[0].log
            logs = [worker.log for worker in both]
            assert all("received" in log for log in logs), logs
            assert "Retry in" in "".join(logs)
        self.assert_all_done(job)

    def test_eight_threads_with_the_same_job(self) -> None:
        job = self.queue()
        waits = at_once([partial(api.run_bulk_job, job.pk)] * 8)
        assert waits.count(None) == 1
        assert all(timedelta(seconds=50) < wait <= LEASE + timedelta(seconds=1) for wait in waits if wait)
        self.assert_all_done(job)

    def test_a_worker_that_is_thought_dead_and_is_not(self) -> None:
        """Its lease runs out again and again, and somebody takes the job each time."""
        job = self.queue()
        stop = Event()

        def age() -> None:
            while not stop.is_set():
                BulkEnrollmentJob.objects.filter(state=JobState.RUNNING).update(heartbeat_at=F("heartbeat_at") - LEASE)
                time.sleep(0.02)

        def work() -> None:
            while not BulkEnrollmentJob.objects.get(pk=job.pk).is_over:
                api.run_bulk_job(job.pk)
                time.sleep(0.01)

        with background(age, stop):
            at_once([work] * 4)
        self.assert_all_done(job)


@contextmanager
def background(function: Callable[[], None], stop: Event) -> Iterator[None]:
    """Do something in a thread until what follows is done."""

    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class CancelTests(JobsTestCase):
    """Nothing is written any more once ``cancel_bulk_job`` has returned."""

    LEARNERS = 1500
    STRANGERS = 1500

    def written(self) -> list[Any]:
        tables: list[Any] = [LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit]
        counts: list[Any] = [table.objects.count() for table in tables]
        return [*counts, BulkEnrollmentRow.objects.filter(code="").count(), BulkEnrollmentJob.objects.get().counts]

    def test_while_a_worker_runs_it(self) -> None:
        job = self.queue()
        with workers() as start_worker:
            worker = start_worker()
            start_bulk_job(job)
            assert eventually(lambda: self.done(job) > 0), worker.log
            api.cancel_bulk_job(job)
            after = self.written()
            assert eventually(lambda: "succeeded" in worker.log), worker.log
            assert self.written() == after
        assert self.state(job) == JobState.CANCELLED
        assert 0 < job.done < job.total
        self.assert_adds_up(job)

    def test_at_any_moment(self) -> None:
        for _ in range(3):
            LearningPath.objects.all().delete()
            BulkEnrollmentJob.objects.all().delete()
            ManualEnrollmentAudit.objects.all().delete()
            ManualEnrollmentAudit.history.all().delete()
            LearningPathEnrollment.history.all().delete()
            self.paths = [make_path(f"path-v1:DemoX+P{number}+2026") for number in range(2)]
            job = self.queue(self.emails[:1200])
            after: list[Any] = []

            def cancel(job: BulkEnrollmentJob = job, after: list[Any] = after) -> None:
                time.sleep(random.uniform(0.1, 0.6))
                api.cancel_bulk_job(job)
                after.append(self.written())

            at_once([cancel, partial(api.run_bulk_job, job.pk)])
            assert [self.written()] == after
            assert self.state(job) == JobState.CANCELLED
            self.assert_adds_up(job)


class ConfirmTests(JobsTestCase):
    """The same draft, confirmed and thrown away many times at once."""

    def test_one_of_twenty_confirms_it(self) -> None:
        staff = [make_staff(f"staff{number}") for number in range(20)]
        draft = api.draft_bulk_job(self.work(), acting_user=self.sam)

        def confirm(who: User) -> User | None:
            try:
                return api.confirm_bulk_job(draft, acting_user=who).author
            except BulkJobConflict:
                return None

        winners = [who for who in at_once([partial(confirm, who) for who in staff]) if who is not None]
        assert len(winners) == 1
        assert BulkEnrollmentJob.objects.get().author == winners[0]
        assert self.state(draft) == JobState.QUEUED

    def test_it_is_confirmed_or_thrown_away_or_replaced(self) -> None:
        for _ in range(5):
            draft = api.draft_bulk_job(self.work(), acting_user=self.sam)
            actions: list[Callable[[], Any]] = [
                partial(api.confirm_bulk_job, draft, acting_user=self.sam),
                partial(api.discard_bulk_job, draft),
                partial(api.draft_bulk_job, self.work(self.emails[:3]), replaces=draft, acting_user=self.sam),
            ]

            def tried(action: Callable[[], Any]) -> bool:
                try:
                    action()
                except BulkJobConflict:
                    return False
                return True

            confirmed, discarded, replaced = at_once([partial(tried, action) for action in actions])
            assert confirmed != discarded
            left = BulkEnrollmentJob.objects.filter(pk=draft.pk)
            assert left.exists() == confirmed
            for job in left:
                assert job.state == JobState.QUEUED
                assert job.rows.count() == job.total
                assert job.total in ({6, 400} if replaced else {400})
                api.run_bulk_job(job.pk)
            BulkEnrollmentJob.objects.all().delete()


class OverlapTests(JobsTestCase):
    """Several jobs over the same people, in paths that others delete."""

    LEARNERS = 300
    STRANGERS = 300

    def test_two_jobs_over_the_same_people(self) -> None:
        jobs = [self.queue(random.Random(seed).sample(self.emails, len(self.emails))) for seed in range(4)]
        assert at_once([partial(api.run_bulk_job, job.pk) for job in jobs]) == [None] * 4
        self.assert_adds_up(*jobs)
        counts: Counter[str] = Counter()
        for job in jobs:
            assert (job.state, job.done) == (JobState.FINISHED, 1200)
            counts.update(job.counts)
        assert counts == {
            "enrolled": 600,
            "already_enrolled": 1800,
            "invited": 600,
            "already_invited": 1800,
        }

    def test_a_job_and_its_undoing(self) -> None:
        job = self.queue()
        api.run_bulk_job(job.pk)
        undo = api.confirm_bulk_job(api.undo_bulk_job(job, acting_user=self.sam), acting_user=self.sam)
        learners = list(User.objects.filter(username__in=[f"l{number}" for number in range(20)]))

        def leave_and_return() -> None:
            for learner in learners:
                try:
                    api.unenroll(learner, self.paths[0], acting_user=learner)
                except NotEnrolled:
                    continue
                api.enroll(learner, self.paths[0], acting_user=learner)

        at_once([partial(api.run_bulk_job, undo.pk), leave_and_return])
        undo.refresh_from_db()
        stayed = undo.counts.get("changed_since", 0)
        assert undo.counts == Counter(undo.rows.values_list("code", flat=True))
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == stayed
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()

    def test_a_path_that_is_deleted_while_it_is_filled(self) -> None:
        job = self.queue()

        def delete() -> None:
            assert eventually(lambda: job.rows.exclude(code="").exists())
            while LearningPath.objects.filter(pk=self.paths[1].pk).exists():
                # A deadlock, of which the deletion is the victim, or enrollments that came after it looked for them.
                with suppress(OperationalError, IntegrityError):
                    LearningPath.objects.filter(pk=self.paths[1].pk).delete()

        begin = time.monotonic()
        with mock.patch.object(bulk_job_run, "ADDRESSES_PER_CHUNK", 10):
            at_once([partial(api.run_bulk_job, job.pk), delete])
        assert time.monotonic() - begin < 60
        job.refresh_from_db()
        assert (job.state, job.percent, job.total) == (JobState.FINISHED, 100, 1200)
        assert job.counts == dict(job.rows.order_by().values_list("code").annotate(Count("pk")))
        kept = Counter(job.rows.filter(learning_path=self.paths[0]).values_list("code", flat=True))
        assert kept == {"enrolled": 300, "invited": 300}
        lost = job.rows.filter(learning_path=None, unknown_path=str(self.paths[1].key))
        assert lost.count() == 600
        assert 0 < lost.filter(code=RowCode.PATH_DELETED).count() < 600
        assert job.deleted_paths == [str(self.paths[1].key)]
