"""System checks: a setting that cannot work is an error at start-up, with a hint."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils.module_loading import import_string

E_SELF_UNENROLLMENT = "learning_paths.E001"
E_LMS = "learning_paths.E002"
E_BULK_LIMIT = "learning_paths.E003"
E_BULK_MAX = "learning_paths.E004"
E_BULK_REASON = "learning_paths.E005"
E_LICENSE_BACKEND = "learning_paths.E006"
E_LICENSE_SERVICES = "learning_paths.E007"
E_LEARNER_PAGES = "learning_paths.E008"
E_OLDER_THAN_0_5_0 = "learning_paths.E009"
E_BULK_COURSE_LIMIT = "learning_paths.E010"
E_ENROLL_LEARNERS_MODE = "learning_paths.E011"
E_ENTERPRISE_ROUTES = "learning_paths.E012"
E_MICROFRONTEND = "learning_paths.E013"
FIRST_MIGRATION = "learning_paths.migrations.0001_tables_of_0_5_0"
BOOLEANS = {
    "LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT": E_SELF_UNENROLLMENT,
    "LEARNING_PATHS_BULK_REASON_REQUIRED": E_BULK_REASON,
    "LEARNING_PATHS_ENTERPRISE_ROUTES": E_ENTERPRISE_ROUTES,
    "LEARNING_PATHS_LEARNER_PAGES": E_LEARNER_PAGES,
}
ENROLL_LEARNERS_MODES = ("best", "default")
LIMITS = {
    "LEARNING_PATHS_BULK_SYNC_LIMIT": (
        E_BULK_LIMIT,
        "It is the number of pairs of address and path that one request handles; the default is 1000.",
    ),
    "LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT": (
        E_BULK_COURSE_LIMIT,
        "It is the number of pairs of address and course run that one request handles; the default is 100.",
    ),
    "LEARNING_PATHS_BULK_MAX_PAIRS": (
        E_BULK_MAX,
        "It is the number of pairs of address and path that one job takes; the default is 100000.",
    ),
}
LICENSE_METHODS = ("get_plan", "plans_for", "valid_licenses", "holders", "covered", "content")
LMS_METHODS = (
    "course_runs",
    "search_course_runs",
    "retired_emails",
    "course_enrollments",
    "best_modes",
    "course_completions",
    "course_grades",
    "course_invitations",
    "preferred_languages",
    "enroll_in_course",
    "invite_to_course",
)


@checks.register
def check_booleans(**kwargs: Any) -> list[checks.CheckMessage]:
    """What is switched on or off is a boolean: the text "False" would switch it on."""
    return [
        checks.Error(f"{name} must be True or False.", hint="Write it without quotes.", id=identity)
        for name, identity in BOOLEANS.items()
        if not isinstance(getattr(settings, name), bool)
    ]


@checks.register
def check_bulk_limits(**kwargs: Any) -> list[checks.CheckMessage]:
    """The limits of bulk enrollment are whole numbers above 0, and a job takes at least what a request takes."""
    errors: list[checks.CheckMessage] = [
        checks.Error(f"{name} must be a whole number above 0.", hint=hint, id=identity)
        for name, (identity, hint) in LIMITS.items()
        if type(limit := getattr(settings, name)) is not int or limit < 1
    ]
    if not errors and settings.LEARNING_PATHS_BULK_MAX_PAIRS < settings.LEARNING_PATHS_BULK_SYNC_LIMIT:
        errors.append(
            checks.Error(
                "LEARNING_PATHS_BULK_MAX_PAIRS must not be below LEARNING_PATHS_BULK_SYNC_LIMIT.",
                hint="A job takes what is too much for one request.",
                id=E_BULK_MAX,
            )
        )
    return errors


@checks.register
def check_enterprise(**kwargs: Any) -> list[checks.CheckMessage]:
    """What is said of edx-enterprise's contract makes sense, and nobody else is to answer at its address."""
    errors: list[checks.CheckMessage] = []
    if settings.LEARNING_PATHS_ENROLL_LEARNERS_MODE not in ENROLL_LEARNERS_MODES:
        errors.append(
            checks.Error(
                "LEARNING_PATHS_ENROLL_LEARNERS_MODE must be “best” or “default”.",
                hint="The best mode that a course run offers is what edx-enterprise enrolls in.",
                id=E_ENROLL_LEARNERS_MODE,
            )
        )
    if settings.LEARNING_PATHS_ENTERPRISE_ROUTES is True and apps.is_installed("enterprise"):
        errors.append(
            checks.Error(
                "LEARNING_PATHS_ENTERPRISE_ROUTES is True, but edx-enterprise is installed and answers there itself.",
                hint="Leave it out, or uninstall edx-enterprise.",
                id=E_ENTERPRISE_ROUTES,
            )
        )
    return errors


@checks.register
def check_lms(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_LMS`` names a class that can be made and speaks the protocol of ``learning_paths.lms.base``."""
    hint = "Leave it out inside the LMS, or name a class with the methods of learning_paths.lms.base.LMS."
    return _check_class("LEARNING_PATHS_LMS", LMS_METHODS, E_LMS, hint)


@checks.register
def check_license_backend(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_LICENSE_BACKEND`` does the same for the protocol of ``learning_paths.licensing.base``."""
    hint = (
        "Leave it out to use the built-in subscription plans, or name a class with the methods of "
        "learning_paths.licensing.base.LicenseBackend."
    )
    return _check_class("LEARNING_PATHS_LICENSE_BACKEND", LICENSE_METHODS, E_LICENSE_BACKEND, hint)


@checks.register
def check_license_services(**kwargs: Any) -> list[checks.CheckMessage]:
    """A license backend that asks other services, and says what it needs for it, has been told all of that."""
    try:
        unusable = import_string(settings.LEARNING_PATHS_LICENSE_BACKEND)().unusable_settings()
    except (ImportError, TypeError, AttributeError):
        return []  # E006, or a backend that needs no settings
    return [
        checks.Error(
            f"{name} is needed by {settings.LEARNING_PATHS_LICENSE_BACKEND}.", hint=hint, id=E_LICENSE_SERVICES
        )
        for name, hint in unusable.items()
    ]


@checks.register
def check_microfrontend(**kwargs: Any) -> list[checks.CheckMessage]:
    """``LEARNING_PATHS_MICROFRONTEND_URL``, to which the addresses of its pages are added, is the beginning of one."""
    url = settings.LEARNING_PATHS_MICROFRONTEND_URL
    if url is None or (isinstance(url, str) and _begins_addresses(url)):
        return []
    return [
        checks.Error(
            "LEARNING_PATHS_MICROFRONTEND_URL must be None, or an address that begins with http:// or https://.",
            hint="Write where frontend-app-learning-paths is, such as https://apps.example.com/learning-paths.",
            id=E_MICROFRONTEND,
        )
    ]


@checks.register(checks.Tags.database)
def check_moved_from_0_5_0(databases: Collection[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """
    A site that comes from ``learning-paths-plugin`` has all migrations of 0.5.0, which our first one replaces.

    With some of them Django can't run ours, and says so in words that tell nobody what to do. ``migrate`` makes the
    checks of databases before it looks at migrations, so this comes first. See ADR 0009.
    """
    replaced = {name for _, name in import_module(FIRST_MIGRATION).Migration.replaces}
    errors: list[checks.CheckMessage] = []
    for alias in databases or ():
        recorder = MigrationRecorder(connections[alias])
        if not recorder.has_table():
            continue
        recorded = recorder.migration_qs.filter(app="learning_paths").values_list("name", flat=True)
        applied = replaced.intersection(recorded)
        missing = replaced - applied
        if applied and missing:
            errors.append(
                checks.Error(
                    f"The database “{alias}” has the tables of a learning-paths-plugin older than 0.5.0: of its "
                    f"{len(replaced)} migrations {len(missing)} are missing, the first of them {min(missing)}.",
                    hint="Install learning-paths-plugin==0.5.0 in place of openedx-learning-paths, run "
                    "“migrate learning_paths” with it, and then come back to this package.",
                    id=E_OLDER_THAN_0_5_0,
                )
            )
    return errors


def _begins_addresses(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname)
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not any(sign in url for sign in " ?#")
    return has_host and is_plain and parts.scheme in {"http", "https"}


def _check_class(name: str, methods: Sequence[str], identity: str, hint: str) -> list[checks.CheckMessage]:
    """Tell whether a setting names a class that can be made without arguments and has these methods."""
    try:
        backend = import_string(getattr(settings, name))()
    except (ImportError, TypeError, AttributeError) as error:
        problem = str(error)
    else:
        missing = [method for method in methods if not callable(getattr(backend, method, None))]
        if not missing:
            return []
        problem = f"it has no {', '.join(missing)}"
    return [checks.Error(f"{name} can't be used: {problem}.", hint=hint, id=identity)]
