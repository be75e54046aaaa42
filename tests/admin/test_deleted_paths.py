"""The pages of jobs whose learning path was deleted."""

from __future__ import annotations

from unittest import mock

from learning_paths import api
from learning_paths.models import BulkEnrollmentJob, LearningPath
from tests.admin.base import admin_url, texts
from tests.admin.test_bulk_job_admin import BulkJobCase, page
from tests.factories import make_path

KEY = "path-v1:DemoX+WEB+2026"


class DeletedPathTests(BulkJobCase):
    """Web is deleted under jobs."""

    def setUp(self) -> None:
        super().setUp()
        self.web = make_path(KEY, display_name="Web")

    def work(self, *keys: str) -> api.BulkWork:
        return api.prepare_bulk("ana@x.org ben@x.org", keys)

    def test_the_list_s_action_deletes_it_and_the_draft_says_so(self) -> None:
        draft = api.draft_bulk_job(self.work(KEY), acting_user=self.sam)
        data = {"action": "delete_selected", "_selected_action": [self.web.pk], "post": "yes"}
        self.client.post(admin_url("learningpath", "changelist"), data)
        assert not LearningPath.objects.filter(key=KEY).exists()
        response = self.client.get(page("change", draft))
        self.assertContains(response, "Nothing would change for anybody.")
        self.assertContains(response, "Nothing: the learning path has been deleted.", count=2)
        self.assertContains(response, f"<small>{KEY}</small> (deleted)")
        assert "disabled" in response.content.decode().split('class="default"')[1].split(">")[0]

    def test_the_question_whether_to_delete_names_no_rows(self) -> None:
        api.draft_bulk_job(self.work(KEY), acting_user=self.sam)
        response = self.client.get(admin_url("learningpath", "delete", self.web.pk))
        self.assertNotContains(response, "ana@x.org")
        assert api.bulk_job_rows(BulkEnrollmentJob.objects.get()).filter(learning_path=self.web).count() == 2

    def test_a_job_that_is_over_still_tells_what_it_did(self) -> None:
        job = api.queue_bulk_job(self.work(KEY, str(self.path.key)), acting_user=self.sam)
        api.run_bulk_job(job.pk)
        self.web.delete()  # at a shell: the admin keeps a path with enrollments
        response = self.client.get(page("change", job))
        tiles = {tile.label: tile.count for tile in response.context["table"].tiles}
        assert (tiles["all rows"], tiles["enrolled"], tiles["failed"]) == (4, 4, 0)
        self.assertContains(response, "Enrolled. The learning path has been deleted since.", count=2)
        self.assertContains(response, KEY)
        lines = b"".join(self.client.get(page("results", job))).decode().splitlines()
        assert f"ana@x.org,{KEY},enrolled,Enrolled. The learning path has been deleted since." in lines
        self.assertContains(self.client.get(admin_url("bulkenrollmentjob", "changelist"), {"q": "+WEB+"}), KEY)

    def test_what_can_not_be_retried_is_not_offered(self) -> None:
        job = api.queue_bulk_job(self.work(KEY), acting_user=self.sam)
        self.web.delete()
        api.run_bulk_job(job.pk)
        response = self.client.get(page("change", job))
        self.assertContains(response, "The learning path was deleted before this was done.", count=2)
        self.assertNotContains(response, "Retry")

    def test_undoing_what_is_gone_says_so(self) -> None:
        job = api.queue_bulk_job(self.work(KEY), acting_user=self.sam)
        api.run_bulk_job(job.pk)
        self.web.delete()
        response = self.client.post(page("undo", job), follow=True)
        assert texts(response) == ["Nothing is left to do: the learning paths have been deleted."]

    def test_a_path_that_is_deleted_while_the_form_is_filled_in(self) -> None:
        add = admin_url("bulkenrollmentjob", "add")
        real = api.license_gate

        def delete_first(work: api.BulkWork, *args: object, **kwargs: object) -> api.BulkWork:
            self.web.delete()
            return real(work, None)

        data = {"learning_paths": [self.web.pk], "emails": "ana@x.org", "reason": "Cohort"}
        with mock.patch.object(api, "license_gate", delete_first):
            response = self.client.post(add, data)
        self.assertContains(response, "One of the learning paths was deleted meanwhile.")
