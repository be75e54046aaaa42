"""A learning path is deleted while others draft, confirm and run jobs about it, on a real database server."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.models import Count

from learning_paths import api
from learning_paths.data import JobState, RowCode
from learning_paths.exceptions import BulkJobChanged, BulkJobConflict
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow, LearningPath
from tests.factories import make_path
from tests.services.test_bulk_jobs import JobsTestCase
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer at a time, and no server."),
]
ROUNDS = 6


def delete(path: LearningPath, *, after: float = 0) -> None:
    """Delete a path, and try again when the database gives the preference to somebody else."""
    time.sleep(after)
    while LearningPath.objects.filter(pk=path.pk).exists():
        with suppress(OperationalError, IntegrityError):
            LearningPath.objects.filter(pk=path.pk).delete()


class DeletedPathsTestCase(JobsTestCase):
    """Many learners, and each time a path that is deleted."""

    LEARNERS = 150
    STRANGERS = 150

    def assert_told(self) -> None:
        """Each row has a path or the key of one, and each job counts just its rows."""
        assert not BulkEnrollmentRow.objects.filter(learning_path=None, unknown_path="").exists()
        assert not BulkEnrollmentRow.objects.filter(learning_path=None, code="").exists()
        for job in BulkEnrollmentJob.objects.all():
            counts = dict(job.rows.order_by().values_list("code").annotate(Count("pk")))
            assert job.total == sum(counts.values())
            counts.pop("", None)
            assert job.counts == counts
            lost = set(job.rows.filter(learning_path=None).values_list("unknown_path", flat=True))
            assert lost == set(job.deleted_paths)

    def test_while_jobs_about_it_are_stored(self) -> None:
        stored = 0
        for number in range(ROUNDS):
            path = make_path(f"path-v1:DemoX+Gone{number}+2026")

            def store(make: Any, path: LearningPath = path) -> BulkEnrollmentJob | None:
                work = api.prepare_bulk(self.emails, [str(self.paths[0].key), str(path.key)])
                if len(work.paths) < 2:  # it is gone already
                    return None
                try:
                    job: BulkEnrollmentJob = make(work, acting_user=self.sam)
                except BulkJobConflict:
                    return None
                return job

            jobs = at_once(
                [
                    partial(store, api.draft_bulk_job),
                    partial(store, api.queue_bulk_job),
                    partial(store, api.queue_bulk_job),
                    partial(delete, path, after=random.uniform(0, 0.3)),
                ]
            )
            stored += sum(job is not None for job in jobs)
            self.assert_told()
        assert stored
        for job in BulkEnrollmentJob.objects.filter(state=JobState.QUEUED):
            assert api.run_bulk_job(job.pk) is None
        assert not BulkEnrollmentJob.objects.filter(state=JobState.FAILED).exists()
        self.assert_told()

    def test_while_several_workers_fill_it(self) -> None:
        for number in range(ROUNDS):
            path = make_path(f"path-v1:DemoX+Gone{number}+2026")
            keys = [str(self.paths[0].key), str(path.key)]
            jobs = [api.queue_bulk_job(api.prepare_bulk(self.emails, keys), acting_user=self.sam) for _ in range(3)]
            at_once(
                [
                    *(partial(api.run_bulk_job, job.pk) for job in jobs),
                    partial(delete, path, after=random.uniform(0, 0.4)),
                ]
            )
            self.assert_told()
            for job in jobs:
                job.refresh_from_db()
                assert (job.state, job.percent, job.total) == (JobState.FINISHED, 100, 600)
                assert not job.count(RowCode.NOT_SAVED)

    def test_while_a_request_enrolls_in_it(self) -> None:
        """A bulk request that is no job says so too, and does not try each pair again and again."""
        for number in range(ROUNDS):
            path = make_path(f"path-v1:DemoX+Gone{number}+2026")
            work = api.prepare_bulk(self.emails, [str(self.paths[0].key), str(path.key)])
            if number == 0:
                delete(path)
                report = api.bulk_enroll(work, acting_user=self.sam)
            else:
                report, _none = at_once(
                    [
                        partial(api.bulk_enroll, work, acting_user=self.sam),
                        partial(delete, path, after=random.uniform(0, 0.2)),
                    ]
                )
            assert [(row.email, row.key) for row in report.rows] == [
                (email, key) for email in work.emails for key in (self.paths[0].key, path.key)
            ]
            assert not report.count(RowCode.NOT_SAVED)
            kept = [row.code for row in report.rows if row.key == self.paths[0].key]
            assert RowCode.PATH_DELETED not in kept
            if number == 0:
                assert report.count(RowCode.PATH_DELETED) == len(self.emails)


class RedraftTests(JobsTestCase):
    """A draft is confirmed in one tab while another makes it anew."""

    def test_what_is_confirmed_is_what_was_seen(self) -> None:
        outcomes = set()
        for _ in range(12):
            seen = api.draft_bulk_job(self.work(self.emails[:20]), acting_user=self.sam)

            def confirm(draft: BulkEnrollmentJob = seen) -> str:
                time.sleep(random.uniform(0, 0.03))
                try:
                    api.confirm_bulk_job(draft, version=1, acting_user=self.sam)
                except BulkJobChanged:
                    return "changed"
                except BulkJobConflict:
                    return "conflict"
                return "confirmed"

            def redraft(draft: BulkEnrollmentJob = seen) -> str:
                try:
                    api.draft_bulk_job(self.work(self.emails[20:60]), replaces=draft, acting_user=self.sam)
                except BulkJobConflict:
                    return "too late"
                return "redrafted"

            result = tuple(at_once([confirm, confirm, redraft]))
            outcomes.add(result)
            job = BulkEnrollmentJob.objects.get(pk=seen.pk)
            assert job.rows.count() == job.total
            if "confirmed" in result:
                assert result.count("confirmed") == 1
                assert result[2] == "too late"
                assert (job.state, job.version, job.total) == (JobState.QUEUED, 1, 40)
                assert set(job.rows.values_list("email", flat=True)) == set(self.emails[:20])
            else:
                assert result == ("changed", "changed", "redrafted")
                assert (job.state, job.version, job.total) == (JobState.DRAFT, 2, 80)
        assert outcomes
