"""
Staff's input to e-mail addresses: pasted text, a JSON list, or a CSV file. All pure functions; no database is asked.

What staff paste comes from mail programs and spreadsheets, so the parser forgives their habits, and tells of everything
else. Three promises hold for any input: it never raises, it never returns an address that is not written in the input,
and it never passes over one in silence. Time is linear in the input. Memory beyond the input and the result is that of
one line: a file is decoded as it is read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice

from learning_paths.data import InvalidEntry, ParsedEmails
from learning_paths.emails import normalize_email
from learning_paths.exceptions import InvalidEmail

_INVALID_TEXT_LENGTH = 254
_SAMPLE_LINES = 100
_HEAD_BYTES = 32
_CHUNK_BYTES = 1 << 16

_LINE = re.compile(r"([^\r\n]*+)(?:\r\n?|\n|\Z)")
_WORD = re.compile(r"[^\s,;<>]++")
# A quoted string is a name only when an address in angle brackets follows; elsewhere its words stand for themselves.
# Each repetition stops at a character that can begin the next attempt, so that no stretch is scanned more than twice.
_LEXEME = re.compile(
    r"""
    (?P<bracket> <[^<>\r\n]*+> )
    | (?P<name> "[^"<>\r\n]*+" (?= (?: [^\S\r\n] [^"<>,;\r\n]*+ )? < ) )
    | (?P<word> [^\s,;<>]++ )
    | (?P<end> [,;\r\n] )
    """,
    re.VERBOSE,
)

# Zero-width characters, soft hyphen and marks of direction: copied along with an address, and not seen by anyone.
_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
_BLANK = "".join(character for character in map(chr, range(0x3001)) if character.isspace()) + _INVISIBLE
_QUOTES = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a"
_WRAPPING = _BLANK + _QUOTES

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


def parse(emails: str | Iterable[str] | ParsedEmails) -> ParsedEmails:
    """Return the addresses in a text, a list of texts, or what one of the parsers made of a file."""
    if isinstance(emails, ParsedEmails):
        return emails
    return parse_text(emails) if isinstance(emails, str) else parse_items(emails)


def parse_text(text: str) -> ParsedEmails:
    """
    Return the addresses in a text: separated by white space, commas or semicolons, each with or without a name.

    A name is what stands before an address in angle brackets, back to the last comma, semicolon or end of line; quoted,
    it may hold those. It is dropped, but for words with an "@". Without brackets each word that is no address is an
    invalid entry.
    """
    found = _Found()
    for line, match in enumerate(_LINE.finditer(text), start=1):
        found.read(match[1], line)
    return found.result()


def parse_items(items: Iterable[str]) -> ParsedEmails:
    """Return the addresses in a list. Each item is read like a text, with its own number as ``line``."""
    found = _Found()
    for number, item in enumerate(items, start=1):
        if not found.read(item, number):
            found.refuse(item, number)
    return found.result()


def parse_csv(content: bytes) -> ParsedEmails:
    """
    Return the addresses in the column of a CSV file that has the header of an address column, or else the content.

    The other columns are not looked at. A file in which no column, or more than one, can be the one is read like a
    text; so is a line that is no row of the table, because its quotes are not balanced or it has too many cells. A line
    is a row: an unbalanced quote costs one line, not the rest of the file, and no cell can hold a line break. A row
    without an address is an invalid entry.
    """
    encoding = _encoding(content)
    layout = _Layout.guess(_lines(content, encoding))
    found = _Found()
    for line, text in _lines(content, encoding):
        if line >= layout.first_line:
            layout.read(found, text, line)
    return found.result()


def merge(*parsed: ParsedEmails) -> ParsedEmails:
    """Return the results of several sources as one, in their order, with duplicates folded."""
    invalid: dict[str, InvalidEntry] = {}
    for entry in chain.from_iterable(result.invalid for result in parsed):
        invalid.setdefault(entry.text.lower(), entry)
    emails = dict.fromkeys(chain.from_iterable(result.emails for result in parsed))
    return ParsedEmails(tuple(emails), tuple(invalid.values()))


class _Found:
    """What was found so far, each thing once."""

    def __init__(self) -> None:
        self._emails: dict[str, None] = {}
        self._invalid: dict[str, InvalidEntry] = {}
        self._perhaps_name: list[str] = []

    def result(self) -> ParsedEmails:
        return ParsedEmails(tuple(self._emails), tuple(self._invalid.values()))

    def read(self, text: str, line: int) -> bool:
        """Take in what is written in ``text``, all of it on ``line``; return whether there was anything."""
        anything = False
        self._perhaps_name.clear()
        for match in _LEXEME.finditer(text):
            kind, lexeme = match.lastgroup, match.group()
            if kind == "word":
                anything |= self._take(lexeme, line)
                continue
            if kind == "bracket" and any(word.strip(_WRAPPING) for word in _words(lexeme)):
                self._drop_name()
            for word in _words(lexeme):
                anything |= self._take(word, line)
            if kind != "name":
                self._perhaps_name.clear()
        return anything

    def refuse(self, text: str, line: int) -> str | None:
        """Take in ``text`` as an invalid entry; return its key when it is a new one. Blank text is none."""
        shown = presentable(text)
        key = shown.lower()
        if not shown or key in self._invalid:
            return None
        self._invalid[key] = InvalidEntry(shown, line)
        return key

    def _take(self, word: str, line: int) -> bool:
        email = _address_in(word) if "@" in word else None
        if email is not None:
            self._emails[email] = None
            return True
        if not word.strip(_WRAPPING):
            return False
        key = self.refuse(word, line)
        if key is not None and "@" not in word:
            self._perhaps_name.append(key)
        return True

    def _drop_name(self) -> None:
        for key in self._perhaps_name:
            del self._invalid[key]
        self._perhaps_name.clear()


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
        sample = list(islice(((line, text) for line, text in lines if text.strip(_BLANK)), _SAMPLE_LINES))
        if not sample:
            return cls(first_line=1)
        delimiters = _DELIMITERS
        separator_line = _SEPARATOR_LINE.fullmatch(sample[0][1].strip("\r\n " + _INVISIBLE))
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
            sum(any("@" in cell and _address_in(cell) is not None for cell in row) for row in rows),
            max(widths.values(), default=0),
        )
        if header is not None:
            return likelihood, cls(sample[0][0] + 1, delimiter, header, len(split[0] or ()))
        width = max(map(len, rows), default=0)
        return likelihood, cls(first_line, delimiter, _column_by_content(rows), width)

    def read(self, found: _Found, text: str, line: int) -> None:
        """Take in one line."""
        cells = None if self.column is None else _cells(text, self.delimiter)
        if cells is None or self.column is None or len(cells) > self.width:
            found.read(text, line)
            return
        cell = cells[self.column] if self.column < len(cells) else ""
        if not found.read(cell, line) and any(cell.strip(_WRAPPING) for cell in cells):
            found.refuse(text, line)


def _words(text: str) -> Iterator[str]:
    return (match.group() for match in _WORD.finditer(text))


def _address_in(word: str) -> str | None:
    """Return the address in ``word``, which may be quoted, be a ``mailto:`` link and end a sentence; None for none."""
    unwrapped = _without_link_and_stop(word.strip(_WRAPPING)).strip(_WRAPPING)
    with suppress(InvalidEmail):
        return normalize_email(unwrapped)
    # The local part of an address can itself be quoted: then the quotes must stay.
    bare = word.strip(_BLANK)
    for reading in (bare, _without_link_and_stop(bare)):
        with suppress(InvalidEmail):
            return normalize_email(reading)
    return None


def _without_link_and_stop(text: str) -> str:
    return (text[7:] if text[:7].lower() == "mailto:" else text).removesuffix(".")


def presentable(text: str) -> str:
    """Return ``text`` as it can be shown on a page, in JSON and in CSV."""
    text = text.strip(_BLANK)
    if len(text) > _INVALID_TEXT_LENGTH:
        text = text[: _INVALID_TEXT_LENGTH - 1] + "\u2026"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of a line, blank ones at its end left out; None when it is no line of CSV."""
    try:
        cells = next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return None
    while cells and not cells[-1].strip(_WRAPPING):
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
            filled[column] += bool(cell.strip(_WRAPPING))
            promising[column] += "@" in cell
    columns = [column for column, count in filled.items() if count and 2 * promising[column] >= count]
    return columns[0] if len(columns) == 1 else None


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
