"""A clock that was set back left moments in the tables that are still to come. They hold nothing up."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils import timezone

import learning_paths
from learning_paths import api
from learning_paths.data import JobState, StepState
from learning_paths.models import BulkEnrollmentJob, LearningPath, StepEnrollment
from sandbox.courses.models import CourseRun
from tests.actions.test_bulk_jobs import EIGHT, JobTestCase
from tests.factories import make_path

HOURS = timedelta(hours=3)


class ClockTests(JobTestCase):
    """What was written before the clock was set back by three hours."""

    def running(self, heartbeat: timedelta) -> BulkEnrollmentJob:
        """Return a job whose worker gave its last sign when the clock will show this much more than now."""
        job = self.queue(EIGHT)
        return self.change(job, state=JobState.RUNNING, worker=str(uuid4()), heartbeat_at=timezone.now() + heartbeat)

    def change(self, job: BulkEnrollmentJob, **values: Any) -> BulkEnrollmentJob:
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(**values)
        job.refresh_from_db()
        return job

    def test_a_worker_whose_last_sign_is_still_to_come_has_lost_its_job(self) -> None:
        job = self.running(HOURS)
        assert api.abandoned_bulk_jobs(timedelta(hours=1)) == [job]
        self.run_job(job)
        assert (job.state, job.done) == (JobState.FINISHED, 8)

    def test_clocks_of_two_machines_that_differ_by_seconds_take_no_job_away(self) -> None:
        job = self.running(timedelta(seconds=50))
        assert api.abandoned_bulk_jobs(timedelta(hours=1)) == []
        wait = api.run_bulk_job(job.pk)
        assert wait is not None
        assert wait <= timedelta(seconds=61), "who waits looks again after a lease, whatever the other clock shows"
        job.refresh_from_db()
        assert (job.state, job.done) == (JobState.RUNNING, 0)

    def test_a_queued_job_of_which_nobody_was_told_is_found(self) -> None:
        job = self.change(self.queue(), modified=timezone.now() + HOURS)
        assert api.abandoned_bulk_jobs(timedelta(minutes=5)) == [job]

    def test_learners_of_whom_nobody_told_the_workers_are_found(self) -> None:
        job = self.change(self.finish(notify=True), modified=timezone.now() + HOURS)
        assert api.jobs_left_to_tell(timedelta(minutes=5)) == [job]

    def test_a_course_of_a_path_that_waits_is_found(self) -> None:
        run = CourseRun.objects.create(course_key="course-v1:DemoX+PY101+2026")
        path = make_path("path-v1:DemoX+STEPS+2026", course_enrollment=LearningPath.CourseEnrollment.ALL)
        path.steps.create(course_key=run.course_key)
        api.enroll(self.ana, path, acting_user=None)
        StepEnrollment.objects.update(modified=timezone.now() + HOURS)
        waiting = list(StepEnrollment.objects.values_list("pk", flat=True))
        assert api.unfinished_step_enrollments([StepState.WAITING], timedelta(minutes=5)) == waiting

    def test_a_draft_is_kept_rather_too_long_than_thrown_away(self) -> None:
        job = self.change(self.draft(), modified=timezone.now() + timedelta(days=30))
        assert api.discard_drafts(older_than=timedelta(days=14)) == 0
        assert BulkEnrollmentJob.objects.filter(pk=job.pk).exists()


class AgeTests(JobTestCase):
    """Stored moments are compared with the clock in one place, or where it is said here."""

    ALLOWED = {
        "queries/clock.py": "the place",
        "actions/bulk_jobs.py": "drafts are thrown away: one whose moment is still to come is kept",
        "actions/bulk_job_run.py": "how long to wait, which is bounded",
        "admin/enrollment_actions.py": "what changed since a page was shown, up to now",
    }

    def test_nothing_else_reckons_with_the_time_of_day(self) -> None:
        package = Path(learning_paths.__file__).parent
        found = {
            str(file.relative_to(package))
            for file in package.rglob("*.py")
            if "timezone.now()" in (text := file.read_text(encoding="utf-8"))
            and re.search(r"(?:\bnow|timezone\.now\(\)) [-+] \w|[-+] timezone\.now\(\)", text)
        }
        assert found == set(self.ALLOWED)
