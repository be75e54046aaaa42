"""
The rows of bulk jobs, read and written as plain tuples.

A job has up to a hundred thousand of them, and as model instances they took half of the time of drafting it, and a
quarter of that of running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection
from django.db.models import Count
from django.db.models.constants import OnConflict

from learning_paths.actions.bulk_plan import Made, Pair
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from learning_paths.models import LearningPath


class StoredRow(NamedTuple):
    """A row of a job, with the columns of its table; ``BulkEnrollmentRow`` says what they mean."""

    email: str = ""
    learning_path_id: int | None = None
    unknown_path: str = ""
    line: int | None = None
    username: str = ""
    planned: str = ""
    code: str = ""
    enrollment_id: int | None = None
    changed_at: datetime | None = None
    job_id: int | None = None
    id: int | None = None

    def pair(self, paths: dict[int | None, LearningPath]) -> Pair:
        """Return the pair that the row is about, with what is to be undone, given the paths by id."""
        made = None if self.changed_at is None else Made(self.enrollment_id, self.changed_at)
        return Pair(self.email, paths[self.learning_path_id], made)


OUTCOME = ["code", "username", "enrollment_id", "changed_at"]


def read_rows(rows: QuerySet[BulkEnrollmentRow], *, most: int | None = None) -> list[StoredRow]:
    """Return these rows in the order of the request, or as many of them as wanted."""
    return [StoredRow(*values) for values in rows.order_by("pk").values_list(*StoredRow._fields)[:most]]


def insert_rows(job: BulkEnrollmentJob, rows: Iterable[StoredRow]) -> None:
    """Insert rows of a job. They get their ids in this order."""
    _write([row._replace(job_id=job.pk) for row in rows], StoredRow._fields[:-1])


def update_outcomes(rows: Sequence[StoredRow]) -> None:
    """Write the outcomes of rows that are there: as an insert in which each row meets itself, so by one statement."""
    suffix = connection.ops.on_conflict_suffix_sql([], OnConflict.UPDATE, OUTCOME, ["id"])
    _write(rows, StoredRow._fields, suffix=suffix)


def count_rows(job: BulkEnrollmentJob) -> dict[str, int]:
    """Return how many rows have which outcome; those that are not done have an empty one."""
    return dict(job.rows.order_by().values_list("code").annotate(Count("pk")))


def _write(rows: Sequence[StoredRow], names: Sequence[str], *, suffix: str = "") -> None:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in names)
    moment, adapt = StoredRow._fields.index("changed_at"), connection.ops.adapt_datetimefield_value
    marks = f"({', '.join(['%s'] * len(names))})"
    most = (connection.features.max_query_params or len(rows) * len(names)) // len(names)
    for begin in range(0, len(rows), most or 1):
        some = [
            (*row[:moment], adapt(row.changed_at), *row[moment + 1 : len(names)]) for row in rows[begin : begin + most]
        ]
        values = ", ".join([marks] * len(some))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {quote(BulkEnrollmentRow._meta.db_table)} ({columns}) VALUES {values} {suffix}",  # noqa: S608 - the values are parameters
                list(chain.from_iterable(some)),
            )
