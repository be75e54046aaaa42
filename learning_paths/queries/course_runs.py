"""What the platform tells about its course runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from learning_paths.lms import get_lms

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from opaque_keys.edx.keys import CourseKey

    from learning_paths.lms.base import CourseRun


def get_course_runs(keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
    """Return the course runs with these keys, in one call to the platform; those it does not know are absent."""
    return get_lms().course_runs(keys)


def search_course_runs(text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
    """Return at most ``limit`` course runs with every word of ``text`` in their name or key, ordered by name."""
    return get_lms().search_course_runs(text, limit=limit, offset=offset)


def enrolled_course_runs(user: User, keys: Collection[CourseKey]) -> set[CourseKey]:
    """Return in which of the course runs a learner is actively enrolled, in one call to the platform."""
    return {key for _, key in get_lms().course_enrollments([user.pk], keys)}
