"""Bulk enrollment for operators at a shell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport, ParsedEmails
from learning_paths.exceptions import BulkTooLarge, UserNotFound


class Command(BaseCommand):
    """Reads addresses from a file or from standard input and writes the fate of each as CSV."""

    help = (
        "Enroll the owners of many e-mail addresses in learning paths, now or as soon as they have an active account. "
        "Writes a CSV with a result for every address; what was done stays done if it is interrupted, and a second run "
        "does the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the options."""
        parser.add_argument("learning_paths", nargs="+", metavar="KEY", help="key of a learning path")
        parser.add_argument("--file", default="-", help="CSV or text with the addresses; - is standard input (default)")
        parser.add_argument("--output", default="-", help="where the result goes; - is standard output (default)")
        parser.add_argument("--as-user", metavar="USERNAME", help="who asked for it, for audit and history")
        parser.add_argument("--reason", default="", help="why, for the audit")
        parser.add_argument("--role", default="", help="as what, for the audit")
        parser.add_argument("--org", default="", help="on whose behalf, for the audit")
        parser.add_argument("--unenroll", action="store_true", help="unenroll them and withdraw their invitations")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the engine, show how far it is, and write the result."""
        acting_user = self._acting_user(options["as_user"])
        try:
            work = api.prepare_bulk(self._read(options["file"]), options["learning_paths"])
        except BulkTooLarge as error:
            raise CommandError(str(error)) from error
        operation = BulkOperation.UNENROLL if options["unenroll"] else BulkOperation.ENROLL
        if options["dry_run"]:
            report = api.plan_bulk_enrollment(work, operation=operation)
        else:
            run = api.bulk_unenroll if options["unenroll"] else api.bulk_enroll
            report = run(
                work,
                reason=options["reason"],
                role=options["role"],
                org=options["org"],
                acting_user=acting_user,
                on_progress=self._progress(len(work)),
            )
        self._write(report, options["output"], as_plan=options["dry_run"])
        self._sum_up(report, dry_run=options["dry_run"])

    def _acting_user(self, username: str | None) -> User | None:
        if username is None:
            return None
        try:
            return api.get_user(username)
        except UserNotFound as error:
            raise CommandError(f"--as-user: {error}") from error

    def _read(self, name: str) -> ParsedEmails:
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise CommandError(f"--file: {error}") from error
        return api.parse_csv(content)

    def _progress(self, total: int) -> Any:
        if not self.stderr.isatty():
            return None
        return lambda done: self.stderr.write(f"\r{done} of {total} ({done * 100 // total} %)", ending="")

    def _write(self, report: BulkReport, name: str, *, as_plan: bool) -> None:
        if name == "-":
            api.write_csv(report, self.stdout, as_plan=as_plan)  # type: ignore[arg-type]  # it has a write, too
            return
        try:
            with Path(name).open("w", newline="", encoding="utf-8") as file:
                api.write_csv(report, file, as_plan=as_plan)
        except OSError as error:
            raise CommandError(f"--output: {error}") from error

    def _sum_up(self, report: BulkReport, *, dry_run: bool) -> None:
        changed = sum(row.code.is_change for row in report.rows)
        failed = sum(row.code.is_failure for row in report.rows)
        invalid = len(report.invalid_emails) + len(report.invalid_learning_paths)
        verb = "would change" if dry_run else "changed"
        self.stderr.write(
            f"{changed} of {len(report.rows)} pairs {verb}, {failed} failed; "
            f"{invalid} of the addresses and keys are not valid."
        )
        if not report.rows or failed == len(report.rows):
            raise CommandError("Nothing could be done for any address. See the result for why.")
