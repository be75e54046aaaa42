"""
What the plugin asks of the platform that it runs in, and the values that come back.

Everything else in the plugin sees the platform through `LMS` alone, so that the same code runs inside edx-platform
(`learning_paths.lms.edx_platform`), in the sandbox, and in a test. Only what is asked for somewhere is part of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from opaque_keys.edx.keys import CourseKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MODES_BEST_FIRST = ("verified", "professional", "no-id-professional", "audit", "honor", "unpaid-executive-education")
"""The modes among which edx-enterprise chooses for its learners, in its order."""


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


@dataclass(frozen=True, slots=True)
class CourseEnrollmentState:
    """
    What `enroll_in_course` left.

    `created` tells that there was no active enrollment before; a former one that was switched on again counts as
    created. `mode_changed` tells that there was an active one, in another mode than `mode`.
    """

    created: bool
    mode: str
    mode_changed: bool


def best_mode_of(modes: Collection[str]) -> str | None:
    """Return the best of these modes; None where none of them is among those that there is a choice of."""
    return next((mode for mode in MODES_BEST_FIRST if mode in modes), None)


def is_better_mode(mode: str, than: str) -> bool:
    """
    Return whether a mode is better than the one that a learner has.

    Nothing is better than a mode that there is no choice of, such as that of a degree: it was given for a reason.
    """
    return than in MODES_BEST_FIRST and mode != than and best_mode_of({mode, than}) == mode


class LMS(Protocol):
    """
    The questions that a platform answers, and the two things that it is asked to do.

    None of them checks what the person behind the question may see or do: the callers have done so, or show the answer
    to staff only. What changes something does it in one transaction, a savepoint inside the caller's if there is one,
    so that the caller's goes on after a failure, and raises what its docstring names and nothing else. The one
    exception is an error with which the database broke the caller's whole transaction: that comes through as it is.
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

    def course_enrollments(
        self, user_ids: Collection[int], course_keys: Collection[CourseKey]
    ) -> dict[tuple[int, CourseKey], str]:
        """
        Look up who is enrolled in what, all in one query unless the database cannot take so many values at once.

        Arguments:
            user_ids: the accounts to look at.
            course_keys: the course runs to look at; they match exactly, also where the database compares without case.

        Returns:
            The mode of each active enrollment, by account and course run.
        """

    def best_modes(self, course_keys: Collection[CourseKey]) -> dict[CourseKey, str]:
        """
        Look up the best mode that each course run offers today, in as few queries as `course_runs`.

        Arguments:
            course_keys: the course runs to look at; they match exactly, also where the database compares without case.

        Returns:
            The mode of each run that is the first in `MODES_BEST_FIRST`. A run that offers none of these, of which no
            mode is set, or that the platform does not know, is absent: then its default mode is all there is.
        """

    def course_completions(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """
        Look up how much of each course run a learner has completed.

        One query for all of them where the platform keeps that figure, unless the database cannot take so many values
        at once; else what it takes to count, for each run in which the learner is actively enrolled.

        Arguments:
            user: the learner.
            course_keys: the course runs to look at; they match exactly, also where the database compares without case.

        Returns:
            The completed share of each run, from 0 to 1. A run in which the learner completed nothing, or that the
            platform does not know or cannot tell about, may be absent.
        """

    def course_grades(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """
        Look up which grade the platform recorded for a learner in each course run, in as few queries as `course_runs`.

        Arguments:
            user: the learner.
            course_keys: the course runs to look at; they match exactly, also where the database compares without case.

        Returns:
            The grade in each run, from 0 to 1. A run without a recorded grade is absent.
        """

    def course_invitations(
        self, emails: Collection[str], course_keys: Collection[CourseKey]
    ) -> set[tuple[str, CourseKey]]:
        """
        Look up which addresses wait for an account to be enrolled in what, in as many queries as `course_enrollments`.

        Arguments:
            emails: normalized (stripped, lower-case) addresses.
            course_keys: the course runs to look at; they match exactly, also where the database compares without case.

        Returns:
            The pairs of address and course run for which `invite_to_course` would have nothing to do. One that an
            account has used is not among them.
        """

    def preferred_languages(self, user_ids: Collection[int]) -> dict[int, str]:
        """
        Look up in which language learners want to be written to, all in one query unless they are too many for one.

        Arguments:
            user_ids: the accounts to look at.

        Returns:
            The language of each account that chose one. Whether the site has texts in it is not looked at.
        """

    def enroll_in_course(
        self,
        user: User,
        course_key: CourseKey,
        *,
        mode: str | None,
        force: bool,
        acting_user: User | None,
        reason: str,
    ) -> CourseEnrollmentState:
        """
        See to it that a learner is actively enrolled in a course run. Done again, it changes nothing.

        The platform's own signals, events and history are those of any other enrollment. Its own audit gets a row when
        something changed and `acting_user` is somebody else than the learner. Who is actively enrolled stays so,
        whether or not the course is still open or has room.

        Arguments:
            user: the learner, whose account may be inactive.
            course_key: the course run.
            mode: the mode to enroll in. None leaves an active enrollment in its mode, and is otherwise the course's
                default mode, also for somebody who had another mode before leaving.
            force: enroll even where enrollment has not begun, is over, or is by invitation only, and where the course
                is full. The mode must be offered all the same.
            acting_user: who asked for it; None for the system.
            reason: what the platform's audit row says.

        Raises:
            CourseNotFound: the platform does not know the course run.
            CourseModeNotAvailable: it does not offer the mode, or has no default one.
            CourseEnrollmentClosed: it is not open for enrollment for this learner.
            CourseFull: it has no room.
            CourseEnrollmentRefused: a rule that the site added to its platform keeps this learner out.
            CourseEnrollmentFailed: anything else that went wrong; the log tells what.
        """

    def invite_to_course(self, email: str, course_key: CourseKey, *, acting_user: User | None, reason: str) -> bool:
        """
        Have the platform enroll the owner of an address as soon as there is one with an active account.

        Done again, it changes nothing. Neither whether there is such an account nor whether the course is open and has
        room is looked at: the platform lets those in who were invited. The mode will be the course's default one.

        Arguments:
            email: a normalized (stripped, lower-case) address.
            course_key: the course run.
            acting_user: who asked for it; None for the system. The platform's audit gets a row if there is somebody.
            reason: what the platform's audit row says, and again at the enrollment.

        Returns:
            Whether something had to change.

        Raises:
            CourseNotFound: the platform does not know the course run.
            InvitationTaken: an account that has another address now has used the invitation of this one.
            CourseEnrollmentFailed: anything else that went wrong; the log tells what.
        """
