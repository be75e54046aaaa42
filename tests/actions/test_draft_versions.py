"""What is confirmed is what was previewed: a draft that changed since is refused."""

from __future__ import annotations

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.exceptions import BulkJobChanged, BulkJobConflict
from learning_paths.models import BulkEnrollmentJob
from tests.actions.test_bulk_jobs import DS, EIGHT, WEB, JobTestCase, nothing_is_written

CHANGED = "The draft has changed since you looked at it. Look through it again, then confirm."


class VersionTests(JobTestCase):
    """Sam looks at a draft; somebody makes another one of it."""

    def setUp(self) -> None:
        super().setUp()
        self.seen = self.draft("ana@example.com")

    def redraft(self, emails: object = EIGHT) -> BulkEnrollmentJob:
        return self.draft(emails, [DS, WEB], replaces=self.seen, acting_user=self.tia)

    def test_the_first_is_the_first(self) -> None:
        assert self.seen.version == 1
        assert api.confirm_bulk_job(self.seen, version=1, acting_user=self.sam).state == JobState.QUEUED

    def test_each_preview_has_its_own(self) -> None:
        assert [self.redraft().version for _ in range(3)] == [2, 3, 4]
        assert self.redraft("ana@example.com").version == 5, "also one that looks like the first"

    def test_a_preview_that_is_none_any_more_confirms_nothing(self) -> None:
        job = self.redraft()
        for version in (None, 0, 1, 3, 10**9):
            with self.assertRaisesMessage(BulkJobChanged, CHANGED):
                api.confirm_bulk_job(self.seen, version=version, acting_user=self.sam)
        job.refresh_from_db()
        assert job.state == JobState.DRAFT
        assert nothing_is_written()
        assert api.confirm_bulk_job(self.seen, version=2, acting_user=self.sam).state == JobState.QUEUED

    def test_a_file_that_is_kept_while_the_form_is_mended_counts_too(self) -> None:
        work = api.prepare_bulk([], [DS])
        draft = api.draft_bulk_job(work, file_name="a.csv", replaces=self.seen, acting_user=self.sam)
        assert draft.version == 2

    def test_one_that_is_confirmed_already_says_so(self) -> None:
        api.confirm_bulk_job(self.seen, acting_user=self.tia)
        with self.assertRaises(BulkJobConflict) as caught:
            api.confirm_bulk_job(self.seen, version=7, acting_user=self.sam)
        assert not isinstance(caught.exception, BulkJobChanged)

    def test_drafts_that_follow_a_job_have_them(self) -> None:
        job = self.finish()
        undo = api.undo_bulk_job(job, acting_user=self.sam)
        self.ds.delete()
        with self.assertRaises(BulkJobChanged):
            api.confirm_bulk_job(undo, version=undo.version, acting_user=self.sam)
