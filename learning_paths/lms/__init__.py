"""The boundary to the platform: whatever the plugin asks of the LMS, it asks of `get_lms()`."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from learning_paths.lms.base import LMS, CourseEnrollmentState, CourseRun, best_mode_of, is_better_mode

__all__ = ["LMS", "CourseEnrollmentState", "CourseRun", "best_mode_of", "get_lms", "is_better_mode"]


def get_lms() -> LMS:
    """
    Return the platform that `LEARNING_PATHS_LMS` names.

    The object is made once for each dotted path, so a test may override the setting. That the class keeps to the
    protocol is not checked here.

    Raises:
        ImportError: the setting names nothing that can be imported.
    """
    return _load(settings.LEARNING_PATHS_LMS)


@cache
def _load(dotted_path: str) -> LMS:
    lms: LMS = import_string(dotted_path)()
    return lms
