"""Starting bulk jobs again that nobody works at."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from learning_paths import api
from learning_paths.management.commands.claim_waiting import failure_of, words_of
from learning_paths.models import BulkEnrollmentJob
from learning_paths.tasks import tell_learners_of_job, tell_workers


def seconds(text: str) -> timedelta:
    """Return a number of seconds that a command line gives."""
    try:
        return timedelta(seconds=int(text))
    except (OverflowError, ValueError) as error:
        raise ArgumentTypeError("a whole number is expected") from error


class Command(BaseCommand):
    """Tells the workers of jobs whose message or worker was lost, or does the work itself."""

    help = (
        "Start bulk jobs again whose worker is gone, and queued ones that no worker has taken. Safe to run at any time "
        "and as often as you like, from cron say: a worker that finds another one at a job leaves it alone. Learners "
        "who were to be told by e-mail when a job was over, and were not, are told too; nobody is told twice. People "
        "who have an account by now and missed what they were invited to get it, as claim_waiting does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the options."""
        parser.add_argument(
            "--queued-for",
            type=seconds,
            default=timedelta(minutes=5),
            metavar="SECONDS",
            help="leave queued jobs to the workers for so long (default: 300)",
        )
        parser.add_argument("--here", action="store_true", help="run them in this process, which needs no broker")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start each job, and tell which could not be."""
        jobs = api.abandoned_bulk_jobs(options["queued_for"])
        start = self._run if options["here"] else self._tell
        failed = [job for job in jobs if not start(job)]
        silent = api.jobs_left_to_tell(options["queued_for"])
        tell = self._tell_learners_here if options["here"] else self._ask_for_notices
        untold = [job for job in silent if not tell(job)]
        swept = api.claim_waiting()
        if swept.enrollments or swept.licenses:
            self.stdout.write(words_of(swept))
        if failed:
            raise CommandError(f"{len(failed)} of {len(jobs)} jobs could not be started or did not end well.")
        if untold:
            raise CommandError(f"The learners of {len(untold)} of {len(silent)} jobs could not be told.")
        if swept.failed:
            raise CommandError(failure_of(swept))

    def _tell(self, job: BulkEnrollmentJob) -> bool:
        told = tell_workers(job.pk)
        self.stdout.write(f"{job}: {'the workers were told' if told else 'there is no broker'}.")
        return told

    def _run(self, job: BulkEnrollmentJob) -> bool:
        self.stdout.write(f"{job}: runs.")
        try:
            wait = api.run_bulk_job(job.pk)
        except Exception as error:  # one job's failure is not the others'; it is logged, and shown by the job
            self.stdout.write(f"{job}: stopped, {error}")
            return False
        job.refresh_from_db(fields=["state", "counts", "total"])
        state = "another worker has it" if wait else f"{job.get_state_display()}, {job.done} of {job.total} pairs done"
        self.stdout.write(f"{job}: {state}.")
        return not api.has_learners_to_tell(job.pk) or self._tell_learners_here(job)

    def _ask_for_notices(self, job: BulkEnrollmentJob) -> bool:
        asked = tell_learners_of_job(job.pk)
        self.stdout.write(f"{job}: {'the workers tell its learners' if asked else 'there is no broker'}.")
        return asked

    def _tell_learners_here(self, job: BulkEnrollmentJob) -> bool:
        while api.send_job_notices(job.pk):
            pass
        job.refresh_from_db(fields=["notices_total", "notices_sent", "notices_failed"])
        self.stdout.write(f"{job}: {job.notices_sent} of {job.notices_total} learners were told.")
        return not job.notices_failed
