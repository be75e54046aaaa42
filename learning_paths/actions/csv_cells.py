"""Tables as CSV that people open in a spreadsheet, which must not run what others wrote into them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator

_SIGNS = frozenset("=+-@\N{MINUS SIGN}")
"""What a formula begins with. Their full-width, small, raised and lowered forms are taken for them."""
_LINE_BREAKS_AND_TAB = frozenset("\t\r\n")
_DIVIDERS = _LINE_BREAKS_AND_TAB | {";"}
"""What begins a cell besides the comma: a spreadsheet divides by what its language says, and may not heed quotes."""
_LOOKS_EMPTY = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10))))
"""Letters and marks that nobody sees."""
_PLAIN = re.compile(r"(?:[0-9A-Za-z][^;\t\r\n]*+)?+")


def csv_lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Return rows as lines of CSV, one by one as they are read, with no cell that a spreadsheet would run."""
    writer = csv.writer(_Echo())
    return (writer.writerow(map(safe_cell, row)) for row in rows)


def safe_cell(cell: str) -> str:
    """
    Return the text such that no spreadsheet runs it, whoever wrote it (OWASP, "CSV Injection").

    An apostrophe is put before a sign of formulas that begins the cell, or begins a cell where the spreadsheet divides
    by a semicolon, a tab or a line break, whatever blanks and invisible characters stand before it; and before a tab or
    a line break that begins the cell.
    """
    if _PLAIN.fullmatch(cell):
        return cell
    safe = ["'"] if cell[0] in _LINE_BREAKS_AND_TAB else []
    begins = True
    for character in cell:
        if begins and unicodedata.normalize("NFKC", character)[:1] in _SIGNS:
            safe.append("'")
        begins = character in _DIVIDERS or (begins and _is_blank(character))
        safe.append(character)
    return "".join(safe)


def _is_blank(character: str) -> bool:
    return character.isspace() or not character.isprintable() or character in _LOOKS_EMPTY


class _Echo:
    """A file that hands back what is written to it, for whoever passes it on bit by bit."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text
