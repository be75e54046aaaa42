"""How far learners are in their paths, by what the platform tells of the course runs. See ADR 0008."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects

from learning_paths.data import PathGrade, PathProgress, StepGrade, StepProgress
from learning_paths.lms import get_lms

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from opaque_keys.edx.keys import CourseKey

    from learning_paths.keys import LearningPathKey
    from learning_paths.models import LearningPath


def progress_in(user: User, paths: Collection[LearningPath]) -> dict[LearningPathKey, PathProgress]:
    """
    Return how far a learner is in each of the paths, enrolled or not, by the keys of the paths.

    One call to the platform for all of them, and two queries for steps and criteria that ``paths`` don't know yet.
    What the platform knows nothing of counts as 0. Not checked is whether anybody may see the paths.
    """
    completions = get_lms().course_completions(user, _courses_of(paths))
    return {
        path.key: PathProgress(
            learning_path_key=path.key,
            required_completion=path.criteria.required_completion,
            steps=tuple(
                StepProgress(course_key=step.course_key, completion=completions.get(step.course_key, 0.0))
                for step in path.steps.all()
            ),
        )
        for path in paths
    }


def grades_in(user: User, paths: Collection[LearningPath]) -> dict[LearningPathKey, PathGrade]:
    """Return a learner's grade in each of the paths, in as many queries and with as few checks as ``progress_in``."""
    grades = get_lms().course_grades(user, _courses_of(paths))
    return {
        path.key: PathGrade(
            learning_path_key=path.key,
            required_grade=path.criteria.required_grade,
            steps=tuple(
                StepGrade(course_key=step.course_key, grade=grades.get(step.course_key, 0.0), weight=step.weight)
                for step in path.steps.all()
            ),
        )
        for path in paths
    }


def _courses_of(paths: Collection[LearningPath]) -> set[CourseKey]:
    """Return the course runs of the paths, whose steps and criteria are known afterwards."""
    prefetch_related_objects(list(paths), "steps", "grading_criteria")
    return {step.course_key for path in paths for step in path.steps.all()}
