"""The command that throws old drafts away."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import ddt
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone

from learning_paths import api
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from tests.factories import make_path, make_staff


@ddt.ddt
class CleanBulkJobsTests(TestCase):
    """Drafts of today, of 13 and of 15 days ago, and a job that was confirmed 15 days ago."""

    def setUp(self) -> None:
        sam, path = make_staff("sam"), make_path()
        self.jobs = []
        for age in (0, 13, 15, 15):
            job = api.draft_bulk_job(api.prepare_bulk(f"new{age}@example.com", [path.key]), acting_user=sam)
            self.jobs.append(job)
        api.confirm_bulk_job(job, acting_user=sam)
        for job, age in zip(self.jobs, (0, 13, 15, 15), strict=True):
            modified = timezone.now() - timedelta(days=age)
            BulkEnrollmentJob.objects.filter(pk=job.pk).update(modified=modified)

    def call(self, *args: str) -> str:
        out = StringIO()
        call_command("clean_bulk_jobs", *args, stdout=out)
        return out.getvalue().strip()

    def test_those_of_more_than_two_weeks(self) -> None:
        assert self.call() == "Drafts deleted: 1."
        today, younger, _old, confirmed = self.jobs
        assert set(BulkEnrollmentJob.objects.all()) == {today, younger, confirmed}
        assert set(BulkEnrollmentRow.objects.values_list("job", flat=True)) == {today.pk, younger.pk, confirmed.pk}
        assert self.call() == "Drafts deleted: 0."

    def test_those_of_so_many_days(self) -> None:
        assert self.call("--days", "12") == "Drafts deleted: 2."
        assert self.call("--days", "0") == "Drafts deleted: 1."
        assert BulkEnrollmentJob.objects.get() == self.jobs[-1]

    @ddt.data("-1", "x", "1.5", "36501", "1" + "0" * 30)
    def test_what_is_no_number_of_days(self, value: str) -> None:
        with self.assertRaisesMessage(CommandError, "--days"):
            self.call(f"--days={value}")
        assert BulkEnrollmentJob.objects.count() == 4
