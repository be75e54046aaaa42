"""Course enrollments of paths that are not done."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from learning_paths.data import StepState
from learning_paths.models import LearningPath, StepEnrollment
from learning_paths.queries.clock import untouched_for


def unfinished_step_enrollments(states: Collection[StepState], unchanged_for: timedelta) -> list[int]:
    """Return the ids of those that have been in one of these states for so long, oldest first, in one query."""
    found = StepEnrollment.objects.filter(untouched_for("modified", unchanged_for), state__in=states)
    return list(found.order_by("pk").values_list("pk", flat=True))


def count_failed_step_enrollments(learning_path: LearningPath) -> int:
    """Return how many course enrollments of the path failed, in one query."""
    return StepEnrollment.objects.filter(state=StepState.FAILED, enrollment__learning_path=learning_path).count()
