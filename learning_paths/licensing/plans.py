"""The built-in answer about licenses: the subscription plans that staff keep in the admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from opaque_keys.edx.keys import CourseKey

from learning_paths.exceptions import SubscriptionNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.licensing.base import ContentKey, LicenseBackend, LicenseHolder, PlanData
from learning_paths.lms.chunks import chunks
from learning_paths.models import LearningPath, LearningPathStep, License, SubscriptionPlan, SubscriptionPlanCourse

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class PlanBackend(LicenseBackend):
    """The default of ``LEARNING_PATHS_LICENSE_BACKEND``. The promises are those of the protocol."""

    def get_plan(self, uuid: UUID) -> PlanData:
        """See ``LicenseBackend.get_plan``. One query."""
        plan = SubscriptionPlan.objects.filter(uuid=uuid).first()
        if plan is None:
            raise SubscriptionNotFound
        return _as_data(plan)

    def plans_for(self, user: User) -> list[PlanData]:
        """See ``LicenseBackend.plans_for``. One query; every member of staff is offered the same."""
        return [_as_data(plan) for plan in SubscriptionPlan.objects.current().order_by("title", "pk")]

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        """See ``LicenseBackend.valid_licenses``. One query, or one for each ten thousand addresses."""
        licenses = License.objects.valid().filter(subscription_plan__uuid=plan.uuid)
        if emails is None:
            return dict(licenses.values_list("email", "uuid"))
        found: dict[str, UUID] = {}
        for some in chunks(emails, licenses.db):
            found.update(licenses.filter(email__in=some).values_list("email", "uuid"))
        return found

    def holders(self, licenses: Collection[UUID]) -> dict[UUID, LicenseHolder] | None:
        """See ``LicenseBackend.holders``. One query for each ten thousand licenses."""
        valid = License.objects.valid().select_related("subscription_plan")
        return {
            license.uuid: LicenseHolder(license.email, _as_data(license.subscription_plan))
            for some in chunks(licenses, valid.db)
            for license in valid.filter(uuid__in=some)
        }

    def covered(self, plan: PlanData, keys: Collection[ContentKey]) -> set[ContentKey]:
        """See ``LicenseBackend.covered``. One query for paths and one for course runs, if there are any among them."""
        offered: set[ContentKey] = set()
        if any(isinstance(key, LearningPathKey) for key in keys):
            offered |= _paths_of(plan)
        if any(isinstance(key, CourseKey) for key in keys):
            offered |= _course_runs_of(plan)
        return offered & set(keys)

    def content(self, plan: PlanData) -> set[ContentKey] | None:
        """See ``LicenseBackend.content``. Two queries."""
        return _paths_of(plan) | _course_runs_of(plan)


def _paths_of(plan: PlanData) -> set[ContentKey]:
    return set(LearningPath.objects.filter(subscription_plans__uuid=plan.uuid).values_list("key", flat=True))


def _course_runs_of(plan: PlanData) -> set[ContentKey]:
    runs = SubscriptionPlanCourse.objects.filter(subscription_plan__uuid=plan.uuid)
    steps = LearningPathStep.objects.filter(learning_path__subscription_plans__uuid=plan.uuid).order_by()
    keys = runs.values_list("course_key", flat=True).union(steps.values_list("course_key", flat=True))
    return set(filter(None, keys))


def _as_data(plan: SubscriptionPlan) -> PlanData:
    return PlanData(
        uuid=plan.uuid,
        title=plan.title,
        org=plan.org,
        start_date=plan.start_date,
        expiration_date=plan.expiration_date,
        is_current=plan.is_current,
    )
