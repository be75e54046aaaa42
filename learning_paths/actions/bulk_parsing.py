"""
Staff's input to e-mail addresses: pasted text, a JSON list, or a CSV file. All pure functions; no database is asked.

What staff paste comes from mail programs and spreadsheets, so the parser forgives their habits, and tells of everything
else. Three promises hold for any input: it never returns an address that is not written in the input, it never passes
over one in silence, and it raises nothing but ``BulkTooLarge``. Time is linear in the input, and bounded by ``most``:
reading stops once there are more addresses, or more entries that are none, than one job takes. Memory beyond the input
and the result is that of one line: a file is decoded as it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from learning_paths.actions.bulk_csv import parse_csv
from learning_paths.actions.bulk_words import Found
from learning_paths.data import ParsedEmails

__all__ = ["merge", "parse", "parse_csv", "parse_items", "parse_text"]

_LINE = re.compile(r"([^\r\n]*+)(?:\r\n?|\n|\Z)")


def parse(emails: str | Iterable[str] | ParsedEmails, *, most: int | None = None) -> ParsedEmails:
    """
    Return the addresses in a text, a list of texts, or what one of the parsers made of a file.

    Arguments:
        emails: the input.
        most: how many addresses, and how many entries that are none, there may be. None reads whatever there is.

    Raises:
        BulkTooLarge: there are more, or far more words than addresses. The same holds of all parsers.
    """
    if isinstance(emails, ParsedEmails):
        return emails
    return parse_text(emails, most=most) if isinstance(emails, str) else parse_items(emails, most=most)


def parse_text(text: str, *, most: int | None = None) -> ParsedEmails:
    """
    Return the addresses in a text: separated by white space, commas or semicolons, each with or without a name.

    A name is what stands before an address in angle brackets, back to the last comma, semicolon or end of line; quoted,
    it may hold those. It is dropped, but for words with an "@". Without brackets each word that is no address is an
    invalid entry.
    """
    found = Found(most)
    for line, match in enumerate(_LINE.finditer(text), start=1):
        if match[1]:
            found.read(match[1], line)
    return found.result()


def parse_items(items: Iterable[str], *, most: int | None = None) -> ParsedEmails:
    """Return the addresses in a list. Each item is read like a text, with its own number as ``line``."""
    found = Found(most)
    for number, item in enumerate(items, start=1):
        if not found.read(item, number):
            found.refuse(item, number)
    return found.result()


def merge(*parsed: ParsedEmails, most: int | None = None) -> ParsedEmails:
    """Return the results of several sources as one, in their order, with duplicates folded."""
    found = Found(most)
    for result in parsed:
        found.add(result)
    return found.result()
