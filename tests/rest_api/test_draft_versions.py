"""Confirming over REST what was looked at, and what is told of learning paths that were deleted since."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.test import override_settings

from learning_paths import api
from learning_paths.models import BulkEnrollmentJob, LearningPath
from learning_paths.rest_api.v1 import bulk_views
from tests.factories import make_path
from tests.rest_api.base import OPEN
from tests.rest_api.test_bulk_jobs import ENROLL_URL, JobTestCase

CONFIRM = "{uuid}/confirm/"
CHANGED = "The draft has changed since you looked at it. Look through it again, then confirm."
KEY = "path-v1:Alpha+A1+2026"


@ddt.ddt
class VersionTests(JobTestCase):
    """Sam has a draft, which somebody makes anew."""

    def setUp(self) -> None:
        super().setUp()
        self.draft = self.job("draft")

    def redraft(self) -> None:
        work = api.prepare_bulk("ben@example.com", [OPEN])
        api.draft_bulk_job(work, replaces=self.draft, acting_user=self.people["sam"])

    def version(self) -> Any:
        return self.assert_json(self.ask("get", "{uuid}/", self.draft), 200)["version"]

    @ddt.data("json", "multipart")
    def test_what_was_looked_at_is_confirmed(self, form: str) -> None:
        assert self.version() == 1
        self.redraft()
        assert self.version() == 2
        answer = self.ask("post", CONFIRM, self.draft, data={"version": 2}, format=form)
        assert self.assert_json(answer, 202)["state"] == "queued"

    @ddt.data(1, "1", 3, 10**30)
    def test_anything_else_is_a_conflict(self, version: Any) -> None:
        self.redraft()
        answer = self.ask("post", CONFIRM, self.draft, data={"version": version}, format="json")
        assert self.assert_json(answer, 409) == {"detail": CHANGED}
        assert self.state_of(self.draft) == "draft"

    def test_who_names_no_version_confirms_it_as_it_is(self) -> None:
        self.redraft()
        assert self.assert_json(self.ask("post", CONFIRM, self.draft), 202)["total"] == 1

    @ddt.data(
        {"version": "x"},
        {"version": 0},
        {"version": -1},
        {"version": None},
        {"version": [1]},
        {"version": 1.5},
        {"version": "9" * 5000},
        {"vesion": 1},
        [1],
        "1",
    )
    def test_what_makes_no_sense(self, body: Any) -> None:
        self.assert_json(self.ask("post", CONFIRM, self.draft, data=body, format="json"), 400)
        assert self.state_of(self.draft) == "draft"


class DeletedPathTests(JobTestCase):
    """A path of a job is deleted."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(KEY)

    def test_a_job_still_names_it_and_counts_its_rows(self) -> None:
        job = self.job("queued", "ana@example.com, new@example.com", paths=(OPEN, KEY))
        self.path.delete()
        body = self.assert_json(self.ask("get", "{uuid}/", job), 200)
        assert body["learning_paths"] == [KEY, OPEN]
        assert (body["total"], body["done"]) == (4, 2)
        assert body["counts"] == {
            "changed": 0,
            "unchanged": 0,
            "pending": 0,
            "failure": 2,
            "invalid": 0,
            "not_done": 2,
        }
        rows = self.table(job)
        assert rows[1] == [
            "ana@example.com",
            KEY,
            "path_deleted",
            "The learning path was deleted before this was done.",
        ]
        assert len(rows) == 4

    def test_a_draft_with_nothing_left(self) -> None:
        job = self.job("draft", paths=(KEY,))
        self.path.delete()
        answer = self.assert_json(self.ask("post", CONFIRM, job), 409)
        assert answer == {"detail": "Nothing is left to do: the learning paths have been deleted."}
        assert self.state_of(job) == "draft"

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
    def test_a_path_that_is_deleted_while_its_job_is_stored(self) -> None:
        parsed = bulk_views.BulkEnrollmentViewSet._parse

        def then_deleted(view: Any, request: Any) -> Any:
            asked = parsed(view, request)
            assert asked.takes_a_job
            LearningPath.objects.filter(key=KEY).delete()
            return asked

        for dry_run in (True, False):
            LearningPath.objects.filter(key=KEY).delete()
            make_path(KEY)
            data = {"learning_paths": KEY, "emails": "ana@example.com ben@example.com", "dry_run": dry_run}
            with mock.patch.object(bulk_views.BulkEnrollmentViewSet, "_parse", then_deleted):
                answer = self.assert_json(self.client.post(ENROLL_URL, data, format="json"), 409)
            assert answer["detail"].startswith("One of the learning paths was deleted meanwhile.")
        assert not BulkEnrollmentJob.objects.exists()
