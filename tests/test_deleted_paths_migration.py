"""Sites that ran bulk jobs before rows outlived their paths: forth, and back again."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.data import RowCode
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.models.job import INVALID_CODES
from tests.factories import make_path

MIGRATION = ("learning_paths", "0013_versions_deleted_paths_and_portions")
BEFORE = ("learning_paths", "0011_rows_of_moved_sites")
LONG_KEY = f"path-v1:DemoX+{'x' * 236}+2026"


def migrate(target: tuple[str, str]) -> Any:
    """Migrate forth or back, and return the models of that time."""
    MigrationExecutor(connection).migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


def migrate_to_the_end() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("learning_paths"))


class DeletedPathsMigrationTests(TransactionTestCase):
    """Jobs whose rows went with their path, and jobs whose rows stayed."""

    def setUp(self) -> None:
        self.addCleanup(migrate_to_the_end)

    def test_jobs_that_count_rows_which_are_gone_are_counted_anew(self) -> None:
        apps = migrate(BEFORE)
        jobs, rows = (apps.get_model("learning_paths", f"BulkEnrollment{name}").objects for name in ("Job", "Row"))
        counts = {"enrolled": 1000, "invalid_email": 1}
        job, right, running = (
            jobs.create(operation="enroll", state=state, total=1000, counts=dict(counts))
            for state in ("finished", "cancelled", "running")
        )
        rows.create(job=job, email="nope", code="invalid_email")
        rows.create(job=job, email="ana@example.com", course_key="course-v1:a+b+c", code="enrolled")
        rows.create(job=job, email="ben@example.com", course_key="course-v1:a+b+c", code="")
        rows.create(job=right, email="ana@example.com", course_key="course-v1:a+b+c", code="enrolled")
        jobs.filter(pk=right.pk).update(total=1, counts={"enrolled": 1})
        migrate(MIGRATION)
        found = {
            job.pk: (job.total, job.counts, job.version)
            for job in BulkEnrollmentJob.objects.only("total", "counts", "version")
        }
        assert found == {
            job.pk: (2, {"enrolled": 1, "invalid_email": 1}, 1),
            right.pk: (1, {"enrolled": 1}, 1),
            running.pk: (1000, counts, 1),
        }

    def test_the_way_back(self) -> None:
        assert len(LONG_KEY) == 255
        kept, gone = make_path(), make_path(LONG_KEY)
        job = api.queue_bulk_job(
            api.prepare_bulk("ana@example.com ben@example.com nope", [kept.key, gone.key]), acting_user=None
        )
        gone.delete()
        assert api.run_bulk_job(job.pk) is None
        draft = api.draft_bulk_job(api.prepare_bulk("ana@example.com", [kept.key]), acting_user=None)
        kept.delete()

        apps = migrate(BEFORE)
        jobs = apps.get_model("learning_paths", "BulkEnrollmentJob").objects
        rows = apps.get_model("learning_paths", "BulkEnrollmentRow").objects
        before = jobs.get(pk=job.pk)
        unknown = RowCode.UNKNOWN_PATH.value
        assert (before.total, before.counts) == (2, {"invited": 2, "invalid_email": 1, unknown: 2})
        assert set(rows.filter(code=unknown, job=job.pk).values_list("unknown_path", flat=True)) == {LONG_KEY[:254]}
        assert jobs.get(pk=draft.pk).total == 0
        assert rows.get(job=draft.pk).planned == unknown

        migrate_to_the_end()
        for again in BulkEnrollmentJob.objects.all():
            codes = list(BulkEnrollmentRow.objects.filter(job=again).values_list("code", flat=True))
            assert again.total == sum(code not in INVALID_CODES for code in codes)
