"""The result of a bulk run as a table that people open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from django.utils.translation import gettext as _

from learning_paths.data import BulkReport
from learning_paths.exceptions import InvalidEmail, LearningPathNotFound

HEADER = ("email address", "learning path", "enrollment status", "notes")
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(report: BulkReport, file: TextIO) -> None:
    """
    Write the report as CSV: a header, then what was no address or no path, then each pair.

    The status is the stable code of the row, the notes say it in words. No cell can be taken for a formula.

    Arguments:
        report: what a bulk run or its plan returned.
        file: open for writing text with ``newline=""``.
    """
    writer = csv.writer(file)
    writer.writerow(HEADER)
    writer.writerows([safe_cell(cell) for cell in row] for row in _rows(report))


def _rows(report: BulkReport) -> Iterator[tuple[str, str, str, str]]:
    for entry in report.invalid_emails:
        note = _("Line %(line)d: %(problem)s") % {"line": entry.line, "problem": InvalidEmail.default_message}
        yield entry.text, "", InvalidEmail.code, note
    for text in report.invalid_learning_paths:
        yield "", text, LearningPathNotFound.code, str(LearningPathNotFound.default_message)
    for row in report.rows:
        yield row.email, str(row.learning_path_key), row.code.value, str(row.code.label)


def safe_cell(cell: str) -> str:
    """Return the text such that no spreadsheet runs it, whoever wrote it (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.startswith(BEGINS_A_FORMULA) else cell
