"""Means, and whether they are enough."""

from __future__ import annotations

import unittest

import ddt
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from learning_paths.data import PathGrade, PathProgress, StepGrade, StepProgress
from learning_paths.keys import LearningPathKey

KEY = LearningPathKey("DemoX", "DS101", "2026")
SHARES = st.floats(0, 1)


def course(number: int) -> CourseKey:
    return CourseKey.from_string(f"course-v1:DemoX+C{number}+2026")


def progress(*completions: float, required: float = 0.8) -> PathProgress:
    steps = tuple(StepProgress(course(number), completion) for number, completion in enumerate(completions))
    return PathProgress(KEY, required, steps)


def grade(*steps: tuple[float, float], required: float = 0.75) -> PathGrade:
    return PathGrade(
        KEY, required, tuple(StepGrade(course(n), value, weight) for n, (value, weight) in enumerate(steps))
    )


@ddt.ddt
class PathProgressTests(unittest.TestCase):
    """A learner's way through a path."""

    @given(st.lists(SHARES, min_size=1), SHARES)
    def test_it_is_between_the_least_and_the_most(self, completions: list[float], required: float) -> None:
        path = progress(*completions, required=required)
        assert min(completions) - 1e-9 <= path.progress <= max(completions) + 1e-9
        assert (path.next_step is None) == path.completed

    def test_ten_times_eight_tenths_are_eight_tenths(self) -> None:
        assert progress(*[0.8] * 10).completed
        assert not progress(*[0.8] * 9, 0.79).completed

    @ddt.data(
        ((), None),
        ((0.0, 0.0), 0),
        ((0.9, 0.1, 0.2), 1),
        ((0.3, 0.9), 0),
        ((0.7, 0.9), None),
        ((1.0, 1.0), None),
    )
    @ddt.unpack
    def test_what_comes_next(self, completions: tuple[float, ...], expected: int | None) -> None:
        step = progress(*completions).next_step
        assert (step and step.course_key) == (None if expected is None else course(expected))

    def test_a_path_without_steps(self) -> None:
        assert (progress().progress, progress(required=0).completed) == (0.0, False)


class PathGradeTests(unittest.TestCase):
    """A learner's grade in a path."""

    @given(st.lists(st.tuples(SHARES, st.floats(0.01, 100)), min_size=1))
    def test_it_is_between_the_worst_and_the_best(self, steps: list[tuple[float, float]]) -> None:
        grades = [value for value, _ in steps]
        assert min(grades) - 1e-9 <= grade(*steps).grade <= max(grades) + 1e-9

    def test_weights_count(self) -> None:
        assert grade((1.0, 3.0), (0.0, 1.0)).grade == 0.75
        assert grade((1.0, 3.0), (0.0, 1.0)).passed
        assert not grade((1.0, 1.0), (0.0, 1.0)).passed

    def test_steps_without_weight_count_for_nothing(self) -> None:
        assert grade((1.0, 1.0), (0.0, 0.0)).grade == 1.0
        assert (grade((1.0, 0.0)).grade, grade((1.0, 0.0), required=0).passed) == (0.0, False)
        assert (grade().grade, grade(required=0).passed) == (0.0, False)
