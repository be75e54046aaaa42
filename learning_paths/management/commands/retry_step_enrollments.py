"""Enrolling in the courses of paths whom a lost message, or a course that was closed, left out."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from learning_paths import api
from learning_paths.data import StepState
from learning_paths.management.commands.resume_bulk_jobs import seconds
from learning_paths.tasks import tell_workers_of_steps


class Command(BaseCommand):
    """Tells the workers once more of what waits, or does it itself."""

    help = (
        "Enroll learners in the courses of their learning paths where that is still to be done. Safe to run at any "
        "time and as often as you like, from cron say: what is done already is left alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the options."""
        parser.add_argument(
            "--waiting-for",
            type=seconds,
            default=timedelta(minutes=5),
            metavar="SECONDS",
            help="leave what changed since to the workers (default: 300)",
        )
        parser.add_argument("--failed", action="store_true", help="try those that failed again, too")
        parser.add_argument("--here", action="store_true", help="do it in this process, which needs no broker")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and tell what became of it."""
        waiting = api.unfinished_step_enrollments([StepState.WAITING], options["waiting_for"])
        failed = api.unfinished_step_enrollments([StepState.FAILED], timedelta()) if options["failed"] else []
        self.stdout.write(f"Course enrollments: {len(waiting)} wait, {len(failed)} failed and are tried again.")
        if failed:
            api.retry_step_enrollments(failed, acting_user=None)
        if options["here"]:
            states = Counter(api.enroll_in_steps([*waiting, *failed]).values())
            self.stdout.write(", ".join(f"{states[state]} {state}" for state in (StepState.DONE, StepState.FAILED)))
        elif not tell_workers_of_steps(waiting):
            raise CommandError("There is no broker.")
