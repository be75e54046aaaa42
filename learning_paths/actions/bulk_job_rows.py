"""
The rows of bulk jobs, read and written as plain tuples.

A job has up to a hundred thousand of them, and as model instances they took half of the time of drafting it, and a
quarter of that of running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from django.db import connection
from django.db.models import Count
from django.db.models.constants import OnConflict
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.bulk_plan import Made, Pair
from learning_paths.data import RowCode
from learning_paths.models import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.models.job import INVALID_CODES
from learning_paths.queries.users import addresses_by_username

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from learning_paths.models import LearningPath


Targets: TypeAlias = "dict[int | str, LearningPath | CourseKey]"


class StoredRow(NamedTuple):
    """A row of a job, with the columns of its table; ``BulkEnrollmentRow`` says what they mean."""

    email: str = ""
    learning_path_id: int | None = None
    course_key: str = ""
    unknown_path: str = ""
    line: int | None = None
    username: str = ""
    planned: str = ""
    code: str = ""
    enrollment_id: int | None = None
    changed_at: datetime | None = None
    job_id: int | None = None
    id: int | None = None

    @classmethod
    def of(cls, pair: Pair, *, planned: str = "", username: str = "") -> StoredRow:
        """Return the row to be stored for a pair, with what is to be undone."""
        row = cls(pair.email, planned=planned, username=username)
        if isinstance(pair.target, CourseKey):
            row = row._replace(course_key=str(pair.target))
        else:
            row = row._replace(learning_path_id=pair.target.pk)
        return (
            row if pair.made is None else row._replace(enrollment_id=pair.made.enrollment_id, changed_at=pair.made.at)
        )

    def pair(self, targets: Targets) -> Pair:
        """Return the pair that the row is about, with what is to be undone."""
        made = None if self.changed_at is None else Made(self.enrollment_id, self.changed_at)
        return Pair(self.email, targets[self.learning_path_id or self.course_key], made)

    @property
    def is_pair(self) -> bool:
        """Whether the row is about a pair, and not about something that was no address, path or course run."""
        return self.code not in INVALID_CODES

    @property
    def has_target(self) -> bool:
        """Whether there still is something to enroll in: not so when the path was deleted."""
        return self.learning_path_id is not None or bool(self.course_key)

    def path_deleted(self) -> StoredRow:
        """Return the row to be stored by a job that follows, about a path that was deleted meanwhile."""
        code = RowCode.PATH_DELETED.value
        return StoredRow(self.email, unknown_path=self.unknown_path, username=self.username, planned=code, code=code)


def targets_of(job: BulkEnrollmentJob) -> Targets:
    """Return the paths of a job by id and its course runs by the text of their keys, in one query."""
    targets: Targets = {path.pk: path for path in job.learning_paths.all()}
    targets.update((text, CourseKey.from_string(text)) for text in job.course_keys)
    return targets


OUTCOME = ["code", "username", "enrollment_id", "changed_at"]


def read_rows(rows: QuerySet[BulkEnrollmentRow], *, most: int | None = None) -> list[StoredRow]:
    """Return these rows in the order of the request, or as many of them as wanted."""
    return [StoredRow(*values) for values in rows.order_by("pk").values_list(*StoredRow._fields)[:most]]


def with_present_addresses(rows: Iterable[StoredRow]) -> list[StoredRow]:
    """Return the rows with the addresses that their accounts have now, each pair once; without those that have none."""
    rows = list(rows)
    addresses = addresses_by_username({row.username for row in rows})
    found = [row._replace(email=addresses[row.username]) for row in rows if row.username in addresses]
    return list({(row.email, row.learning_path_id): row for row in found}.values())


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
