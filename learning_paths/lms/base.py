"""
What the plugin asks of the platform that it runs in, and the values that come back.

Everything else in the plugin sees the platform through `LMS` alone, so that the same code runs inside edx-platform
(`learning_paths.lms.edx_platform`), in the sandbox, and in a test. Only what is asked for somewhere is part of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from opaque_keys.edx.keys import CourseKey


@dataclass(frozen=True, slots=True)
class CourseRun:
    """
    A course run as the platform lists it.

    `name` is never empty: a run without one is called by the run part of its key. `start` and `end` are None where the
    platform has none.
    """

    key: CourseKey
    name: str
    start: datetime | None
    end: datetime | None


class LMS(Protocol):
    """
    The questions that a platform answers.

    None of them checks what the person behind the question may see: the callers have done so, or show the answer to
    staff only.
    """

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        """
        Look up course runs by key, all in one query unless the database cannot take so many at once.

        Arguments:
            keys: the keys to look up; they match exactly, also where the database compares without case.

        Returns:
            The known runs by key. A key that the platform does not know is absent.
        """

    def search_course_runs(self, text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
        """
        Find the course runs that a person means by a few words, in one query.

        Arguments:
            text: words divided by white space. A run is found when each of them occurs, without regard to case, in its
                name or its key. No words find every run.
            limit: how many runs to return at most.
            offset: how many of those found to pass over, for the next page.

        Returns:
            The runs, ordered by name, then by key.
        """

    def retired_emails(self, emails: Collection[str]) -> set[str]:
        """
        Tell which addresses belonged to accounts that are retired, and must not be invited or written to again.

        The number of queries does not grow with the number of accounts that are found.

        Arguments:
            emails: normalized (stripped, lower-case) addresses.

        Returns:
            Those of `emails` that a retired account had when it was retired. Addresses that an account had before, or
            beside its main one, are not looked at.
        """
