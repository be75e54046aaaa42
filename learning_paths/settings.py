"""The plugin's settings and their defaults."""

from __future__ import annotations

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
    "LEARNING_PATHS_MICROFRONTEND_URL": None,
    "LEARNING_PATHS_OAUTH_CLIENT_ID": None,
    "LEARNING_PATHS_OAUTH_CLIENT_SECRET": None,
    "LEARNING_PATHS_OAUTH_URL": None,
}


def plugin_settings(settings: Any) -> None:
    """
    Add the defaults to ``settings``, the host's module, and leave alone what the operator has set.

    Nothing else is read or changed: when the LMS calls this, settings of the platform can be objects that stand for a
    value that is worked out later, and even to look into one is an error then. See ADR 0002.
    """
    for name, value in DEFAULTS.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
