"""How much one request does itself. What is more becomes a job, or is refused where the clients know no jobs."""

from __future__ import annotations

from django.conf import settings

SENT_BY_LICENSE_MANAGER = 25 * 25
"""Entries: license-manager sends 25 learners for 25 course runs in one request, and waits three minutes."""


def is_too_much_for_a_request(pairs: int, course_pairs: int = 0) -> bool:
    """
    Return whether so many pairs are more than one request does itself.

    A pair of a course run takes the platform some 25 ms, one of a learning path a small part of that, so that course
    runs have a limit of their own.

    Arguments:
        pairs: all pairs, each of an address and a learning path or course run.
        course_pairs: those of them that are about a course run.
    """
    return (
        pairs > settings.LEARNING_PATHS_BULK_SYNC_LIMIT or course_pairs > settings.LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT
    )


def most_listed_pairs() -> int:
    """
    Return how many pairs of a learner and a course run one request may list, whose client knows no jobs.

    That is what license-manager sends, which would take a refusal for a fault, or the limit for course runs where that
    is higher; but never more than one request does of all pairs. See ADR 0006.
    """
    of_courses = max(settings.LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT, SENT_BY_LICENSE_MANAGER)
    return min(settings.LEARNING_PATHS_BULK_SYNC_LIMIT, of_courses)
