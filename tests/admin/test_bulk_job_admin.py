"""The pages of a bulk job, from the preview to its undoing, and the list of jobs."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client, TransactionTestCase, override_settings
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api
from learning_paths.data import BulkOperation, JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment, ManualEnrollmentAudit
from tests.admin.base import AdminTestCase, admin_url, confirm_fields, texts
from tests.factories import make_path, make_staff, make_user

MAY_ENROLL = ["add_bulkenrollmentjob", "add_learningpathenrollment"]


def page(name: str, job: BulkEnrollmentJob) -> str:
    return admin_url("bulkenrollmentjob", name, job.pk)


class BulkJobCase(AdminTestCase):
    """Sam has a path, and learners with and without accounts."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data <b>Science</b>")
        self.ana = make_user("ana", email="ana@x.org")
        self.ben = make_user("ben", email="ben@x.org")

    def draft(self, emails: str = "ana@x.org ben@x.org new@x.org nope", **options: Any) -> BulkEnrollmentJob:
        work = api.prepare_bulk(emails, [str(self.path.key)])
        return api.draft_bulk_job(work, reason="Cohort", acting_user=self.sam, **options)

    def finished(self, emails: str = "ana@x.org ben@x.org new@x.org nope", **options: Any) -> BulkEnrollmentJob:
        job = api.confirm_bulk_job(self.draft(emails, **options), acting_user=self.sam)
        api.run_bulk_job(job.pk)
        job.refresh_from_db()
        return job

    def press(self, button: str, job: BulkEnrollmentJob) -> Any:
        return self.client.post(page(button, job), confirm_fields(job), follow=True)


class PreviewTests(BulkJobCase):
    """A draft."""

    def test_the_preview_counts_and_explains_each_row(self) -> None:
        api.enroll(self.ben, self.path, acting_user=None)
        response = self.client.get(page("change", self.draft()))
        tiles = {tile.label: tile.count for tile in response.context["table"].tiles}
        assert tiles == {
            "all rows": 4,
            "will be enrolled": 1,
            "enrolled already": 1,
            "pending until they register": 1,
            "can't be enrolled": 0,
            "not valid": 1,
        }
        self.assertContains(response, "Line 1: This is not a valid e-mail address.")
        self.assertContains(response, "Is enrolled already.")
        self.assertContains(response, 'value="Enroll 1, invite 1"')
        self.assertContains(response, "Data &lt;b&gt;Science&lt;/b&gt;")
        self.assertNotContains(response, "<b>Science")

    def test_the_button_says_what_it_does(self) -> None:
        for emails, operation, label in [
            ("ana@x.org", BulkOperation.ENROLL, "Enroll 1"),
            ("new@x.org", BulkOperation.ENROLL, "Invite 1"),
            ("ana@x.org", BulkOperation.UNENROLL, "Unenroll 0"),
        ]:
            response = self.client.get(page("change", self.draft(emails, operation=operation)))
            self.assertContains(response, f'value="{label}"')
        self.assertContains(response, "disabled")

    def test_rows_are_filtered_searched_and_paged(self) -> None:
        job = self.draft(" ".join(f"p{n:03}@x.org" for n in range(250)) + " ana@x.org nope")
        address = page("change", job)
        shown = self.client.get(f"{address}?group=changed").context["table"].lines
        assert [line.row.email for line in shown] == ["ana@x.org"]
        shown = self.client.get(f"{address}?group=pending&page=3").context["table"]
        assert [line.row.email for line in shown.lines] == [f"p{n:03}@x.org" for n in range(200, 250)]
        assert shown.previous_query == "?group=pending&page=2"
        shown = self.client.get(f"{address}?q=P01").context["table"]
        assert [line.row.email for line in shown.lines] == [f"p{n:03}@x.org" for n in range(10, 20)]
        assert self.client.get(f"{address}?q=ANA").context["table"].lines[0].row.username == "ana"

    def test_senseless_queries_show_the_rows_all_the_same(self) -> None:
        address = page("change", self.draft())
        for query in ("group=x", "page=x", "page=-1", "page=99999999999999999999", "q=%00"):
            assert len(self.client.get(f"{address}?{query}").context["table"].lines) == 4

    def test_queries_do_not_grow_with_the_rows(self) -> None:
        few = self.draft()
        many = self.draft(" ".join(f"p{n}@x.org" for n in range(150)))
        assert self.count_queries(page("change", few)) == self.count_queries(page("change", many)) <= 16

    def test_the_preview_is_a_csv_too(self) -> None:
        response: Any = self.client.get(page("results", self.draft("ana@x.org =cmd nope")))
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert "preview.csv" in response["Content-Disposition"]
        assert b"".join(response.streaming_content).decode().splitlines() == [
            "email address,learning path,enrollment status,notes",
            "'=cmd,,invalid_email,Line 1: This is not a valid e-mail address.",
            "nope,,invalid_email,Line 1: This is not a valid e-mail address.",
            f"ana@x.org,{self.path.key},enrolled,Will be enrolled.",
        ]

    def test_a_draft_is_discarded(self) -> None:
        job = self.draft()
        response = self.press("discard", job)
        assert texts(response) == ["The draft was discarded. Nobody was enrolled or unenrolled."]
        assert not BulkEnrollmentJob.objects.exists()
        assert self.client.post(page("discard", job)).status_code == 404


class ConfirmTests(BulkJobCase):
    """Confirming a draft."""

    def test_a_small_job_is_done_at_once(self) -> None:
        job = self.draft()
        with patch("learning_paths.tasks.run_bulk_job.delay") as delay:
            response = self.press("confirm", job)
        delay.assert_not_called()
        self.assertContains(response, "The job is finished.")
        job.refresh_from_db()
        assert (job.state, job.counts) == (
            JobState.FINISHED,
            {"enrolled": 2, "invited": 1, "invalid_email": 1},
        )
        assert LearningPathEnrollment.objects.count() == 2
        audits = ManualEnrollmentAudit.objects.values_list("enrolled_by__username", "reason").distinct()
        assert list(audits) == [("sam", "Cohort")]

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=2)
    def test_a_large_one_goes_to_the_workers(self) -> None:
        job = self.draft()
        with patch("learning_paths.tasks.run_bulk_job.delay") as delay, self.captureOnCommitCallbacks(execute=True):
            response = self.press("confirm", job)
        delay.assert_called_once_with(job.pk)
        self.assertContains(response, "0 of 3 rows · waiting for a worker")
        self.assertContains(response, "You may close this page")
        self.assertContains(response, 'http-equiv="refresh"')

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=2)
    def test_a_broker_that_is_down_loses_nothing(self) -> None:
        job = self.draft()
        with (
            patch("learning_paths.tasks.run_bulk_job.delay", side_effect=BrokerError),
            self.captureOnCommitCallbacks(execute=True),
        ):
            self.press("confirm", job)
        job.refresh_from_db()
        assert job.state == JobState.QUEUED

    def test_a_second_press_changes_nothing_and_says_so(self) -> None:
        job = self.draft()
        self.press("confirm", job)
        response = self.press("confirm", job)
        assert texts(response) == ["The job is not in a state in which that could be done."]
        assert ManualEnrollmentAudit.objects.count() == 3

    def test_following_a_link_confirms_nothing(self) -> None:
        job = self.draft()
        for button in ("confirm", "discard", "cancel", "resume", "retry", "undo"):
            self.assertRedirects(self.client.get(page(button, job)), page("change", job))
        job.refresh_from_db()
        assert job.state == JobState.DRAFT

    def test_a_foreign_page_can_not_press_buttons(self) -> None:
        job = self.draft()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.sam)
        assert strict.post(page("confirm", job)).status_code == 403
        assert not LearningPathEnrollment.objects.exists()

    def test_the_history_of_job_and_path_tells_of_it(self) -> None:
        job = self.draft()
        self.press("confirm", job)
        told = set(LogEntry.objects.values_list("content_type__model", "change_message"))
        assert ("bulkenrollmentjob", "Confirmed.") in told
        [(_model, message)] = [entry for entry in told if entry[0] == "learningpath"]
        assert f"Bulk job {job.pk} (enroll)" in message
        self.assertContains(self.client.get(page("history", job)), "Confirmed.")


class RunningTests(BulkJobCase):
    """A job that is not over, and one that is."""

    def test_progress_is_told_to_the_script(self) -> None:
        job = api.confirm_bulk_job(self.draft(), acting_user=self.sam)
        told = self.client.get(page("progress", job)).json()
        assert (told["state"], told["percent"], told["is_over"]) == ("queued", 0, False)
        assert told["counts"]["not_done"] == "3"

    def test_a_waiting_job_is_cancelled(self) -> None:
        job = api.confirm_bulk_job(self.draft(), acting_user=self.sam)
        response = self.press("cancel", job)
        assert texts(response) == ["The job was cancelled. What was done before stays done."]
        self.assertContains(response, "Not done: the job was cancelled.")
        self.assertContains(response, "Retry what failed or was not done")
        assert texts(self.press("cancel", job)) == ["The job is not in a state in which that could be done."]
        assert not LearningPathEnrollment.objects.exists()

    def test_a_failed_job_is_resumed(self) -> None:
        job = api.confirm_bulk_job(self.draft(), acting_user=self.sam)
        BulkEnrollmentJob.objects.update(state=JobState.FAILED)
        self.assertContains(self.client.get(page("change", job)), 'value="Resume"')
        with self.captureOnCommitCallbacks(execute=True):
            self.press("resume", job)
        job.refresh_from_db()
        assert job.state == JobState.FINISHED

    def test_failed_rows_are_retried(self) -> None:
        make_user("ana2", email="ANA@x.org")
        job = self.finished()
        assert job.counts["ambiguous_email"] == 1
        response = self.press("retry", job)
        draft = BulkEnrollmentJob.objects.latest("pk")
        assert [(row.email, row.planned) for row in draft.rows.all()] == [("ana@x.org", "ambiguous_email")]
        self.assertContains(response, "Nothing would change for anybody.")
        self.assertNotContains(response, "Back to the form")
        assert self.client.get(page("edit", draft)).status_code == 302

    def test_a_job_without_failures_offers_no_retry(self) -> None:
        job = self.finished()
        self.assertNotContains(self.client.get(page("change", job)), "Retry")
        assert texts(self.press("retry", job)) == ["The job has no rows for which that could be done."]

    def test_a_job_is_undone_but_for_what_changed_since(self) -> None:
        job = self.finished()
        api.unenroll(self.ben, self.path, acting_user=self.ben)
        api.enroll(self.ben, self.path, acting_user=self.ben)
        response = self.press("undo", job)
        self.assertContains(response, 'value="Undo 2 changes"')
        draft = BulkEnrollmentJob.objects.latest("pk")
        response = self.press("confirm", draft)
        self.assertContains(response, "Has changed since then, and is left as it is.")
        active = LearningPathEnrollment.objects.filter(is_active=True).values_list("user__username", flat=True)
        assert list(active) == ["ben"]
        self.assertContains(self.client.get(page("change", job)), "Undone by")

    def test_an_unenrolling_job_offers_no_undoing(self) -> None:
        job = self.finished(operation=BulkOperation.UNENROLL)
        self.assertNotContains(self.client.get(page("change", job)), "Undo this job")
        assert texts(self.press("undo", job)) == ["The job has no rows for which that could be done."]


class PermissionTests(BulkJobCase):
    """Who sees and does what."""

    def test_without_any_permission_there_is_nothing(self) -> None:
        job = self.finished()
        self.log_in_with("view_learningpath")
        for name in ("change", "results", "progress", "edit"):
            assert self.client.get(page(name, job)).status_code == 403
        assert self.client.get(admin_url("bulkenrollmentjob", "changelist")).status_code == 403
        assert self.client.post(page("undo", job)).status_code == 403

    def test_who_may_look_only_has_no_buttons_and_no_power(self) -> None:
        job = self.finished()
        self.log_in_with("view_bulkenrollmentjob")
        response = self.client.get(page("change", job))
        self.assertNotContains(response, "Undo this job")
        for button in ("confirm", "cancel", "retry", "undo", "resume", "discard"):
            assert self.client.post(page(button, job)).status_code == 403
        self.assertNotContains(self.client.get(admin_url("bulkenrollmentjob", "changelist")), "Bulk enroll</a>")

    def test_who_may_enroll_sees_their_own_jobs_and_can_not_undo(self) -> None:
        others = self.finished()
        vera = self.log_in_with(*MAY_ENROLL)
        assert self.client.get(page("change", others)).status_code == 404
        self.sam = vera
        own = self.finished("chloe@x.org")
        response = self.client.get(page("change", own))
        self.assertNotContains(response, "Undo this job")
        assert self.client.post(page("undo", own)).status_code == 403
        jobs = self.client.get(admin_url("bulkenrollmentjob", "changelist")).context["cl"].result_list
        assert list(jobs) == [own]

    def test_nobody_edits_or_deletes_a_job(self) -> None:
        job = self.finished()
        assert self.client.get(page("delete", job)).status_code == 403
        before = self.client.get(page("change", job))
        self.client.post(page("change", job), {"state": "draft"})
        job.refresh_from_db()
        assert (before.status_code, job.state) == (200, JobState.FINISHED)

    def test_malformed_and_missing_jobs_are_404(self) -> None:
        for text in ("abc", "99999", "1_0"):
            for name in ("change", "edit", "progress", "results"):
                assert self.client.get(admin_url("bulkenrollmentjob", name, text)).status_code == 404


class ListTests(BulkJobCase):
    """The trail of who did what in bulk."""

    def test_jobs_are_listed_found_and_filtered(self) -> None:
        job = self.finished()
        draft = self.draft()
        address = admin_url("bulkenrollmentjob", "changelist")
        response = self.client.get(address)
        self.assertContains(response, f"Job {job.pk}")
        self.assertContains(response, "3 of 3")
        for query, expected in [
            ("state__exact=draft", [draft]),
            ("operation__exact=unenroll", []),
            ("q=sam", [draft, job]),
            ("q=DS101", [draft, job]),
            ("q=nobody", []),
        ]:
            assert list(self.client.get(f"{address}?{query}").context["cl"].result_list) == expected, query

    def test_queries_do_not_grow_with_the_jobs(self) -> None:
        self.finished()
        address = admin_url("bulkenrollmentjob", "changelist")
        few = self.count_queries(address)
        for _ in range(4):
            self.finished()
        assert self.count_queries(address) == few


class OutsideOfTheRequestsTransactionTests(TransactionTestCase):
    """A confirmed job is no part of the request's transaction, which the site's ATOMIC_REQUESTS opens."""

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
    def test_what_is_done_stays_done_though_the_answer_fails(self) -> None:
        vera = make_staff("vera")
        vera.user_permissions.set(Permission.objects.filter(codename__in=MAY_ENROLL))
        path = make_path()
        draft = api.draft_bulk_job(api.prepare_bulk("a@x.org b@x.org", [str(path.key)]), acting_user=vera)
        client = Client(raise_request_exception=False)
        client.force_login(vera)
        with patch("learning_paths.admin.bulk_job.HttpResponseRedirect", side_effect=RuntimeError):
            assert client.post(page("confirm", draft), confirm_fields(draft)).status_code == 500
        draft.refresh_from_db()
        assert (draft.state, draft.done) == (JobState.FINISHED, 2)
