"""The built-in backend over subscription plans, and the setting that names a backend."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from unittest import mock
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.exceptions import SubscriptionNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.licensing import ContentKey, LicenseBackend, LicenseHolder, PlanData, get_license_backend, plans
from learning_paths.models import LearningPathStep, SubscriptionPlan, SubscriptionPlanCourse
from tests.factories import make_path, make_plan, make_user

PYTHON, STATISTICS, SECURITY = (
    CourseKey.from_string(f"course-v1:DemoX+{number}+2026") for number in ("PY101", "STAT1", "SEC01")
)


class NoLicenses:
    """A backend without plans, and the proof for the type checker that nobody needs to inherit."""

    def get_plan(self, uuid: UUID) -> PlanData:
        raise SubscriptionNotFound

    def plans_for(self, user: User) -> list[PlanData]:
        return []

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        return {}

    def holders(self, licenses: Collection[UUID]) -> dict[UUID, LicenseHolder] | None:
        return None

    def covered(self, plan: PlanData, keys: Collection[ContentKey]) -> set[ContentKey]:
        return set()

    def content(self, plan: PlanData) -> set[ContentKey] | None:
        return None


conforming: LicenseBackend = NoLicenses()


class GetLicenseBackendTests(SimpleTestCase):
    """The setting may change; each class is made once."""

    def test_the_default_and_another(self) -> None:
        first = get_license_backend()
        assert type(first) is plans.PlanBackend
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND=f"{__name__}.NoLicenses"):
            other: object = get_license_backend()
            assert type(other) is NoLicenses
        assert get_license_backend() is first

    @override_settings(LEARNING_PATHS_LICENSE_BACKEND="learning_paths.licensing.nowhere.Backend")
    def test_a_setting_that_names_nothing(self) -> None:
        with pytest.raises(ImportError):
            get_license_backend()


class PlanBackendTests(TestCase):
    """A plan of DemoX for the path of Python and statistics, and one course run besides."""

    backend = plans.PlanBackend()
    plan: SubscriptionPlan
    data: PlanData
    other: PlanData

    @classmethod
    def setUpTestData(cls) -> None:
        path = make_path()
        for key in (PYTHON, STATISTICS):
            LearningPathStep.objects.create(learning_path=path, course_key=key)
        cls.plan = make_plan()
        cls.plan.learning_paths.add(path)
        SubscriptionPlanCourse.objects.create(subscription_plan=cls.plan, course_key=SECURITY)
        cls.data = cls.backend.get_plan(cls.plan.uuid)
        cls.other = cls.backend.get_plan(make_plan("Other").uuid)
        make_user("ana")
        api.assign_licenses(cls.plan, ["ana@example.com", "dan@example.com", "gone@example.com"], acting_user=None)
        api.revoke_license(cls.plan, "gone@example.com", acting_user=None)

    def test_a_plan_as_a_value(self) -> None:
        assert self.data == PlanData(
            uuid=self.plan.uuid,
            title="Spring",
            org="DemoX",
            start_date=self.plan.start_date,
            expiration_date=self.plan.expiration_date,
            is_current=True,
        )
        with pytest.raises(SubscriptionNotFound):
            self.backend.get_plan(uuid4())

    def test_a_plan_that_is_not_current_is_found_and_says_so(self) -> None:
        assert not self.backend.get_plan(make_plan("Off", is_active=False).uuid).is_current

    def test_the_plans_that_are_offered_are_current_and_by_title(self) -> None:
        make_plan("Autumn")
        make_plan("Off", is_active=False)
        make_plan("Over", expiration_date=timezone.now())
        make_plan("To come", start_date=timezone.now() + timedelta(hours=1))
        with self.assertNumQueries(1):
            offered = self.backend.plans_for(User())
        assert [plan.title for plan in offered] == ["Autumn", "Other", "Spring"]

    def test_who_has_a_valid_license(self) -> None:
        uuids = dict(self.plan.licenses.values_list("email", "uuid"))
        asked = ["ana@example.com", "dan@example.com", "gone@example.com", "never@example.com"]
        valid = {email: uuids[email] for email in asked[:2]}
        with self.assertNumQueries(1):
            assert self.backend.valid_licenses(self.data, asked) == valid
        with self.assertNumQueries(1):
            assert self.backend.valid_licenses(self.data, None) == valid
        assert self.backend.valid_licenses(self.other, None) == {}
        with self.assertNumQueries(0):
            assert self.backend.valid_licenses(self.data, []) == {}

    def test_any_number_of_addresses_is_one_query_or_few(self) -> None:
        asked = [*(f"person{n}@example.com" for n in range(500)), "dan@example.com"]
        with self.assertNumQueries(1):
            assert set(self.backend.valid_licenses(self.data, asked)) == {"dan@example.com"}
        with mock.patch("learning_paths.lms.chunks.MAX_IN_LIST", 200), self.assertNumQueries(3):
            assert set(self.backend.valid_licenses(self.data, asked)) == {"dan@example.com"}

    def test_nobody_in_a_plan_that_is_not_current(self) -> None:
        SubscriptionPlan.objects.update(is_active=False)
        assert self.backend.valid_licenses(self.data, ["ana@example.com"]) == {}
        assert self.backend.valid_licenses(self.data, None) == {}

    def test_a_path_covers_its_course_runs(self) -> None:
        path = LearningPathKey.from_string("path-v1:DemoX+DS101+2026")
        unknown = LearningPathKey.from_string("path-v1:DemoX+WEB+2026")
        run = CourseKey.from_string("course-v1:DemoX+NONE+2026")
        with self.assertNumQueries(2):
            covered = self.backend.covered(self.data, [path, unknown, PYTHON, STATISTICS, SECURITY, run])
        assert covered == {path, PYTHON, STATISTICS, SECURITY}
        assert self.backend.covered(self.other, [path, PYTHON, SECURITY]) == set()

    def test_no_more_queries_than_there_are_kinds_of_content(self) -> None:
        with self.assertNumQueries(1):
            assert self.backend.covered(self.data, [SECURITY]) == {SECURITY}
        with self.assertNumQueries(0):
            assert self.backend.covered(self.data, []) == set()

    def test_keys_match_exactly(self) -> None:
        assert self.backend.covered(self.data, [CourseKey.from_string("course-v1:DemoX+py101+2026")]) == set()
        assert self.backend.covered(self.data, [LearningPathKey.from_string("path-v1:demox+DS101+2026")]) == set()
