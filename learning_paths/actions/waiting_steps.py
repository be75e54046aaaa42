"""
Writing down in which courses those who enroll in a path are to be enrolled. See ADR 0007, "Paths and their courses".

It is written in the transaction of the enrollment in the path, and done after its commit by whoever listens to
``signals.step_enrollments_waiting``. So no course keeps a learner out of a path, and nothing is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from learning_paths.actions.after_commit import after_commit
from learning_paths.data import StepState
from learning_paths.models import LearningPath, LearningPathStep, StepEnrollment
from learning_paths.signals import step_enrollments_waiting

if TYPE_CHECKING:
    from opaque_keys.edx.keys import CourseKey

ROWS_PER_STATEMENT = 10_000


def expect_steps(enrolled: Sequence[tuple[int, LearningPath]], *, enrolled_by_id: int | None, renewed: bool) -> None:
    """
    Write down in which course runs the learners of these enrollments are to be enrolled, and tell after the commit.

    For the other actions only, inside their transaction, which has just made or renewed the enrollments. No query when
    none of the paths enrolls in courses; three otherwise, however many enrollments, paths and steps there are.

    Arguments:
        enrolled: the ids of the enrollments, each with its path.
        enrolled_by_id: whom the platform's audit is to name; None for the system.
        renewed: whether any of the enrollments was there before.
    """
    asking = [(pk, path) for pk, path in enrolled if path.course_enrollment != LearningPath.CourseEnrollment.NONE]
    if not asking:
        return
    steps = _steps_of({path.pk: path for _, path in asking})
    now = timezone.now()
    rows = [
        StepEnrollment(
            enrollment_id=pk, course_key=course_key, acting_user_id=enrolled_by_id, created=now, modified=now
        )
        for pk, path in asking
        for course_key in steps.get(path.pk, [])
    ]
    if rows:
        _insert(rows, renewed=renewed)
        tell_after_commit(StepEnrollment.objects.filter(enrollment__in={row.enrollment_id for row in rows}))


def tell_after_commit(rows: QuerySet[StepEnrollment]) -> None:
    """Send the ids of those of the rows that wait after the commit, if any; one query."""
    ids = list(rows.filter(state=StepState.WAITING).order_by("pk").values_list("pk", flat=True))
    if ids:
        after_commit("tell of course enrollments that wait", lambda: _send(ids))


def _send(ids: list[int]) -> None:
    step_enrollments_waiting.send(sender=StepEnrollment, ids=ids)


def _steps_of(paths: Mapping[int, LearningPath]) -> dict[int, list[CourseKey]]:
    """Return the course runs in which each path enrolls, in one query, in the order of the steps."""
    steps: dict[int, list[CourseKey]] = defaultdict(list)
    found = LearningPathStep.objects.filter(learning_path__in=paths.keys())
    for path_id, course_key in found.values_list("learning_path_id", "course_key"):
        if not steps[path_id] or paths[path_id].course_enrollment == LearningPath.CourseEnrollment.ALL:
            steps[path_id].append(course_key)
    return steps


def _insert(rows: Sequence[StepEnrollment], *, renewed: bool) -> None:
    """
    Insert the rows; those that an enrollment has from before wait once more.

    The latter only where there can be any: on MySQL looking for them takes locks that a plain insert does not.
    """
    if not renewed:
        StepEnrollment.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)
        return
    targeted = connections[StepEnrollment.objects.db].features.supports_update_conflicts_with_target
    StepEnrollment.objects.bulk_create(
        rows,
        batch_size=ROWS_PER_STATEMENT,
        update_conflicts=True,
        update_fields=["course_key", "state", "code", "acting_user", "modified"],
        unique_fields=["enrollment", "course_key"] if targeted else None,
    )
