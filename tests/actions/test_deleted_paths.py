"""A learning path is deleted under bulk jobs: their rows stay, say so, and add up."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import ddt
from django.core import mail
from django.db import connection
from django.db.models import SET_NULL
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.data import BulkOperation, JobState, NoticeState, RowCode, RowGroup
from learning_paths.exceptions import BulkJobChanged, BulkJobConflict
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPath, LearningPathEnrollmentAllowed
from tests.actions.test_bulk_jobs import DS, EIGHT, WEB, JobTestCase, at_chunk, codes, small_chunks
from tests.factories import make_path, make_plan

DELETED = RowCode.PATH_DELETED
SINCE = "The learning path has been deleted since."


def anew(job: BulkEnrollmentJob) -> BulkEnrollmentJob:
    return BulkEnrollmentJob.objects.get(pk=job.pk)


def told(job: BulkEnrollmentJob) -> list[tuple[str, str, str, str]]:
    """What the job's CSV tells: address, path, code and words."""
    _header, *rows = csv.reader(api.job_csv(anew(job)))
    return [(email, path, code, words) for email, path, code, words in rows]


class DraftTests(JobTestCase):
    """The path of a draft is deleted."""

    def test_the_rows_stay_and_say_so(self) -> None:
        draft = self.draft(["ana@example.com", "nope"], [DS, WEB])
        self.web.delete()
        job = anew(draft)
        self.assert_adds_up(job)
        assert (job.total, job.rows.count(), job.deleted_paths) == (2, 3, [WEB])
        assert told(job) == [
            ("nope", "", "invalid_email", "Line 2: This is not a valid e-mail address."),
            ("ana@example.com", DS, "enrolled", "Will be enrolled."),
            ("ana@example.com", WEB, "path_deleted", "Nothing: the learning path has been deleted."),
        ]
        assert api.bulk_job_counts(job)[RowGroup.FAILURE] == 1
        assert api.bulk_job_counts(job)[RowGroup.CHANGED] == 1

    def test_it_is_not_confirmed_as_if_nothing_had_happened(self) -> None:
        draft = self.draft(EIGHT, [DS, WEB])
        self.web.delete()
        with self.assertRaises(BulkJobChanged):
            api.confirm_bulk_job(draft, acting_user=self.sam)
        job = self.confirm_and_run(anew(draft))
        assert (job.state, job.total, job.percent) == (JobState.FINISHED, 16, 100)
        assert job.counts == {"invited": 8, "path_deleted": 8}

    def test_with_nothing_left_to_do_it_is_not_confirmed_at_all(self) -> None:
        draft = self.draft([*EIGHT, "nope"], [WEB])
        LearningPath.objects.filter(pk=self.web.pk).delete()
        with self.assertRaisesMessage(BulkJobConflict, "Nothing is left to do: the learning paths have been deleted."):
            api.confirm_bulk_job(anew(draft), acting_user=self.sam)
        assert anew(draft).state == JobState.DRAFT

    def test_made_anew_it_forgets_them(self) -> None:
        draft = self.draft(EIGHT, [DS, WEB])
        self.web.delete()
        job = self.draft(EIGHT, [DS], replaces=draft)
        assert (job.deleted_paths, job.total, job.rows.count()) == ([], 8, 8)
        assert self.confirm_and_run(job).counts == {"invited": 8}

    def test_a_path_that_is_gone_before_the_draft_is_stored(self) -> None:
        work = api.prepare_bulk(EIGHT, [DS, WEB])
        self.web.delete()
        for store in (api.draft_bulk_job, api.queue_bulk_job):
            with self.assertRaisesMessage(BulkJobConflict, "One of the learning paths was deleted meanwhile."):
                store(work, acting_user=self.sam)
        assert not BulkEnrollmentJob.objects.exists()


@ddt.ddt
class RunTests(JobTestCase):
    """The path of a job is deleted."""

    @ddt.data(0, 1, 3)
    def test_in_the_middle_of_the_run(self, chunk: int) -> None:
        job = self.queue(EIGHT, [DS, WEB])
        with small_chunks(before=at_chunk(chunk, self.web.delete)):
            self.run_job(job)
        assert (job.state, job.total, job.percent) == (JobState.FINISHED, 16, 100)
        assert codes(job) == dict.fromkeys([(email, DS) for email in EIGHT], "invited")
        done = 2 * chunk
        of_web = [row[2:] for row in told(job) if row[1] == WEB]
        assert len(of_web) == 8
        assert [code for code, _words in of_web] == ["invited"] * done + ["path_deleted"] * (8 - done)
        assert [words.endswith(SINCE) for _code, words in of_web] == [True] * done + [False] * (8 - done)
        assert job.counts == {"invited": 8 + done, "path_deleted": 8 - done}

    def test_all_of_it_before_the_run(self) -> None:
        job = self.queue(EIGHT, [WEB])
        self.web.delete()
        job.refresh_from_db()
        assert (job.done, job.total) == (8, 8)
        self.run_job(job)
        assert (job.state, job.counts, job.percent) == (JobState.FINISHED, {"path_deleted": 8}, 100)

    def test_when_it_is_over_what_was_done_stays_written(self) -> None:
        job = self.finish(["ana@example.com", "new@example.com", "nope"], [DS, WEB])
        counts = job.counts
        self.web.delete()
        job = anew(job)
        self.assert_adds_up(job)
        assert (job.counts, job.total, job.rows.count()) == (counts, 4, 5)
        assert told(job)[2] == ("ana@example.com", WEB, "enrolled", f"Enrolled. {SINCE}")
        assert told(job)[1] == ("ana@example.com", DS, "enrolled", "Enrolled.")

    def test_what_a_cancelled_job_had_not_done(self) -> None:
        job = self.queue(EIGHT, [DS, WEB])
        with small_chunks(before=at_chunk(2, lambda: api.cancel_bulk_job(job))):
            self.run_job(job)
        self.web.delete()
        job = anew(job)
        self.assert_adds_up(job)
        assert job.counts == {"invited": 8, "path_deleted": 4}
        assert job.count_group(RowGroup.NOT_DONE) == 4

    def test_what_cannot_be_told_apart_by_its_text_is_found_by_it(self) -> None:
        job = self.finish(EIGHT, [DS, WEB])
        self.web.delete()
        assert api.bulk_job_rows(anew(job), search="+WEB+").count() == 8

    def test_every_road(self) -> None:
        roads: list[Callable[[LearningPath], Any]] = [
            lambda path: path.delete(),
            lambda path: LearningPath.objects.filter(pk=path.pk).delete(),
            lambda path: LearningPath.objects.filter(pk__in=[path.pk, make_path("path-v1:a+b+two").pk]).delete(),
        ]
        for number, delete in enumerate(roads):
            path = make_path(f"path-v1:DemoX+Road{number}+2026")
            jobs = [self.draft(EIGHT, [path.key]), self.queue(EIGHT, [path.key])]
            delete(path)
            for job in jobs:
                assert list(job.rows.values_list("unknown_path", "code").distinct()) == [(str(path.key), DELETED)]

    def test_a_key_as_long_as_keys_may_be(self) -> None:
        key = f"path-v1:DemoX+{'x' * 235}+2026"
        assert len(key) == 254
        path = make_path(f"{key}7")
        job = self.queue(EIGHT, [path.key])
        path.delete()
        assert {row[1] for row in told(job)} == {f"{key}7"}

    def test_its_cost_grows_neither_with_rows_nor_with_jobs(self) -> None:
        counts = []
        for number, (learners, jobs) in enumerate([(2, 1), (80, 1), (2, 4)]):
            path = make_path(f"path-v1:DemoX+Cost{number}+2026")
            for _ in range(jobs):
                self.queue([f"c{learner}@example.com" for learner in range(learners)], [path.key])
            with CaptureQueriesContext(connection) as queries:
                path.delete()
            counts.append(len(queries))
        assert len(set(counts)) == 1, counts

    def test_a_draft_that_keeps_a_file_only(self) -> None:
        draft = api.draft_bulk_job(api.prepare_bulk([], [WEB]), file_name="a.csv", acting_user=self.sam)
        self.web.delete()
        assert anew(draft).deleted_paths == [WEB]


class AfterwardsTests(JobTestCase):
    """Retrying and undoing a job whose path is gone by now."""

    def test_retrying_says_what_can_not_be_done_again(self) -> None:
        job = self.queue(EIGHT, [DS, WEB])
        job.rows.update(code=RowCode.NOT_SAVED)
        BulkEnrollmentJob.objects.update(state=JobState.FINISHED, counts={"not_saved": 16})
        self.web.delete()
        again = api.retry_bulk_job(job, acting_user=self.tia)
        self.assert_adds_up(again)
        assert (again.total, again.counts, again.deleted_paths) == (16, {"path_deleted": 8}, [WEB])
        assert self.confirm_and_run(again).counts == {"path_deleted": 8, "invited": 8}
        with self.assertRaises(BulkJobConflict):
            api.retry_bulk_job(again, acting_user=self.tia)

    def test_retrying_what_is_gone_altogether(self) -> None:
        job = self.queue(EIGHT, [WEB])
        job.rows.update(code=RowCode.NOT_SAVED)
        BulkEnrollmentJob.objects.update(state=JobState.FINISHED)
        self.web.delete()
        with self.assertRaisesMessage(BulkJobConflict, "Nothing is left to do: the learning paths have been deleted."):
            api.retry_bulk_job(job, acting_user=self.tia)

    def test_undoing_leaves_nothing_of_it_out(self) -> None:
        job = self.finish(["ana@example.com", "new@example.com"], [DS, WEB])
        self.web.delete()
        undo = api.undo_bulk_job(job, acting_user=self.tia)
        assert sorted(told(undo)) == [
            ("ana@example.com", DS, "unenrolled", "Will be unenrolled."),
            ("ana@example.com", WEB, "path_deleted", "Nothing: the learning path has been deleted."),
            ("new@example.com", DS, "invitation_withdrawn", "The invitation will be withdrawn."),
            ("new@example.com", WEB, "path_deleted", "Nothing: the learning path has been deleted."),
        ]
        undone = self.confirm_and_run(undo)
        assert undone.operation == BulkOperation.UNDO
        assert undone.counts == {"path_deleted": 2, "unenrolled": 1, "invitation_withdrawn": 1}

    def test_a_path_that_is_deleted_under_an_undoing(self) -> None:
        undo = api.undo_bulk_job(self.finish(EIGHT, [DS, WEB]), acting_user=self.tia)
        self.web.delete()
        assert self.confirm_and_run(anew(undo)).counts == {"invitation_withdrawn": 8, "path_deleted": 8}
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()

    def test_undoing_what_is_gone_altogether(self) -> None:
        job = self.finish(EIGHT, [WEB])
        self.web.delete()
        with self.assertRaisesMessage(BulkJobConflict, "Nothing is left to do: the learning paths have been deleted."):
            api.undo_bulk_job(job, acting_user=self.tia)


class NoticeTests(JobTestCase):
    """Learners of a job are to be told, and its path is deleted before they are."""

    def tell(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        while api.send_job_notices(job.pk):
            pass
        return anew(job)

    def test_nobody_is_told_of_nothing(self) -> None:
        work = api.prepare_bulk("ana@example.com, ben@example.com", [DS, WEB])
        job = self.finish("ana@example.com, ben@example.com", [WEB], notify=True)
        both = api.queue_bulk_job(work, notify=True, acting_user=self.sam)
        api.run_bulk_job(both.pk)
        self.web.delete()
        job = self.tell(job)
        assert mail.outbox == []
        assert (job.notices_total, job.notices_withheld, job.notices_unknown, job.notices_left) == (2, 2, 0, 0)
        assert set(job.rows.values_list("notice", flat=True)) == {NoticeState.WITHHELD}
        both = self.tell(both)
        assert (both.notices_sent, both.notices_unknown) == (2, 0)
        assert all("WEB" not in str(message.body) for message in mail.outbox)

    def test_of_a_request(self) -> None:
        report = api.bulk_enroll(api.prepare_bulk("ana@example.com", [WEB]), acting_user=self.sam)
        self.web.delete()
        assert api.send_notices(api.notices_of(report)).withheld == ("ana@example.com",)
        assert mail.outbox == []


class OthersTests(JobTestCase):
    """What else may be deleted under a job, and is not to be missing from its rows."""

    def test_no_row_of_a_job_goes_along_with_anything_but_the_job(self) -> None:
        cascading = [
            field.name
            for field in BulkEnrollmentRow._meta.concrete_fields
            if field.remote_field is not None and field.remote_field.on_delete is not SET_NULL
        ]
        assert cascading == ["job"]
        assert [
            field.name
            for field in BulkEnrollmentJob._meta.concrete_fields
            if field.remote_field is not None and field.remote_field.on_delete is not SET_NULL
        ] == []

    def test_a_learner(self) -> None:
        job = self.finish("ana@example.com", [DS])
        self.ana.delete()
        assert told(job) == [("ana@example.com", DS, "enrolled", "Enrolled.")]
        undo = api.undo_bulk_job(job, acting_user=self.tia)
        assert self.confirm_and_run(undo).counts == {"changed_since": 1}

    def test_the_author_of_a_draft(self) -> None:
        draft = self.draft("ana@example.com", [DS])
        self.sam.delete()
        assert self.confirm_and_run(anew(draft)).author == self.tia

    def test_a_subscription_plan(self) -> None:
        """Then nobody has a valid license of it: a row each, and no job that can never end."""
        plan = make_plan()
        plan.learning_paths.add(self.ds)
        api.assign_licenses(plan, ["ana@example.com"], acting_user=self.sam)
        work = api.license_gate(api.prepare_bulk("ana@example.com", [DS]), plan.uuid)
        job = api.queue_bulk_job(work, acting_user=self.sam)
        plan.delete()
        self.run_job(job)
        assert (job.state, job.counts) == (JobState.FINISHED, {"license_not_valid": 1})
