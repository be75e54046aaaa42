"""What was found in staff's input."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_FILE = 10 * 2**20
"""
Bytes of an upload with addresses, far more than a hundred thousand of them take. A draft keeps the file in the
database, where one value of MariaDB takes 16 MB unless told otherwise.
"""


@dataclass(frozen=True, slots=True)
class InvalidEntry:
    """
    A piece of staff's input that is no e-mail address.

    ``text`` is fit to be shown: short, and without control characters and lone surrogates. ``line`` counts from 1, and
    is the line of a text or CSV file, or the place in a list.
    """

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ParsedEmails:
    """
    What was found in staff's input, each thing once and in the order of its first appearance.

    ``emails`` are normalized. Of ``invalid``, entries that differ only in case are one.
    """

    emails: tuple[str, ...]
    invalid: tuple[InvalidEntry, ...]
