"""Addresses in a CSV file. Pure; the file is decoded as it is read."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from learning_paths.actions.bulk_words import BLANK, INVISIBLE, WRAPPING, Found, address_in
from learning_paths.data import ParsedEmails

_SAMPLE_LINES = 100
_SAMPLE_LENGTH = 1 << 17
_LONGEST_ROW = 1 << 17
"""Characters. A longer line is read as text, as is one that has a cell above the limit of the ``csv`` module."""
_HEAD_BYTES = 32
_CHUNK_BYTES = 1 << 16

# From the rarest inside other text to the most common: the order decides where the content does not.
_DELIMITERS = "\t;,"
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)
_HEADERS = frozenset(
    [
        *("email", "emails", "emailaddress", "emailaddresses", "mail", "mailaddress"),
        *(f"{whose}email" for whose in ("user", "learner", "student", "participant", "member", "primary", "work")),
        *(f"{whose}emailaddress" for whose in ("user", "learner", "student", "participant", "member")),
    ]
)


def parse_csv(content: bytes, *, most: int | None = None) -> ParsedEmails:
    """
    Return the addresses in the column of a CSV file that has the header of an address column, or else the content.

    The other columns are not looked at. A file in which no column, or more than one, can be the one is read like a
    text; so is a line that is no row of the table, because its quotes are not balanced or it has too many cells. A line
    is a row: an unbalanced quote costs one line, not the rest of the file, and no cell can hold a line break. A row
    without an address is an invalid entry.
    """
    encoding = _encoding(content)
    layout = _Layout.guess(_lines(content, encoding))
    found = Found(most)
    for line, text in _lines(content, encoding):
        if line >= layout.first_line and not text.isspace():
            layout.read(found, text, line)
    return found.result()


@dataclass(frozen=True, slots=True)
class _Layout:
    """
    Where a CSV file has its addresses. Without a ``column`` it is read like a text.

    ``width`` is the number of cells in the header, or in the widest row of the sample of a file without a header.
    """

    first_line: int
    delimiter: str = ","
    column: int | None = None
    width: int = 0

    @classmethod
    def guess(cls, lines: Iterator[tuple[int, str]]) -> _Layout:
        """Return the layout that the first lines suggest."""
        sample = _sample(lines)
        if not sample:
            return cls(first_line=1)
        delimiters = _DELIMITERS
        separator_line = _SEPARATOR_LINE.fullmatch(sample[0][1].strip("\r\n " + INVISIBLE))
        first_line = 1
        if separator_line:
            delimiters = separator_line[1]
            first_line = sample.pop(0)[0] + 1
        candidates = [cls._with(delimiter, sample, first_line) for delimiter in delimiters]
        return max(candidates, key=lambda candidate: candidate[0])[1]

    @classmethod
    def _with(cls, delimiter: str, sample: list[tuple[int, str]], first_line: int) -> tuple[tuple[int, ...], _Layout]:
        """Return the layout with this delimiter, and before it how likely it is."""
        split = [_cells(text, delimiter) for _line, text in sample]
        rows = [cells for cells in split if cells]
        header = _column_by_header(split[0]) if split and split[0] else None
        widths = Counter(len(row) for row in rows if len(row) > 1)
        likelihood = (
            int(header is not None and len(split[0] or ()) > 1),
            sum(any("@" in cell and address_in(cell) is not None for cell in row) for row in rows),
            max(widths.values(), default=0),
        )
        if header is not None:
            return likelihood, cls(sample[0][0] + 1, delimiter, header, len(split[0] or ()))
        width = max(map(len, rows), default=0)
        return likelihood, cls(first_line, delimiter, _column_by_content(rows), width)

    def read(self, found: Found, text: str, line: int) -> None:
        """Take in one line."""
        cells = None if self.column is None else _cells(text, self.delimiter)
        if cells is None or self.column is None or len(cells) > self.width:
            found.read(text, line)
            return
        cell = cells[self.column] if self.column < len(cells) else ""
        if not found.read(cell, line) and any(cell.strip(WRAPPING) for cell in cells):
            found.refuse(text, line)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a line, blank ones at its end left out; None when it is no line of CSV, or far too long."""
    if len(text) > _LONGEST_ROW:
        return None
    try:
        cells = next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return None
    while cells and not cells[-1].strip(WRAPPING):
        cells.pop()
    return cells


def _column_by_header(cells: list[str]) -> int | None:
    names = ("" if "@" in cell else "".join(filter(str.isalnum, cell.lower())) for cell in cells)
    return next((column for column, name in enumerate(names) if name in _HEADERS), None)


def _column_by_content(rows: list[list[str]]) -> int | None:
    """Return the only column of which at least half of the cells that are not blank hold an "@"."""
    filled: Counter[int] = Counter()
    promising: Counter[int] = Counter()
    for row in rows:
        for column, cell in enumerate(row):
            filled[column] += bool(cell.strip(WRAPPING))
            promising[column] += "@" in cell
    columns = [column for column, count in filled.items() if count and 2 * promising[column] >= count]
    return columns[0] if len(columns) == 1 else None


def _sample(lines: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the first lines that are not blank, one at least, and no more text than tells a table."""
    sample: list[tuple[int, str]] = []
    length = 0
    for line, text in lines:
        if not text.strip(BLANK):
            continue
        length += len(text)
        if sample and length > _SAMPLE_LENGTH:
            break
        sample.append((line, text))
        if len(sample) == _SAMPLE_LINES:
            break
    return sample


def _lines(content: bytes, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, decoding as it goes; what cannot be decoded is replaced."""
    return enumerate(io.TextIOWrapper(io.BytesIO(content), encoding, errors="replace", newline=""), start=1)


def _encoding(content: bytes) -> str:
    """Return the encoding by the byte order mark, else by the zeros of UTF-16, else UTF-8 or what Windows writes."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = content[:_HEAD_BYTES:2], content[1:_HEAD_BYTES:2]
    if odd and not any(odd):
        return "utf-16-le"
    if odd and not any(even):
        return "utf-16-be"
    return "utf-8-sig" if _is_utf_8(content) else "cp1252"


def _is_utf_8(content: bytes) -> bool:
    chunks = (content[start : start + _CHUNK_BYTES] for start in range(0, len(content), _CHUNK_BYTES))
    try:
        for _text in codecs.iterdecode(chunks, "utf-8"):
            pass
    except UnicodeDecodeError:
        return False
    return True
