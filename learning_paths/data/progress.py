"""How far a learner is in a path, and how well the learner does. See ADR 0008."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isclose

from opaque_keys.edx.keys import CourseKey

from learning_paths.keys import LearningPathKey


@dataclass(frozen=True, slots=True)
class StepProgress:
    """The share of a step's course run that the learner completed, from 0 to 1."""

    course_key: CourseKey
    completion: float


@dataclass(frozen=True, slots=True)
class PathProgress:
    """The progress of one learner in one path. The steps are in the order of the path."""

    learning_path_key: LearningPathKey
    required_completion: float
    steps: tuple[StepProgress, ...]

    @property
    def progress(self) -> float:
        """The mean of what is completed of the steps, from 0 to 1; 0 for a path without steps."""
        return fsum(step.completion for step in self.steps) / len(self.steps) if self.steps else 0.0

    @property
    def completed(self) -> bool:
        """Whether that is as much as the path asks for. A path without steps is never completed."""
        return bool(self.steps) and _reaches(self.progress, self.required_completion)

    @property
    def next_step(self) -> StepProgress | None:
        """The first step of which less is completed than the path asks for on the whole; None when it is completed."""
        if self.completed:
            return None
        return next((step for step in self.steps if not _reaches(step.completion, self.required_completion)), None)


@dataclass(frozen=True, slots=True)
class StepGrade:
    """The grade in a step's course run, from 0 to 1, and its weight in the grade of the path."""

    course_key: CourseKey
    grade: float
    weight: float


@dataclass(frozen=True, slots=True)
class PathGrade:
    """The grade of one learner in one path. The steps are in the order of the path."""

    learning_path_key: LearningPathKey
    required_grade: float
    steps: tuple[StepGrade, ...]

    @property
    def grade(self) -> float:
        """The weighted mean of the grades of the steps; 0 where there are no steps or none has any weight."""
        weights = fsum(step.weight for step in self.steps)
        return fsum(step.grade * step.weight for step in self.steps) / weights if weights > 0 else 0.0

    @property
    def passed(self) -> bool:
        """Whether that is as much as the path asks for. Without a step of some weight there is nothing to pass."""
        return any(step.weight > 0 for step in self.steps) and _reaches(self.grade, self.required_grade)


def _reaches(value: float, required: float) -> bool:
    """Tell whether the value is enough. A mean of tenths may be a hair below what it would be on paper."""
    return value >= required or isclose(value, required, abs_tol=1e-9)
