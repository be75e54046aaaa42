"""What stands around everything that the plugin has a platform do or work out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from learning_paths.exceptions import CourseEnrollmentFailed, LearningPathsError
from learning_paths.traces import trace

log = logging.getLogger(__name__)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """
    Run the body in a transaction, or a savepoint inside the caller's, and let no error out but those of the domain.

    What nobody foresaw is logged with where it happened and raised as `CourseEnrollmentFailed`. One case is not ours to
    hide: when the caller's whole transaction is broken, as MySQL leaves it to resolve a deadlock, the error comes
    through, since whoever goes on would lose what was done before without a word.

    Arguments:
        what: what the body does, for the log: "enroll user 7 in course-v1:DemoX+DS101+2026".

    Raises:
        LearningPathsError: as the body raised it, or CourseEnrollmentFailed.
    """
    try:
        with transaction.atomic():
            yield
    except LearningPathsError:
        raise
    except Exception as error:
        if transaction.get_connection().needs_rollback:
            raise
        log.error("Learning paths: the platform could not %s\n%s", what, trace(error))
        raise CourseEnrollmentFailed from error


@contextmanager
def passed_over(what: str, *, unknown: type[Exception]) -> Iterator[None]:
    """
    Run the body as `guarded` does, and go on after it if it fails, so that one failure does not cost other answers.

    Arguments:
        what: what the body does, for the log: "tell what user 7 has completed in course-v1:DemoX+DS101+2026".
        unknown: what the platform raises when it does not know what it is asked about. That is the author's to mend,
            and comes again with each view of a page, so it is a line for those who debug, without a traceback.

    Raises:
        Exception: what broke the caller's whole transaction, and nothing else.
    """
    try:
        with transaction.atomic():
            yield
    except Exception as error:
        if transaction.get_connection().needs_rollback:
            raise
        if isinstance(error, unknown):
            log.debug("Learning paths: the platform does not know it: %s", what)
        else:
            log.error("Learning paths: the platform could not %s\n%s", what, trace(error))
