"""The plugin's settings and their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DEFAULTS: dict[str, Any] = {
    "LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT": False,
    "LEARNING_PATHS_BULK_MAX_PAIRS": 100_000,
    "LEARNING_PATHS_BULK_REASON_REQUIRED": True,
    "LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT": 100,
    "LEARNING_PATHS_BULK_SYNC_LIMIT": 1000,
    "LEARNING_PATHS_ENROLL_LEARNERS_MODE": "best",
    "LEARNING_PATHS_ENTERPRISE_CATALOG_URL": None,
    "LEARNING_PATHS_ENTERPRISE_ROUTES": False,
    "LEARNING_PATHS_LEARNER_PAGES": True,
    "LEARNING_PATHS_LICENSE_BACKEND": "learning_paths.licensing.plans.PlanBackend",
    "LEARNING_PATHS_LICENSE_MANAGER_URL": None,
    "LEARNING_PATHS_LMS": "learning_paths.lms.edx_platform.EdxPlatform",
    "LEARNING_PATHS_OAUTH_CLIENT_ID": None,
    "LEARNING_PATHS_OAUTH_CLIENT_SECRET": None,
    "LEARNING_PATHS_OAUTH_URL": None,
}


LOCALES = str(Path(__file__).parent / "conf" / "locale")


def plugin_settings(settings: Any) -> None:
    """
    Add the defaults to ``settings``, the host's module, and leave alone what the operator has set.

    The catalogs in ``conf/locale``, where Open edX keeps those of its plugins, come after the host's own.
    """
    if LOCALES not in (paths := getattr(settings, "LOCALE_PATHS", ())):
        settings.LOCALE_PATHS = [*paths, LOCALES]
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
