"""``manage.py seed_demo``: fills the sandbox with things to look at."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from sandbox.demo.content import INVITATION, LEARNERS, STAFF
from sandbox.demo.seed import seed


class Command(BaseCommand):
    """Adds the demo's accounts, course runs, paths, enrollments, progress and licenses where they are missing."""

    help = "Add the demo's accounts, course runs, paths, enrollments, progress and licenses where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say what there is now."""
        counts = seed()
        self.stdout.write(
            f"In the demo: users {counts.users}, course runs {counts.course_runs}, learning paths {counts.paths}, "
            f"enrollments {counts.enrollments}, invitations {counts.invitations}, audit rows {counts.audits}, "
            f"licenses in use {counts.licenses}."
        )
        learners = ", ".join(f"{account.username}/{account.password}" for account in LEARNERS)
        self.stdout.write(f"Accounts: staff {STAFF.username}/{STAFF.password}; learners {learners}.")
        self.stdout.write(f"Invited, without an account: {INVITATION.account.email} to {INVITATION.path_key}.")
