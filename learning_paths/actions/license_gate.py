"""The gate in front of bulk enrollment: who has a license of a subscription, and what the subscription covers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from opaque_keys.edx.keys import CourseKey

from learning_paths.data import GateResult, SubscriptionOffer
from learning_paths.exceptions import SubscriptionNotCurrent
from learning_paths.keys import LearningPathKey
from learning_paths.licensing import ContentKey, PlanData, get_license_backend

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def apply_license_gate(plan_uuid: UUID, emails: Iterable[str] | None, keys: Iterable[ContentKey]) -> GateResult:
    """
    Divide addresses and content into what a subscription allows and what it does not. Reads only.

    The site's license backend answers. Whether the person who asks may use the plan is for the caller to check.

    Arguments:
        plan_uuid: the subscription plan.
        emails: normalized addresses; None for everyone who has a valid license, by address.
        keys: the learning paths and course runs.

    Raises:
        SubscriptionNotFound: there is no such plan.
        SubscriptionNotCurrent: none of its licenses count now.
        LicensesUnavailable: the service that knows could not be asked.
    """
    backend = get_license_backend()
    plan = backend.get_plan(plan_uuid)
    if not plan.is_current:
        raise SubscriptionNotCurrent
    asked = None if emails is None else tuple(dict.fromkeys(emails))
    content = tuple(dict.fromkeys(keys))
    licenses = backend.valid_licenses(plan, asked) if asked is None or asked else {}
    covered = backend.covered(plan, content) if content else set()
    everyone = tuple(sorted(licenses)) if asked is None else asked
    return GateResult(
        licensed_emails=tuple(email for email in everyone if email in licenses),
        unlicensed_emails=tuple(email for email in everyone if email not in licenses),
        covered_keys=tuple(key for key in content if key in covered),
        uncovered_keys=tuple(key for key in content if key not in covered),
    )


def offered_plans(user: User) -> list[PlanData]:
    """
    Return the current subscription plans among which a member of staff may choose, by title.

    Raises:
        LicensesUnavailable: the service that knows could not be asked.
    """
    return get_license_backend().plans_for(user)


def subscription_offer(plan_uuid: UUID) -> SubscriptionOffer:
    """
    Return what can be chosen from within a subscription: the holders of valid licenses, and what it covers, sorted.

    Raises:
        SubscriptionNotFound, SubscriptionNotCurrent, LicensesUnavailable: as ``apply_license_gate``.
    """
    backend = get_license_backend()
    plan = backend.get_plan(plan_uuid)
    if not plan.is_current:
        raise SubscriptionNotCurrent
    content = backend.content(plan)
    keys = sorted(content or (), key=str)
    return SubscriptionOffer(
        uuid=plan.uuid,
        title=plan.title,
        holders=tuple(sorted(backend.valid_licenses(plan, None))),
        path_keys=None if content is None else tuple(key for key in keys if isinstance(key, LearningPathKey)),
        course_keys=None if content is None else tuple(key for key in keys if isinstance(key, CourseKey)),
    )
