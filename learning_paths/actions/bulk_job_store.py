"""Storing a bulk job with its rows, in one transaction or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.bulk_enrollment import PAIRS_PER_CHUNK, BulkWork
from learning_paths.actions.bulk_job_rows import StoredRow, insert_rows
from learning_paths.data import RowCode
from learning_paths.exceptions import BulkJobConflict
from learning_paths.models import BulkEnrollmentJob, LearningPath

GONE = gettext_lazy("One of the learning paths was deleted meanwhile. Choose anew, then send it once more.")


@contextmanager
def storing() -> Iterator[None]:
    """Store a job in one transaction. Raise ``BulkJobConflict`` when something that it is about is deleted by now."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise BulkJobConflict(GONE) from error


def store_bulk_job(
    job: BulkEnrollmentJob, work: BulkWork, rows: Iterable[StoredRow], *, deleted: Sequence[StoredRow] = ()
) -> BulkEnrollmentJob:
    """
    Save a job with its targets and rows, in the transaction of the caller.

    First come the rows of what can't be worked on, then those about learning paths that were deleted before.

    Raises:
        BulkJobConflict, IntegrityError: a learning path was deleted meanwhile.
    """
    apart = [*_set_apart(work), *deleted]
    paths = [path.pk for path in work.targets if not isinstance(path, CourseKey)]
    if LearningPath.objects.filter(pk__in=paths).count() < len(paths):
        raise BulkJobConflict(GONE)
    job.subscription = work.subscription
    job.counts = dict(Counter(row.code for row in apart))
    job.deleted_paths = sorted({row.unknown_path for row in deleted})
    job.course_keys = [str(key) for key in work.targets if isinstance(key, CourseKey)]
    job.total = 0
    job.save()
    job.learning_paths.set(paths)
    rows = chain(apart, rows)
    while some := list(islice(rows, PAIRS_PER_CHUNK)):
        insert_rows(job, some)
        job.total += sum(row.is_pair for row in some)
    job.save(update_fields=["total"])
    return job


def _set_apart(work: BulkWork) -> list[StoredRow]:
    """Return the rows of what can't be worked on, which have their outcome from the beginning."""
    rows = [(RowCode.INVALID_EMAIL, StoredRow(entry.text, line=entry.line)) for entry in work.invalid_emails]
    rows += [(RowCode.UNKNOWN_PATH, StoredRow(unknown_path=text)) for text in work.invalid_learning_paths]
    rows += [(RowCode.INVALID_COURSE, StoredRow(unknown_path=text)) for text in work.invalid_course_keys]
    rows += [(RowCode.UNLICENSED, StoredRow(email)) for email in work.unlicensed_emails]
    rows += [(RowCode.UNCOVERED, StoredRow(unknown_path=text)) for text in work.uncovered_content]
    return [row._replace(planned=code.value, code=code.value) for code, row in rows]
