"""Two tabs, two authors, one draft: nobody confirms what nobody has seen."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import ddt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathEnrollment
from tests.admin.base import admin_url, texts
from tests.admin.test_bulk_job_admin import BulkJobCase, page
from tests.factories import make_path, make_staff

CHANGED = ["The draft has changed since you looked at it. Look through it again, then confirm."]


@ddt.ddt
class TabsTests(BulkJobCase):
    """Sam has a draft open in a tab."""

    def setUp(self) -> None:
        super().setUp()
        self.job = self.draft("ana@x.org")
        self.shown = self.client.get(page("change", self.job)).content.decode()

    def confirm(self, html: str, client: Client | None = None) -> Any:
        """Press the button of a page that was shown before."""
        [form] = re.findall(r'<form method="post" action="[^"]*/confirm/">.*?</form>', html, re.DOTALL)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        assert "version" in fields
        return (client or self.client).post(page("confirm", self.job), fields, follow=True)

    def redraft(self, emails: str, client: Client | None = None) -> None:
        data = {"learning_paths": [self.path.pk], "emails": emails, "reason": "Cohort"}
        response = (client or self.client).post(page("edit", self.job), data)
        assert response["Location"] == page("change", self.job)

    def test_as_it_was_shown_it_is_done(self) -> None:
        self.assertContains(self.confirm(self.shown), "The job is finished.")
        assert LearningPathEnrollment.objects.get().user == self.ana

    def test_another_tab_made_another_draft_of_it(self) -> None:
        self.redraft("ben@x.org")
        response = self.confirm(self.shown)
        assert texts(response) == CHANGED
        assert not LearningPathEnrollment.objects.exists()
        self.assertContains(response, "ben@x.org")
        self.confirm(response.content.decode())
        assert LearningPathEnrollment.objects.get().user == self.ben

    def test_another_author_did(self) -> None:
        other = Client()
        other.force_login(make_staff("sue", is_superuser=True))
        self.redraft("ben@x.org", other)
        assert texts(self.confirm(self.shown)) == CHANGED
        assert not LearningPathEnrollment.objects.exists()

    def test_a_learning_path_of_it_was_deleted(self) -> None:
        web = make_path("path-v1:DemoX+WEB+2026", display_name="Web")
        self.job = api.draft_bulk_job(
            api.prepare_bulk("ana@x.org", [self.path.key, web.key]), replaces=self.job, acting_user=self.sam
        )
        shown = self.client.get(page("change", self.job)).content.decode()
        self.client.post(admin_url("learningpath", "delete", web.pk), {"post": "yes"}, follow=True)
        assert not LearningPath.objects.filter(pk=web.pk).exists()
        response = self.confirm(shown)
        assert texts(response) == CHANGED
        self.assertContains(response, "Nothing: the learning path has been deleted.")
        self.assertContains(response, "path-v1:DemoX+WEB+2026")
        tiles = {tile.label: tile.count for tile in response.context["table"].tiles}
        assert (tiles["all rows"], tiles["will be enrolled"], tiles["can't be enrolled"]) == (2, 1, 1)

    @ddt.data("", "x", "-1", "1.0", "²", "9" * 5000, "\0", "None")
    def test_what_no_page_shows_confirms_nothing(self, version: str) -> None:
        response = self.client.post(page("confirm", self.job), {"version": version}, follow=True)
        assert texts(response) == CHANGED
        self.job.refresh_from_db()
        assert self.job.state == JobState.DRAFT
        assert texts(self.client.post(page("confirm", self.job), follow=True)) == CHANGED

    def test_undoing_and_retrying_carry_it_too(self) -> None:
        self.confirm(self.shown)
        self.client.post(page("undo", self.job))
        self.job = BulkEnrollmentJob.objects.get(state=JobState.DRAFT)
        self.confirm(self.client.get(page("change", self.job)).content.decode())
        assert not LearningPathEnrollment.objects.filter(is_active=True).exists()

    @ddt.data(api.confirm_bulk_job, api.discard_bulk_job)
    def test_a_draft_that_is_none_any_more_when_its_form_is_sent(self, end: Any) -> None:
        """Another tab confirms or discards it while this one's form, with a file, is read."""
        options = {"acting_user": self.sam} if end is api.confirm_bulk_job else {}
        prepare = api.prepare_bulk

        def ended_first(*args: Any) -> Any:
            with mock.patch.object(api, "prepare_bulk", prepare):
                if BulkEnrollmentJob.objects.filter(pk=self.job.pk, state=JobState.DRAFT).exists():
                    end(self.job, **options)
            return prepare(*args)

        data = {"learning_paths": [self.path.pk], "reason": "Cohort", "file": SimpleUploadedFile("a.csv", b"ben@x.org")}
        with mock.patch.object(api, "prepare_bulk", ended_first):
            response = self.client.post(page("edit", self.job), data)
        self.assertContains(response, "The job is not in a state in which that could be done.")
