"""The result of a bulk run as a table that people open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TextIO

from django.utils.translation import gettext as _

from learning_paths.actions.csv_cells import csv_lines
from learning_paths.data import BulkReport, RowCode
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow

HEADER = ("email address", "learning path", "enrollment status", "notes")
ROWS_AT_ONCE = 2000


def write_csv(report: BulkReport, file: TextIO, *, as_plan: bool = False) -> None:
    """
    Write the report as CSV: a header, then what was no address or no path, then each pair.

    The status is the stable code of the row, the notes say it in words. No cell can be taken for a formula.

    Arguments:
        report: what a bulk run or its plan returned.
        file: open for writing text with ``newline=""``.
        as_plan: whether the report tells what would happen, rather than what has.
    """
    for line in csv_lines(chain([HEADER], _rows(report, as_plan=as_plan))):
        file.write(line)


def _rows(report: BulkReport, *, as_plan: bool) -> Iterator[tuple[str, str, str, str]]:
    for entry in report.invalid_emails:
        note = _("Line %(line)d: %(problem)s") % {"line": entry.line, "problem": RowCode.INVALID_EMAIL.label}
        yield entry.text, "", RowCode.INVALID_EMAIL.value, note
    for email in report.unlicensed_emails:
        yield email, "", RowCode.UNLICENSED.value, str(RowCode.UNLICENSED.label)
    for code, texts in (
        (RowCode.UNKNOWN_PATH, report.invalid_learning_paths),
        (RowCode.INVALID_COURSE, report.invalid_course_keys),
        (RowCode.UNCOVERED, report.uncovered_content),
    ):
        for text in texts:
            yield "", text, code.value, str(code.label)
    for row in report.rows:
        yield row.email, str(row.key), row.code.value, row.code.describe(row.username, as_plan=as_plan)


def job_csv(job: BulkEnrollmentJob) -> Iterator[str]:
    """
    Return the lines of a job's result as CSV, in the form of ``write_csv``: of a draft what is planned, else what
    became of each row so far. Two queries, and no more memory than the driver takes for the rows.
    """
    paths = {path.pk: str(path.key) for path in job.learning_paths.all()}
    rows = job.rows.only(
        "job", "email", "learning_path", "course_key", "unknown_path", "line", "username", "planned", "code"
    ).order_by("pk")
    yield from csv_lines([HEADER])
    yield from csv_lines((row.email, _path_of(row, paths), *job.describe(row)) for row in rows.iterator(ROWS_AT_ONCE))


def _path_of(row: BulkEnrollmentRow, paths: Mapping[int, str]) -> str:
    if row.learning_path_id is None:
        return row.unknown_path or row.course_key
    return paths.get(row.learning_path_id, "")
