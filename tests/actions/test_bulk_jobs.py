"""Bulk jobs, through the public API: drafted, confirmed, run, stopped, done once more and undone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning_paths import api
from learning_paths.actions import bulk_apply, bulk_enrollment, bulk_job_run, bulk_jobs
from learning_paths.actions.bulk_write import write_enrolling
from learning_paths.data import BulkOperation, JobState, RowCode, RowGroup, StateTransition
from learning_paths.exceptions import BulkJobConflict, BulkJobNotFound, BulkTooLarge
from learning_paths.models import (
    BulkEnrollmentJob,
    BulkEnrollmentRow,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from learning_paths.models.job import INVALID_CODES
from tests.factories import make_path, make_staff, make_user

DS = "path-v1:DemoX+DS101+2026"
WEB = "path-v1:DemoX+WEB+2026+A"
NONE = "path-v1:DemoX+NONE+2026"
EVERYBODY = "ana@example.com ben@example.com ida@example.com new@example.com"
EIGHT = [f"new{number}@example.com" for number in range(8)]


def codes(job: BulkEnrollmentJob) -> dict[tuple[str, str], str]:
    """What became of each pair."""
    rows = job.rows.filter(learning_path__isnull=False).select_related("learning_path").order_by("pk")
    return {(row.email, str(row.learning_path.key)): row.code for row in rows if row.learning_path}


def planned(job: BulkEnrollmentJob) -> dict[tuple[str, str], str]:
    """What is planned for each pair."""
    rows = job.rows.filter(learning_path__isnull=False).select_related("learning_path").order_by("pk")
    return {(row.email, str(row.learning_path.key)): row.planned for row in rows if row.learning_path}


@contextmanager
def small_chunks(*, before: Callable[[int], Any] = lambda _: None) -> Iterator[None]:
    """Let a worker take two addresses at a time, and do something before each such chunk, which count from 0."""
    apply_chunk = bulk_enrollment.apply_chunk
    count = 0

    def interrupted(*args: Any) -> Any:
        nonlocal count
        count += 1
        before(count - 1)
        return apply_chunk(*args)

    with (
        mock.patch.object(bulk_job_run, "ADDRESSES_PER_CHUNK", 2),
        mock.patch.object(bulk_job_run, "apply_chunk", interrupted),
    ):
        yield


def at_chunk(number: int, action: Callable[[], Any]) -> Callable[[int], Any]:
    """Return what does the action before the chunk with this number."""
    return lambda chunk: action() if chunk == number else None


class JobTestCase(TestCase):
    """Sam and Tia of the staff, Ana and Ben, Ida whose account is not active, and two paths."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.tia = make_staff("tia")
        self.ana = make_user("ana")
        self.ben = make_user("ben", email="Ben@Example.com")
        self.ida = make_user("ida", is_active=False)
        self.ds = make_path(DS)
        self.web = make_path(WEB, invite_only=True)

    def draft(self, emails: Any = EVERYBODY, paths: Any = (DS,), **kwargs: Any) -> BulkEnrollmentJob:
        return api.draft_bulk_job(api.prepare_bulk(emails, paths), **{"acting_user": self.sam, **kwargs})

    def queue(self, emails: Any = EVERYBODY, paths: Any = (DS,), **kwargs: Any) -> BulkEnrollmentJob:
        return api.confirm_bulk_job(self.draft(emails, paths, **kwargs), acting_user=self.sam)

    def run_job(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        assert api.run_bulk_job(job.pk) is None
        job.refresh_from_db()
        self.assert_adds_up(job)
        return job

    def finish(self, emails: Any = EVERYBODY, paths: Any = (DS,), **kwargs: Any) -> BulkEnrollmentJob:
        job = self.run_job(self.queue(emails, paths, **kwargs))
        assert job.state == JobState.FINISHED
        return job

    def confirm_and_run(self, draft: BulkEnrollmentJob) -> BulkEnrollmentJob:
        return self.run_job(api.confirm_bulk_job(draft, acting_user=self.tia))

    def assert_adds_up(self, job: BulkEnrollmentJob) -> None:
        """What the job says of its rows is what they say, and so are the groups."""
        rows = list(job.rows.all())
        assert job.counts == dict(Counter(row.code for row in rows if row.code))
        assert job.total == sum(row.code not in INVALID_CODES for row in rows)
        counts = api.bulk_job_counts(job)
        assert sum(counts.values()) == len(rows)
        for group in RowGroup:
            assert api.bulk_job_rows(job, group=group).count() == counts[group], group
        for row in rows:
            assert (row.changed_at is not None) >= (row.code != "" and RowCode(row.code).is_change)

    def waiting(self) -> set[str]:
        return set(LearningPathEnrollmentAllowed.objects.pending().values_list("email", flat=True))

    def is_enrolled(self, user: User, path: Any = None) -> bool:
        return LearningPathEnrollment.objects.filter(user=user, learning_path=path or self.ds, is_active=True).exists()


def nothing_is_written() -> bool:
    """Whether no learner was touched."""
    return not (
        LearningPathEnrollment.objects.exists()
        or LearningPathEnrollmentAllowed.objects.exists()
        or ManualEnrollmentAudit.objects.exists()
    )


class DraftTests(JobTestCase):
    """What would happen is stored, and nothing happens."""

    def test_the_plan_is_stored_row_by_row(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        job = self.draft("ana@example.com\nnope\nben@example.com\nnew@example.com", [DS, NONE, WEB])
        rows = job.rows.order_by("pk").select_related("learning_path")
        assert [
            (row.email, str(row.learning_path.key), row.planned, row.username) for row in rows if row.learning_path
        ] == [
            ("ana@example.com", DS, "enrolled", "ana"),
            ("ana@example.com", WEB, "enrolled", "ana"),
            ("ben@example.com", DS, "already_enrolled", "ben"),
            ("ben@example.com", WEB, "enrolled", "ben"),
            ("new@example.com", DS, "invited", ""),
            ("new@example.com", WEB, "invited", ""),
        ]
        assert [
            (row.email, row.unknown_path, row.line, row.planned, row.code) for row in rows if not row.learning_path
        ] == [
            ("nope", "", 2, "invalid_email", "invalid_email"),
            ("", NONE, None, "learning_path_not_found", "learning_path_not_found"),
        ]
        assert {row.code for row in rows if row.learning_path} == {""}
        assert (job.total, job.done, job.percent) == (6, 0, 0)
        assert job.counts == {"invalid_email": 1, "learning_path_not_found": 1}
        assert set(job.learning_paths.all()) == {self.ds, self.web}

    def test_no_learner_is_touched_before_it_runs(self) -> None:
        job = self.draft(EVERYBODY, [DS, WEB])
        assert nothing_is_written()
        job = api.confirm_bulk_job(job, acting_user=self.sam)
        assert nothing_is_written()
        self.run_job(job)
        assert not nothing_is_written()

    def test_it_keeps_what_was_given(self) -> None:
        given = {"reason": "Cohort", "role": "scholar", "org": "DemoX", "typed": EVERYBODY}
        job = self.draft(**given, file_name="people.csv", file_content=b"email\n\xff")
        job = BulkEnrollmentJob.objects.get(pk=job.pk)
        assert {name: getattr(job, name) for name in given} == given
        assert (job.file_name, bytes(job.file_content)) == ("people.csv", b"email\n\xff")
        assert (job.author, job.state, job.operation) == (self.sam, JobState.DRAFT, BulkOperation.ENROLL)
        assert job.started_at is job.finished_at is job.confirmed_at is None

    def test_it_replaces_an_earlier_one(self) -> None:
        first = self.draft("ana@example.com nope", [DS], reason="One", typed="ana@example.com nope")
        second = self.draft(
            "ben@example.com",
            [WEB],
            reason="Two",
            operation=BulkOperation.UNENROLL,
            replaces=first,
            acting_user=self.sam,
        )
        assert (second.pk, second.uuid) == (first.pk, first.uuid)
        job = BulkEnrollmentJob.objects.get()
        assert (job.reason, job.typed, job.operation, job.total, job.counts) == ("Two", "", "unenroll", 1, {})
        assert planned(job) == {("ben@example.com", WEB): "not_enrolled"}
        assert list(job.learning_paths.all()) == [self.web]
        assert job.rows.count() == BulkEnrollmentRow.objects.count() == 1

    def test_it_replaces_no_job_and_nothing_that_is_gone(self) -> None:
        queued, gone = self.queue("ana@example.com"), self.draft()
        api.discard_bulk_job(gone)
        gone.pk = 10**6
        for job in (queued, gone):
            with self.assertRaises(BulkJobConflict):
                self.draft("ben@example.com", replaces=job)
        assert codes(queued) == {("ana@example.com", DS): ""}
        assert BulkEnrollmentJob.objects.count() == 1

    def test_more_pairs_than_a_job_takes(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=8):
            for store in (api.draft_bulk_job, api.queue_bulk_job):
                store(api.prepare_bulk(EVERYBODY, [DS, WEB]), acting_user=self.sam)
                with self.assertRaisesMessage(BulkTooLarge, "These are 10 pairs"):
                    store(api.prepare_bulk(f"{EVERYBODY} one@example.com", [DS, WEB]), acting_user=self.sam)
        assert BulkEnrollmentJob.objects.count() == 2

    def test_more_invalid_entries_than_a_job_takes(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=3):
            self.draft("ana@example.com a@ b@", [DS, NONE])
            with self.assertRaisesMessage(BulkTooLarge, "not valid"):
                self.draft("ana@example.com a@ b@ c@", [DS, NONE])
        assert BulkEnrollmentJob.objects.count() == 1

    def test_who_threw_it_away_has_none(self) -> None:
        job = self.draft()
        api.discard_bulk_job(job)
        assert not BulkEnrollmentJob.objects.exists()
        assert not BulkEnrollmentRow.objects.exists()

    def test_only_drafts_are_thrown_away(self) -> None:
        job = self.queue()
        with self.assertRaises(BulkJobConflict):
            api.discard_bulk_job(job)
        self.run_job(job)
        with self.assertRaises(BulkJobConflict):
            api.discard_bulk_job(job)
        assert job.rows.count() == 4

    def test_those_that_nobody_touched_for_long_are_thrown_away(self) -> None:
        old, young, queued = self.draft(), self.draft(), self.queue()
        long_ago = timezone.now() - timedelta(days=15)
        BulkEnrollmentJob.objects.filter(pk__in=[old.pk, queued.pk]).update(modified=long_ago)
        BulkEnrollmentJob.objects.update(created=long_ago)
        assert api.discard_drafts(older_than=timedelta(days=14)) == 1
        assert set(BulkEnrollmentJob.objects.all()) == {young, queued}
        assert api.discard_drafts(older_than=timedelta(days=14)) == 0

    def test_one_that_is_touched_meanwhile_stays(self) -> None:
        job = self.draft()
        BulkEnrollmentJob.objects.update(modified=timezone.now() - timedelta(days=15))
        locked = bulk_jobs._locked

        def a_moment_later(*args: Any) -> BulkEnrollmentJob:
            job.save()
            return locked(*args)

        with mock.patch.object(bulk_jobs, "_locked", a_moment_later):
            assert api.discard_drafts(older_than=timedelta(days=14)) == 0
        assert BulkEnrollmentJob.objects.get() == job


class ConfirmTests(JobTestCase):
    """From the draft to the job."""

    def test_who_confirms_it_is_its_author(self) -> None:
        job = api.confirm_bulk_job(self.draft(reason="Cohort"), acting_user=self.tia)
        assert (job.state, job.author) == (JobState.QUEUED, self.tia)
        assert job.confirmed_at is not None
        self.run_job(job)
        assert {audit.enrolled_by for audit in ManualEnrollmentAudit.objects.all()} == {self.tia}
        assert LearningPathEnrollment.history.get(user=self.ana).history_user == self.tia

    def test_what_was_typed_and_uploaded_is_forgotten(self) -> None:
        draft = self.draft(typed=EVERYBODY, file_name="people.csv", file_content=b"email")
        api.confirm_bulk_job(draft, acting_user=self.sam)
        job = BulkEnrollmentJob.objects.get()
        assert (job.typed, bytes(job.file_content), job.file_name) == ("", b"", "people.csv")

    def test_only_once(self) -> None:
        draft = self.draft()
        api.confirm_bulk_job(draft, acting_user=self.sam)
        with self.assertRaises(BulkJobConflict):
            api.confirm_bulk_job(draft, acting_user=self.tia)
        assert BulkEnrollmentJob.objects.get().author == self.sam

    def test_not_what_was_thrown_away(self) -> None:
        draft = self.draft()
        BulkEnrollmentJob.objects.all().delete()
        with self.assertRaises(BulkJobConflict):
            api.confirm_bulk_job(draft, acting_user=self.sam)


class RunTests(JobTestCase):
    """What a worker does."""

    def test_what_was_planned_is_done(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        job = self.queue(f"{EVERYBODY} nope", [DS, WEB, NONE], reason="Cohort", role="scholar", org="DemoX")
        before = timezone.now()
        self.run_job(job)
        assert codes(job) == planned(job)
        assert codes(job)["ben@example.com", DS] == "already_enrolled"
        assert codes(job)["ana@example.com", WEB] == "enrolled"
        assert codes(job)["ida@example.com", WEB] == "invited"
        assert (job.state, job.worker, job.percent, job.done, job.total) == (JobState.FINISHED, "", 100, 8, 8)
        assert job.started_at is not None
        assert job.finished_at is not None
        assert before <= job.started_at <= job.finished_at
        for audit in ManualEnrollmentAudit.objects.all():
            assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (self.sam, "Cohort", "scholar", "DemoX")
        assert ManualEnrollmentAudit.objects.count() == 7

    def test_each_row_knows_what_it_changed_and_when(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        rows = {row.email: row for row in self.finish().rows.all()}
        enrollment = LearningPathEnrollment.objects.get(user=self.ana)
        ana, new, ben = (rows[f"{name}@example.com"] for name in ("ana", "new", "ben"))
        assert (ana.enrollment, ana.changed_at, ana.username) == (enrollment, enrollment.modified, "ana")
        assert (new.enrollment, new.username) == (None, "")
        assert new.changed_at == LearningPathEnrollmentAllowed.objects.get(email=new.email).modified
        assert (ben.enrollment, ben.changed_at, ben.username) == (None, None, "ben")

    def test_what_changed_since_the_draft_is_seen(self) -> None:
        job = self.queue(EVERYBODY)
        api.enroll(self.ana, self.ds, acting_user=self.ana)
        make_user("new")
        self.run_job(job)
        assert planned(job)["ana@example.com", DS] == "enrolled"
        assert codes(job) == {
            ("ana@example.com", DS): "already_enrolled",
            ("ben@example.com", DS): "enrolled",
            ("ida@example.com", DS): "invited",
            ("new@example.com", DS): "enrolled",
        }
        assert {row.email: row.username for row in job.rows.all()}["new@example.com"] == "new"

    def test_what_is_queued_at_once(self) -> None:
        work = api.prepare_bulk(f"{EVERYBODY} nope", [DS, NONE])
        job = api.queue_bulk_job(work, reason="Cohort", role="r", org="o", acting_user=self.sam)
        assert (job.state, job.author, job.total) == (JobState.QUEUED, self.sam, 4)
        assert job.confirmed_at is not None
        assert nothing_is_written()
        assert set(planned(job).values()) == {""}
        self.run_job(job)
        assert Counter(codes(job).values()) == {"enrolled": 2, "invited": 2}
        assert (
            ManualEnrollmentAudit.objects.filter(reason="Cohort", role="r", org="o", enrolled_by=self.sam).count() == 4
        )

    def test_unenrolling(self) -> None:
        self.finish()
        job = self.finish("ana@example.com new@example.com nobody@example.com", operation=BulkOperation.UNENROLL)
        assert codes(job) == planned(job)
        assert list(codes(job).values()) == ["unenrolled", "invitation_withdrawn", "not_enrolled"]
        assert not self.is_enrolled(self.ana)
        assert self.waiting() == {"ida@example.com"}
        row = job.rows.get(email="ana@example.com")
        enrollment = LearningPathEnrollment.objects.get(user=self.ana)
        assert (row.enrollment, row.changed_at) == (enrollment, enrollment.modified)

    def test_the_author_s_account_is_gone(self) -> None:
        job = self.queue()
        self.sam.delete()
        self.run_job(job)
        assert job.state == JobState.FINISHED
        assert {audit.enrolled_by for audit in ManualEnrollmentAudit.objects.all()} == {None}

    def test_a_job_without_pairs(self) -> None:
        job = self.finish("nope", [NONE])
        assert (job.total, job.percent, job.rate) == (0, 100, None)
        assert job.rows.count() == 2

    def test_a_job_that_is_not_there(self) -> None:
        assert api.run_bulk_job(10**6) is None

    def test_a_draft_is_not_run(self) -> None:
        job = self.draft()
        assert api.run_bulk_job(job.pk) is None
        job.refresh_from_db()
        assert job.state == JobState.DRAFT
        assert nothing_is_written()

    def test_a_row_that_can_not_be_saved_stands_alone(self) -> None:
        def failing(rows: Any, *args: Any) -> None:
            write_enrolling(rows, *args)
            if any(row.email == "new3@example.com" for row in rows):
                raise DatabaseError("poison")

        with (
            mock.patch.object(bulk_apply, "write_enrolling", failing),
            self.assertLogs("learning_paths", "ERROR") as logs,
        ):
            job = self.finish(EIGHT, [DS, WEB])
        assert {pair for pair, code in codes(job).items() if code == "not_saved"} == {
            ("new3@example.com", DS),
            ("new3@example.com", WEB),
        }
        assert job.counts == {"not_saved": 2, "invited": 14}
        assert len(logs.records) == 2
        assert ManualEnrollmentAudit.objects.count() == LearningPathEnrollmentAllowed.objects.count() == 14


class OnceTests(JobTestCase):
    """However often a job is delivered and whoever dies, each row is done once."""

    def snapshot(self) -> Any:
        tables: list[Any] = [LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit]
        tables += [BulkEnrollmentRow, BulkEnrollmentJob]
        return [list(model.objects.order_by("pk").values()) for model in tables]

    def test_a_second_delivery_does_nothing(self) -> None:
        job = self.finish(EVERYBODY, [DS, WEB])
        before = self.snapshot()
        assert api.run_bulk_job(job.pk) is None
        assert self.snapshot() == before

    def test_while_another_has_it_one_is_told_when_to_come_again(self) -> None:
        job = self.queue(EIGHT)
        waits: list[timedelta | None] = []
        with small_chunks(before=lambda _: waits.append(api.run_bulk_job(job.pk))):
            self.run_job(job)
        assert len(waits) == 4
        for wait in waits:
            assert wait is not None
            assert timedelta(seconds=55) < wait <= timedelta(seconds=61)
        assert codes(job) == dict.fromkeys([(email, DS) for email in EIGHT], "invited")
        assert ManualEnrollmentAudit.objects.count() == 8

    def test_a_worker_that_gave_no_sign_for_long_has_lost_it(self) -> None:
        job = self.queue(EIGHT)

        def stall() -> None:
            late = timezone.now() - timedelta(seconds=61)
            BulkEnrollmentJob.objects.update(heartbeat_at=late)
            assert [abandoned.pk for abandoned in api.abandoned_bulk_jobs(timedelta(hours=1))] == [job.pk]
            self.run_job(job)
            assert job.state == JobState.FINISHED
            self.after = self.snapshot()

        with small_chunks(before=at_chunk(2, stall)), self.assertLogs("learning_paths", "INFO") as logs:
            assert api.run_bulk_job(job.pk) is None
        assert self.snapshot() == self.after
        assert "no longer has" in logs.output[-1]
        assert ManualEnrollmentAudit.objects.count() == len(self.waiting()) == 8

    def test_a_worker_stops_at_once_when_another_has_its_job(self) -> None:
        job = self.queue(EIGHT)

        def take_away() -> None:
            BulkEnrollmentJob.objects.update(worker=str(uuid4()), heartbeat_at=timezone.now())
            self.before = self.snapshot()

        with small_chunks(before=at_chunk(2, take_away)):
            self.run_job(job)
        assert self.snapshot() == self.before
        assert job.state == JobState.RUNNING
        assert len(self.waiting()) == job.done == 4

    def test_a_worker_that_is_killed_leaves_the_rest_to_the_next(self) -> None:
        job = self.queue(EIGHT)

        def kill() -> None:
            raise SystemExit

        with self.assertRaises(SystemExit), small_chunks(before=at_chunk(1, kill)):
            api.run_bulk_job(job.pk)
        job.refresh_from_db()
        started = job.started_at
        assert (job.state, job.done) == (JobState.RUNNING, 2)
        assert api.run_bulk_job(job.pk) is not None
        BulkEnrollmentJob.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
        self.run_job(job)
        assert (job.state, job.done, job.started_at) == (JobState.FINISHED, 8, started)
        assert ManualEnrollmentAudit.objects.count() == len(self.waiting()) == 8

    def test_a_commit_whose_answer_is_lost_is_not_done_again(self) -> None:
        """The connection breaks after the server has committed: what was done looks as if it failed."""
        apply_once = bulk_apply._apply_once
        answers = iter([False, True])

        def loses_the_answer(*args: Any) -> Any:
            rows = apply_once(*args)
            if next(answers, False):
                raise OperationalError(2013, "Lost connection to MySQL server during query")
            return rows

        with mock.patch.object(bulk_apply, "_apply_once", loses_the_answer), small_chunks():
            job = self.finish(EIGHT)
        assert job.counts == {"invited": 8}
        assert set(codes(job).values()) == {"invited"}
        assert ManualEnrollmentAudit.objects.count() == 8

    def test_an_author_who_is_deleted_in_the_middle(self) -> None:
        job = self.queue(EIGHT)
        with small_chunks(before=at_chunk(2, self.sam.delete)):
            self.run_job(job)
        assert (job.state, job.author) == (JobState.FINISHED, None)
        assert set(codes(job).values()) == {"invited"}
        assert ManualEnrollmentAudit.objects.filter(enrolled_by=None).count() == 8


class FailureTests(JobTestCase):
    """A job that stops for no fault of a row."""

    def test_it_is_marked_and_can_be_resumed(self) -> None:
        job = self.queue(EIGHT)
        with (
            small_chunks(before=at_chunk(2, mock.Mock(side_effect=RuntimeError("a bug")))),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertRaisesMessage(RuntimeError, "a bug"),
        ):
            api.run_bulk_job(job.pk)
        job.refresh_from_db()
        self.assert_adds_up(job)
        assert (job.state, job.worker, job.done, job.percent) == (JobState.FAILED, "", 4, 50)
        assert job.is_over
        assert job.finished_at is not None
        assert api.bulk_job_counts(job)[RowGroup.NOT_DONE] == 4
        assert job.describe(job.rows.latest("pk")) == ("not_done", "Not done: the job stopped before.")

        assert api.run_bulk_job(job.pk) is None
        assert len(self.waiting()) == 4
        job = api.resume_bulk_job(job)
        assert (job.state, job.finished_at) == (JobState.QUEUED, None)
        self.run_job(job)
        assert (job.state, job.counts) == (JobState.FINISHED, {"invited": 8})
        assert ManualEnrollmentAudit.objects.count() == 8

    def test_nothing_else_is_resumed(self) -> None:
        finished, queued, draft = self.finish(), self.queue(), self.draft()
        for job in (finished, queued, draft, api.cancel_bulk_job(self.queue())):
            with self.assertRaises(BulkJobConflict):
                api.resume_bulk_job(job)

    def test_a_database_that_is_away_for_a_while_is_nobody_s_fault(self) -> None:
        """The job waits for the next delivery, as nobody needs to look after it."""
        job = self.queue(EIGHT)
        away = OperationalError(2013, "Lost connection to MySQL server during query")
        with (
            small_chunks(before=at_chunk(2, mock.Mock(side_effect=away))),
            self.assertLogs("learning_paths", "WARNING"),
            self.assertRaises(OperationalError),
        ):
            api.run_bulk_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.worker, job.done, job.finished_at) == (JobState.QUEUED, "", 4, None)
        self.run_job(job)
        assert (job.state, job.counts) == (JobState.FINISHED, {"invited": 8})

    def test_an_error_of_the_database_that_stays_is_a_failure(self) -> None:
        job = self.queue(EIGHT)
        stays = OperationalError(1054, "Unknown column")
        with (
            small_chunks(before=at_chunk(2, mock.Mock(side_effect=stays))),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertRaises(OperationalError),
        ):
            api.run_bulk_job(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.FAILED

    def test_it_ends_even_if_that_can_not_be_written_down(self) -> None:
        job = self.queue()

        def break_down() -> None:
            patch = mock.patch.object(bulk_job_run, "_held", side_effect=DatabaseError("away"))
            patch.start()
            self.addCleanup(patch.stop)
            raise RuntimeError("a bug")

        with (
            small_chunks(before=at_chunk(0, break_down)),
            self.assertLogs("learning_paths", "ERROR") as logs,
            self.assertRaisesMessage(RuntimeError, "a bug"),
        ):
            api.run_bulk_job(job.pk)
        assert "could not be marked" in logs.output[-1]


class CancelTests(JobTestCase):
    """What is done stays done, and nothing more is done."""

    def test_before_it_runs(self) -> None:
        job = api.cancel_bulk_job(self.queue())
        assert (job.state, job.done) == (JobState.CANCELLED, 0)
        self.run_job(job)
        assert job.state == JobState.CANCELLED
        assert nothing_is_written()
        assert api.bulk_job_counts(job)[RowGroup.NOT_DONE] == 4
        assert job.describe(job.rows.latest("pk")) == ("not_done", "Not done: the job was cancelled.")

    def test_in_the_middle(self) -> None:
        job = self.queue(EIGHT)
        with small_chunks(before=at_chunk(2, lambda: api.cancel_bulk_job(job))):
            self.run_job(job)
        assert (job.state, job.worker, job.done) == (JobState.CANCELLED, "", 4)
        assert job.finished_at is not None
        assert self.waiting() == set(EIGHT[:4])
        assert [row.code for row in job.rows.order_by("pk")] == ["invited"] * 4 + [""] * 4
        assert api.run_bulk_job(job.pk) is None
        assert len(self.waiting()) == 4

    def test_while_a_chunk_is_divided(self) -> None:
        """Before a row is noted as not saved, too, the worker makes sure that it has the job."""
        job = self.queue(EIGHT)

        def fail(*args: Any) -> None:
            BulkEnrollmentJob.objects.update(state=JobState.CANCELLED)
            raise DatabaseError("poison")

        apply = mock.patch.object(bulk_apply, "apply", fail)
        with apply, small_chunks(), self.assertLogs("learning_paths", "ERROR"):
            self.run_job(job)
        assert (job.state, job.counts) == (JobState.CANCELLED, {})

    def test_only_what_waits_or_runs(self) -> None:
        for job in (self.draft(), self.finish(), api.cancel_bulk_job(self.queue())):
            with self.assertRaises(BulkJobConflict):
                api.cancel_bulk_job(job)


class RetryTests(JobTestCase):
    """Once more, what failed and what was not done."""

    def test_what_failed_and_what_was_not_done(self) -> None:
        make_user("twin1", email="twin@example.com")
        twin = make_user("twin2", email="TWIN@example.com")
        emails = ["twin@example.com", "ana@example.com", *EIGHT, "nope"]
        job = self.queue(emails, [DS, WEB, NONE], reason="Cohort", role="r", org="o")
        with small_chunks(before=at_chunk(2, lambda: api.cancel_bulk_job(job))):
            self.run_job(job)
        assert job.counts == {
            "invalid_email": 1,
            "learning_path_not_found": 1,
            "ambiguous_email": 2,
            "enrolled": 2,
            "invited": 4,
        }
        twin.delete()

        again = api.retry_bulk_job(job, acting_user=self.tia)
        assert (again.state, again.author, again.origin) == (JobState.DRAFT, self.tia, job)
        assert (again.operation, again.reason, again.role, again.org) == ("enroll", "Cohort", "r", "o")
        emails = ["twin@example.com", *EIGHT[2:]]
        assert list(planned(again)) == [(email, key) for email in emails for key in (DS, WEB)]
        assert planned(again)["twin@example.com", DS] == "enrolled"
        assert (again.total, again.counts) == (14, {})
        again = self.confirm_and_run(again)
        assert again.counts == {"enrolled": 2, "invited": 12}
        assert ManualEnrollmentAudit.objects.count() == 20
        with self.assertRaises(BulkJobConflict):
            api.retry_bulk_job(again, acting_user=self.sam)

    def test_nothing_to_do_again(self) -> None:
        job = self.finish("ana@example.com nope", [DS, NONE])
        with self.assertRaises(BulkJobConflict):
            api.retry_bulk_job(job, acting_user=self.sam)
        assert BulkEnrollmentJob.objects.count() == 1

    def test_not_before_it_is_over(self) -> None:
        for job in (self.draft(), self.queue()):
            with self.assertRaises(BulkJobConflict):
                api.retry_bulk_job(job, acting_user=self.sam)

    def test_an_undoing_that_failed_still_knows_what_to_undo(self) -> None:
        undo = api.confirm_bulk_job(api.undo_bulk_job(self.finish(), acting_user=self.sam), acting_user=self.sam)
        with (
            mock.patch.object(bulk_apply, "write_unenrolling", side_effect=DatabaseError("poison")),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            self.run_job(undo)
        assert undo.counts == {"not_saved": 4}
        again = self.confirm_and_run(api.retry_bulk_job(undo, acting_user=self.sam))
        assert again.operation == BulkOperation.UNDO
        assert again.counts == {"unenrolled": 2, "invitation_withdrawn": 2}
        assert not self.is_enrolled(self.ana)
        assert not self.waiting()


class UndoTests(JobTestCase):
    """What a job did is undone, and nothing that anybody did since."""

    def undo(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        return self.confirm_and_run(api.undo_bulk_job(job, acting_user=self.tia))

    def test_exactly_those_whom_it_enrolled_and_invited(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        api.invite("old@example.com", self.ds, acting_user=self.sam)
        job = self.finish(f"{EVERYBODY} old@example.com nope", [DS], reason="Cohort", role="r", org="o")
        draft = api.undo_bulk_job(job, acting_user=self.tia)
        assert (draft.state, draft.operation, draft.author, draft.origin) == ("draft", "undo", self.tia, job)
        assert self.is_enrolled(self.ana)
        assert planned(draft) == {
            ("ana@example.com", DS): "unenrolled",
            ("ida@example.com", DS): "invitation_withdrawn",
            ("new@example.com", DS): "invitation_withdrawn",
        }
        assert codes(self.confirm_and_run(draft)) == planned(draft)
        assert not self.is_enrolled(self.ana)
        assert self.is_enrolled(self.ben)
        assert self.waiting() == {"old@example.com"}

        audits = ManualEnrollmentAudit.objects.filter(enrolled_by=self.tia)
        assert {(audit.enrolled_email, audit.state_transition) for audit in audits} == {
            ("ana@example.com", StateTransition.ENROLLED_TO_UNENROLLED),
            ("ida@example.com", StateTransition.ALLOWED_TO_UNENROLLED),
            ("new@example.com", StateTransition.ALLOWED_TO_UNENROLLED),
        }
        assert {(audit.reason, audit.role, audit.org) for audit in audits} == {
            (f"Undoes job {job.pk}. Cohort", "r", "o")
        }
        assert audits.get(enrolled_email="ana@example.com").enrollment == LearningPathEnrollment.objects.get(
            user=self.ana
        )
        assert LearningPathEnrollment.history.filter(user=self.ana).latest().history_user == self.tia
        row = draft.rows.get(email="ana@example.com")
        assert (row.enrollment, row.changed_at) == (
            LearningPathEnrollment.objects.get(user=self.ana),
            LearningPathEnrollment.objects.get(user=self.ana).modified,
        )

    def test_who_was_enrolled_again_is_unenrolled(self) -> None:
        api.enroll(self.ana, self.ds, acting_user=self.ana)
        api.unenroll(self.ana, self.ds, acting_user=self.ana)
        job = self.finish("ana@example.com")
        assert codes(job) == {("ana@example.com", DS): "enrolled_again"}
        assert codes(self.undo(job)) == {("ana@example.com", DS): "unenrolled"}
        assert not self.is_enrolled(self.ana)

    def test_an_invitation_of_somebody_who_was_enrolled_once_is_withdrawn(self) -> None:
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        api.unenroll(self.ida, self.ds, acting_user=self.ida)
        job = self.finish("ida@example.com")
        assert job.rows.get().enrollment is None
        assert codes(self.undo(job)) == {("ida@example.com", DS): "invitation_withdrawn"}
        assert not self.waiting()

    def test_who_left_and_came_back_stays(self) -> None:
        job = self.finish("ana@example.com")
        api.unenroll(self.ana, self.ds, acting_user=self.ana)
        api.enroll(self.ana, self.ds, acting_user=self.ana)
        assert codes(self.undo(job)) == {("ana@example.com", DS): "changed_since"}
        assert self.is_enrolled(self.ana)

    def test_whom_staff_unenrolled_is_left_alone(self) -> None:
        job = self.finish("ana@example.com")
        api.unenroll(self.ana, self.ds, acting_user=self.sam)
        count = ManualEnrollmentAudit.objects.count()
        undo = self.undo(job)
        assert undo.counts == {"changed_since": 1}
        assert api.bulk_job_counts(undo)[RowGroup.UNCHANGED] == 1
        assert ManualEnrollmentAudit.objects.count() == count

    def test_an_invitation_that_was_claimed_stays(self) -> None:
        job = self.finish("new@example.com")
        with self.captureOnCommitCallbacks(execute=True):
            new = make_user("new")
        assert self.is_enrolled(new)
        assert codes(self.undo(job)) == {("new@example.com", DS): "changed_since"}
        assert self.is_enrolled(new)

    def test_an_invitation_that_was_withdrawn_and_renewed_stays(self) -> None:
        job = self.finish("new@example.com ida@example.com")
        for email in ("new@example.com", "ida@example.com"):
            api.withdraw_invitation(email, self.ds, acting_user=self.sam)
        api.invite("new@example.com", self.ds, acting_user=self.sam)
        assert set(codes(self.undo(job)).values()) == {"changed_since"}
        assert self.waiting() == {"new@example.com"}

    def test_who_has_another_address_by_now_is_found_all_the_same(self) -> None:
        job = self.finish("ana@example.com ben@example.com")
        self.ana.email = "ana@elsewhere.org"
        self.ana.save()
        self.ben.email = "ana@example.com"
        self.ben.save()
        undo = self.undo(job)
        assert codes(undo) == dict.fromkeys([("ana@example.com", DS), ("ben@example.com", DS)], "unenrolled")
        assert [row.username for row in undo.rows.order_by("pk")] == ["ana", "ben"]
        assert not self.is_enrolled(self.ana)
        audit = ManualEnrollmentAudit.objects.get(enrollment__user=self.ana, enrolled_by=self.tia)
        assert audit.enrolled_email == "ana@example.com"

    def test_who_is_gone_is_left_alone(self) -> None:
        job = self.finish("ana@example.com ben@example.com")
        self.ana.delete()
        assert codes(self.undo(job)) == {
            ("ana@example.com", DS): "changed_since",
            ("ben@example.com", DS): "unenrolled",
        }

    def test_what_changes_between_the_preview_and_the_run_is_left_alone(self) -> None:
        job = self.finish()
        draft = api.undo_bulk_job(job, acting_user=self.tia)
        api.unenroll(self.ana, self.ds, acting_user=self.ana)
        api.enroll(self.ana, self.ds, acting_user=self.ana)
        with self.captureOnCommitCallbacks(execute=True):
            make_user("new")
        assert planned(draft)["ana@example.com", DS] == "unenrolled"
        assert codes(self.confirm_and_run(draft)) == {
            ("ana@example.com", DS): "changed_since",
            ("ben@example.com", DS): "unenrolled",
            ("ida@example.com", DS): "invitation_withdrawn",
            ("new@example.com", DS): "changed_since",
        }

    def test_a_second_time_finds_nothing(self) -> None:
        job = self.finish()
        self.undo(job)
        assert self.undo(job).counts == {"changed_since": 4}

    def test_of_a_cancelled_job_what_was_done(self) -> None:
        job = self.queue(EIGHT)
        with small_chunks(before=at_chunk(2, lambda: api.cancel_bulk_job(job))):
            self.run_job(job)
        api.invite(EIGHT[6], self.ds, acting_user=self.sam)
        undo = self.undo(job)
        assert list(codes(undo)) == [(email, DS) for email in EIGHT[:4]]
        assert self.waiting() == {EIGHT[6]}

    def test_what_can_not_be_undone(self) -> None:
        job = self.finish()
        undone = self.undo(job)
        unenrolled = self.finish(operation=BulkOperation.UNENROLL)
        nothing_new = self.run_job(self.queue("nope", [DS]))
        for other in (undone, unenrolled, nothing_new, self.draft(), self.queue()):
            with self.assertRaises(BulkJobConflict):
                api.undo_bulk_job(other, acting_user=self.sam)

    def test_stopped_and_taken_over_it_still_undoes_each_once(self) -> None:
        job = self.finish(EIGHT)
        undo = api.confirm_bulk_job(api.undo_bulk_job(job, acting_user=self.tia), acting_user=self.tia)
        with self.assertRaises(SystemExit), small_chunks(before=at_chunk(2, mock.Mock(side_effect=SystemExit))):
            api.run_bulk_job(undo.pk)
        assert len(self.waiting()) == 4
        BulkEnrollmentJob.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
        self.run_job(undo)
        assert undo.counts == {"invitation_withdrawn": 8}
        assert ManualEnrollmentAudit.objects.count() == 16


class ReadTests(JobTestCase):
    """Who sees which job, and its rows."""

    def test_the_drafts_of_others_are_hidden(self) -> None:
        mine, others = self.draft(), self.draft(acting_user=self.tia)
        queued = api.confirm_bulk_job(self.draft(acting_user=self.tia), acting_user=self.tia)
        root = make_staff("root", is_superuser=True)
        assert set(api.visible_bulk_jobs(self.sam)) == {mine, queued}
        assert set(api.visible_bulk_jobs(root)) == {mine, others, queued}
        root.is_active = False
        assert set(api.visible_bulk_jobs(root)) == {queued}
        assert api.get_visible_bulk_job(self.sam, mine.uuid) == mine
        for uuid in (others.uuid, uuid4()):
            with self.assertRaises(BulkJobNotFound):
                api.get_visible_bulk_job(self.sam, uuid)

    def test_a_list_of_jobs_costs_two_queries(self) -> None:
        for _ in range(3):
            self.draft(EVERYBODY, [DS, WEB])
        with self.assertNumQueries(2):
            for job in api.visible_bulk_jobs(self.sam):
                assert job.author == self.sam
                assert len(job.learning_paths.all()) == 2

    def test_rows_by_group(self) -> None:
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        expected = {
            RowGroup.CHANGED: ["ana@example.com"],
            RowGroup.UNCHANGED: ["ben@example.com"],
            RowGroup.PENDING: ["ida@example.com", "new@example.com"],
            RowGroup.FAILURE: ["twin@example.com"],
            RowGroup.INVALID: ["nope", ""],
            RowGroup.NOT_DONE: [],
        }
        job = self.draft(f"{EVERYBODY} twin@example.com nope", [DS, NONE])
        for _ in range(2):
            with self.assertNumQueries(1 if job.state == JobState.DRAFT else 0):
                counts = api.bulk_job_counts(job)
            for group, emails in expected.items():
                with self.assertNumQueries(1):
                    rows = list(api.bulk_job_rows(job, group=group))
                    assert [row.email for row in rows] == emails, group
                    assert {str(row.learning_path.key) for row in rows if row.learning_path} <= {DS}
                assert counts[group] == len(emails)
            if job.state == JobState.DRAFT:
                job = api.confirm_bulk_job(job, acting_user=self.sam)
                assert api.bulk_job_counts(job)[RowGroup.NOT_DONE] == 5
                assert api.bulk_job_rows(job, group=RowGroup.NOT_DONE).count() == 5
                self.run_job(job)

    def test_search(self) -> None:
        job = self.draft(f"{EVERYBODY} An_a@example.org no%pe", [DS, NONE])

        def found(search: str, **kwargs: Any) -> list[str]:
            return [row.email or row.unknown_path for row in api.bulk_job_rows(job, search=search, **kwargs)]

        assert found(" AN ") == ["ana@example.com", "an_a@example.org"]
        assert found("ben") == ["ben@example.com"]
        assert found("example.org") == ["an_a@example.org"]
        assert found("_") == ["an_a@example.org"]
        assert found("%") == ["no%pe"]
        assert found("NONE+") == [NONE]
        assert found("zoe") == []
        assert found("example.com", group=RowGroup.PENDING) == ["ida@example.com", "new@example.com"]
        assert len(found(" ")) == 7
        User.objects.filter(pk=self.ana.pk).update(username="maria")
        job = self.draft()
        assert found("mari") == ["ana@example.com"]

    def test_abandoned_jobs(self) -> None:
        now = timezone.now()
        queued, waiting, running, dead = (self.queue() for _ in range(4))
        update = BulkEnrollmentJob.objects.filter
        update(pk=waiting.pk).update(modified=now - timedelta(seconds=61))
        update(pk=running.pk).update(state=JobState.RUNNING, heartbeat_at=now - timedelta(seconds=50))
        update(pk=dead.pk).update(state=JobState.RUNNING, heartbeat_at=now - timedelta(seconds=70))
        for other in (self.draft(), self.finish()):
            update(pk=other.pk).update(modified=now - timedelta(days=1), heartbeat_at=now - timedelta(days=1))
        assert api.abandoned_bulk_jobs(timedelta(seconds=60)) == [waiting, dead]
        assert api.abandoned_bulk_jobs(timedelta()) == [queued, waiting, dead]


class CsvTests(JobTestCase):
    """The result as a table."""

    def table(self, job: BulkEnrollmentJob) -> list[list[str]]:
        header, *rows = csv.reader("".join(api.job_csv(job)).splitlines())
        assert header == ["email address", "learning path", "enrollment status", "notes"]
        return rows

    def test_of_a_draft_what_is_planned_and_of_a_job_what_was_done(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=self.ben)
        job = self.draft("ana@example.com\nben@example.com\n=1+1@example.com\n@nope", [DS, "=x"])
        invalid = [
            ["'@nope", "", "invalid_email", "Line 4: This is not a valid e-mail address."],
            ["", "'=x", "learning_path_not_found", "There is no such learning path."],
        ]
        promised = "Will be enrolled as soon as an account with this address is activated."
        assert self.table(job) == [
            *invalid,
            ["ana@example.com", DS, "enrolled", "Will be enrolled."],
            ["ben@example.com", DS, "already_enrolled", "Is enrolled already."],
            ["'=1+1@example.com", DS, "invited", promised],
        ]
        job = api.confirm_bulk_job(job, acting_user=self.sam)
        assert self.table(job) == [
            *invalid,
            ["ana@example.com", DS, "not_done", "Not done yet."],
            ["ben@example.com", DS, "not_done", "Not done yet."],
            ["'=1+1@example.com", DS, "not_done", "Not done yet."],
        ]
        self.run_job(job)
        assert self.table(job) == [
            *invalid,
            ["ana@example.com", DS, "enrolled", "Enrolled."],
            ["ben@example.com", DS, "already_enrolled", "Was enrolled already."],
            ["'=1+1@example.com", DS, "invited", promised],
        ]
        with self.assertNumQueries(2):
            self.table(job)

    def test_it_is_what_the_same_without_a_job_writes(self) -> None:
        work = api.prepare_bulk(f"{EVERYBODY} nope", [DS, WEB, NONE])
        file = StringIO(newline="")
        api.write_csv(api.plan_bulk_enrollment(work), file, as_plan=True)
        assert "".join(api.job_csv(api.draft_bulk_job(work, acting_user=None))) == file.getvalue()


class CostTests(JobTestCase):
    """Queries do not grow with learners and paths. No more than 83 rows at a time: SQLite takes no more parameters."""

    def work(self, learners: int, paths: int) -> api.BulkWork:
        prefix = f"c{learners}x{paths}"
        people = [make_user(f"{prefix}-{number}").email for number in range(learners)]
        keys = [make_path(f"path-v1:{prefix}+P{number}+2026").key for number in range(paths)]
        return api.prepare_bulk([*people, f"new-{prefix}@example.com", f"{prefix}@"], keys)

    def test_drafting(self) -> None:
        for learners, paths in ((5, 1), (50, 1), (5, 3), (25, 3)):
            work = self.work(learners, paths)
            with self.assertNumQueries(12):
                # a savepoint set and released; whether the paths are there; the job; its paths, read and written; the
                # plan's four reads; the rows; their number
                api.draft_bulk_job(work, acting_user=self.sam)

    def test_running(self) -> None:
        for learners, paths in ((5, 1), (50, 1), (5, 3), (25, 3)):
            job = api.queue_bulk_job(self.work(learners, paths), acting_user=self.sam)
            with self.assertNumQueries(11 + 12):
                # the engine's, for which see test_bulk_enrollment. Of the job: it is taken, read, and its paths are; of
                # the chunk: read, its job held and read, its rows looked at, the outcomes and counts written; no chunk
                # is left, the outcomes are counted, the job ends
                assert api.run_bulk_job(job.pk) is None
            job.refresh_from_db()
            self.assert_adds_up(job)
            assert job.done == job.total == (learners + 1) * paths

    def test_each_further_chunk(self) -> None:
        numbers = []
        for addresses in (2, 4, 8):
            job = self.queue([f"q{addresses}-{number}@example.com" for number in range(addresses)])
            with small_chunks(), CaptureQueriesContext(connection) as queries:
                api.run_bulk_job(job.pk)
            numbers.append(len(queries))
        assert numbers[2] - numbers[1] == 2 * (numbers[1] - numbers[0])
