"""System checks: a setting that cannot work is an error at start-up, with a hint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

E_SELF_UNENROLLMENT = "learning_paths.E001"
E_LMS = "learning_paths.E002"
E_BULK_LIMIT = "learning_paths.E003"
LMS_METHODS = ("course_runs", "search_course_runs", "retired_emails")


@checks.register
def check_self_unenrollment(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT`` is a boolean: the text "False" would switch it on."""
    if isinstance(settings.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT, bool):
        return []
    return [
        checks.Error(
            "LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT must be True or False.",
            hint="Write it without quotes.",
            id=E_SELF_UNENROLLMENT,
        )
    ]


@checks.register
def check_bulk_limit(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_BULK_SYNC_LIMIT`` is a whole number above 0."""
    limit = settings.LEARNING_PATHS_BULK_SYNC_LIMIT
    if type(limit) is int and limit > 0:
        return []
    return [
        checks.Error(
            "LEARNING_PATHS_BULK_SYNC_LIMIT must be a whole number above 0.",
            hint="It is the number of pairs of address and path that one request handles; the default is 1000.",
            id=E_BULK_LIMIT,
        )
    ]


@checks.register
def check_lms(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_LMS`` names a class that can be made and speaks the protocol of ``learning_paths.lms.base``."""
    try:
        backend = import_string(settings.LEARNING_PATHS_LMS)()
    except (ImportError, TypeError, AttributeError) as error:
        problem = str(error)
    else:
        missing = [name for name in LMS_METHODS if not callable(getattr(backend, name, None))]
        if not missing:
            return []
        problem = f"it has no {', '.join(missing)}"
    return [
        checks.Error(
            f"LEARNING_PATHS_LMS can't be used: {problem}.",
            hint="Leave it out inside the LMS, or name a class with the methods of learning_paths.lms.base.LMS.",
            id=E_LMS,
        )
    ]
