"""Settings that cannot work are errors at start-up."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.apps import apps
from django.core.checks import run_checks
from django.test import SimpleTestCase, override_settings

from learning_paths import settings as plugin_settings_module
from learning_paths.checks import (
    E_BULK_COURSE_LIMIT,
    E_BULK_LIMIT,
    E_ENROLL_LEARNERS_MODE,
    E_ENTERPRISE_ROUTES,
    E_LEARNER_PAGES,
    E_LICENSE_BACKEND,
    E_LMS,
    E_MICROFRONTEND,
    E_SELF_UNENROLLMENT,
)


def ids() -> list[str]:
    """The ids of this package's errors."""
    return [str(error.id) for error in run_checks() if str(error.id).startswith("learning_paths.")]


@ddt.ddt
class CheckTests(SimpleTestCase):
    """One good and many bad values of each setting."""

    def test_the_sandbox_is_fine(self) -> None:
        assert ids() == []

    @ddt.data("False", 0, None)
    def test_self_unenrollment(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=value):
            assert ids() == [E_SELF_UNENROLLMENT]

    @ddt.data("False", 0, None)
    def test_learner_pages(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_LEARNER_PAGES=value):
            assert ids() == [E_LEARNER_PAGES]

    @ddt.data(
        "no.such.module.Class",
        "learning_paths.lms.base.NoSuchClass",
        "nonsense",
        "builtins.dict",
        "builtins.len",
        None,
        7,
    )
    def test_lms(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_LMS=value):
            assert ids() == [E_LMS]

    @ddt.data(
        "no.such.module.Class",
        "learning_paths.licensing.base.NoSuchClass",
        "learning_paths.models.License",
        "nonsense",
        "builtins.len",
        None,
        7,
    )
    def test_license_backend(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND=value):
            assert ids() == [E_LICENSE_BACKEND]

    @ddt.data(0, -1, "10", True, None, 10.5)
    def test_bulk_limit(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=value):
            assert ids() == [E_BULK_LIMIT]

    @ddt.data(0, -1, "10", True, None, 10.5)
    def test_bulk_course_limit(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT=value):
            assert ids() == [E_BULK_COURSE_LIMIT]

    @ddt.data("verified", "", None, True, 7)
    def test_enroll_learners_mode(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_ENROLL_LEARNERS_MODE=value):
            assert ids() == [E_ENROLL_LEARNERS_MODE]

    @ddt.data("False", 0, None)
    def test_enterprise_routes(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=value):
            assert ids() == [E_ENTERPRISE_ROUTES]

    def test_the_routes_of_edx_enterprise_are_its_own(self) -> None:
        is_installed = apps.is_installed
        with mock.patch.object(apps, "is_installed", lambda name: name == "enterprise" or is_installed(name)):
            assert ids() == []
            with override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=True):
                assert ids() == [E_ENTERPRISE_ROUTES]

    @ddt.data(None, "http://localhost:2100", "https://apps.example.com/learning-paths/")
    def test_microfrontend(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_MICROFRONTEND_URL=value):
            assert ids() == []

    @ddt.data(
        "",
        "/learning-paths",
        "apps.example.com/learning-paths",
        "https://",
        "https://[",
        "javascript:alert(1)",
        "https://apps.example.com/learning-paths?x=1",
        "https://apps.example.com/#/",
        "https://apps.example.com/a b",
        "https://apps.example.com/\n",
        True,
        7,
    )
    def test_no_microfrontend(self, value: Any) -> None:
        with override_settings(LEARNING_PATHS_MICROFRONTEND_URL=value):
            assert ids() == [E_MICROFRONTEND]

    def test_the_platform_backend_is_accepted_outside_a_platform(self) -> None:
        with override_settings(LEARNING_PATHS_LMS="learning_paths.lms.edx_platform.EdxPlatform"):
            assert ids() == []


class DefaultsTests(SimpleTestCase):
    """The plugin adds defaults and leaves the operator's values alone."""

    def test_additive(self) -> None:
        class Host:
            LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT = True

        plugin_settings_module.plugin_settings(Host)
        plugin_settings_module.plugin_settings(Host)
        assert Host.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT is True
        assert Host.LEARNING_PATHS_LMS == "learning_paths.lms.edx_platform.EdxPlatform"  # type: ignore[attr-defined]
