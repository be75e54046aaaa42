"""Throwing drafts of bulk jobs away that nobody came back to."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from learning_paths import api

MOST_DAYS = 36_500


def days(text: str) -> timedelta:
    """Return a number of days that a command line gives."""
    if not text.isdecimal() or int(text) > MOST_DAYS:
        raise ArgumentTypeError(f"a whole number from 0 to {MOST_DAYS} is expected")
    return timedelta(days=int(text))


class Command(BaseCommand):
    """Deletes old drafts, and with them the addresses that they hold."""

    help = "Delete the drafts of bulk jobs that nobody has touched for some days. Jobs that were confirmed stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the options."""
        parser.add_argument(
            "--days", type=days, default=timedelta(days=14), help="delete drafts older than this (default: 14)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them, and tell how many there were."""
        deleted = api.discard_drafts(older_than=options["days"])
        self.stdout.write(f"Drafts deleted: {deleted}.")
