"""
Reading staff's input within the limits of the site: the parsers, which stop at what is more than one job takes.

What the limit is, the parsers do not know; here it is ``LEARNING_PATHS_BULK_MAX_PAIRS``. See ADR 0004, "Limits".
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from learning_paths.actions import bulk_parsing
from learning_paths.data import ParsedEmails


def parse(emails: str | Iterable[str] | ParsedEmails) -> ParsedEmails:
    """
    Return the addresses in a text, a list of texts, or what one of the parsers made of a file.

    Raises:
        BulkTooLarge: there are more addresses, or more entries that are none, than one job takes.
    """
    return bulk_parsing.parse(emails, most=settings.LEARNING_PATHS_BULK_MAX_PAIRS)


def parse_text(text: str) -> ParsedEmails:
    """
    Return the addresses in a text: separated by white space, commas or semicolons, each with or without a name.

    A word that is no address, and no part of a name before one in angle brackets, is an invalid entry with its line.

    Raises:
        BulkTooLarge: there are more addresses, or more entries that are none, than one job takes.
    """
    return bulk_parsing.parse_text(text, most=settings.LEARNING_PATHS_BULK_MAX_PAIRS)


def parse_items(items: Iterable[str]) -> ParsedEmails:
    """
    Return the addresses in a list. Each item is read like a text, with its own number as ``line``.

    Raises:
        BulkTooLarge: there are more addresses, or more entries that are none, than one job takes.
    """
    return bulk_parsing.parse_items(items, most=settings.LEARNING_PATHS_BULK_MAX_PAIRS)


def parse_csv(content: bytes) -> ParsedEmails:
    """
    Return the addresses in the column of a CSV file that has the header of an address column, or else in its content.

    Raises:
        BulkTooLarge: there are more addresses, or more entries that are none, than one job takes.
    """
    return bulk_parsing.parse_csv(content, most=settings.LEARNING_PATHS_BULK_MAX_PAIRS)


def merge(*parsed: ParsedEmails) -> ParsedEmails:
    """
    Return the results of several sources as one, in their order, with duplicates folded.

    Raises:
        BulkTooLarge: together they are more than one job takes.
    """
    return bulk_parsing.merge(*parsed, most=settings.LEARNING_PATHS_BULK_MAX_PAIRS)
