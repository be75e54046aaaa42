"""Giving people who have an account by now what their address was promised."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from learning_paths import api
from learning_paths.data import SweepReport


class Command(BaseCommand):
    """Claims what an account and an inviter both missed."""

    help = (
        "Enroll the owners of active accounts in the learning paths that they were invited to, and activate their "
        "licenses, where that was missed: by a process that was killed, or for accounts that were made without a "
        "signal. Safe to run at any time and as often as you like. resume_bulk_jobs does this too."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Claim, and tell how much there was."""
        report = api.claim_waiting()
        self.stdout.write(words_of(report))
        if report.failed:
            raise CommandError(failure_of(report))


def words_of(report: SweepReport) -> str:
    """Return what a sweep came to."""
    return f"Claimed after all: {report.enrollments} enrollments, {report.licenses} licenses."


def failure_of(report: SweepReport) -> str:
    """Return for how many a sweep failed."""
    return f"What waits for {report.failed} accounts could not be claimed; the log tells whose."
