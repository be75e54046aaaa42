"""The setting that names the platform, and what `get_lms` makes of it."""

from collections.abc import Collection

import pytest
from django.contrib.auth.models import User
from django.test import SimpleTestCase, override_settings
from opaque_keys.edx.keys import CourseKey

from learning_paths.exceptions import CourseNotFound
from learning_paths.lms import LMS, CourseEnrollmentState, CourseRun, get_lms
from learning_paths.lms.edx_platform import EdxPlatform


class EmptyPlatform:
    """A platform without courses, and the proof for the type checker that nobody needs to inherit from `LMS`."""

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        return {}

    def search_course_runs(self, text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
        return []

    def retired_emails(self, emails: Collection[str]) -> set[str]:
        return set()

    def course_enrollments(
        self, user_ids: Collection[int], course_keys: Collection[CourseKey]
    ) -> dict[tuple[int, CourseKey], str]:
        return {}

    def best_modes(self, course_keys: Collection[CourseKey]) -> dict[CourseKey, str]:
        return {}

    def course_completions(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        return {}

    def course_grades(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        return {}

    def course_invitations(
        self, emails: Collection[str], course_keys: Collection[CourseKey]
    ) -> set[tuple[str, CourseKey]]:
        return set()

    def preferred_languages(self, user_ids: Collection[int]) -> dict[int, str]:
        return {}

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
        raise CourseNotFound

    def invite_to_course(self, email: str, course_key: CourseKey, *, acting_user: User | None, reason: str) -> bool:
        raise CourseNotFound


class OtherPlatform(EmptyPlatform):
    """Another one."""


conforming: LMS = EmptyPlatform()


class GetLMSTest(SimpleTestCase):
    @override_settings(LEARNING_PATHS_LMS="learning_paths.lms.edx_platform.EdxPlatform")
    def test_the_default_needs_no_platform_until_it_is_asked(self) -> None:
        lms = get_lms()
        assert isinstance(lms, EdxPlatform)
        with pytest.raises(ModuleNotFoundError):
            lms.course_runs([CourseKey.from_string("course-v1:DemoX+DS101+2026")])

    def test_the_setting_may_change_and_change_back(self) -> None:
        with override_settings(LEARNING_PATHS_LMS=f"{__name__}.EmptyPlatform"):
            first = get_lms()
            assert type(first) is EmptyPlatform
            with override_settings(LEARNING_PATHS_LMS=f"{__name__}.OtherPlatform"):
                assert type(get_lms()) is OtherPlatform
            assert get_lms() is first

    @override_settings(LEARNING_PATHS_LMS="learning_paths.lms.nowhere.Platform")
    def test_a_setting_that_names_nothing(self) -> None:
        with pytest.raises(ImportError):
            get_lms()
