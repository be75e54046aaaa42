"""
What the plugin asks of whoever grants licenses, and the values that come back.

The built-in answer is ``learning_paths.licensing.plans``. A site whose licenses are kept elsewhere names a class of its
own in ``LEARNING_PATHS_LICENSE_BACKEND``; it is made once, without arguments, and used by several threads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias
from uuid import UUID

from opaque_keys.edx.keys import CourseKey

from learning_paths.keys import LearningPathKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ContentKey: TypeAlias = LearningPathKey | CourseKey


@dataclass(frozen=True, slots=True)
class PlanData:
    """
    A subscription plan as it stood when it was asked for.

    ``is_current``: it is active and within its dates, so that its licenses count.
    """

    uuid: UUID
    title: str
    org: str
    start_date: datetime
    expiration_date: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class LicenseHolder:
    """Whose a valid license is, and of which plan."""

    email: str
    plan: PlanData


class LicenseBackend(Protocol):
    """
    The questions about licenses.

    None of them checks what the person behind the question may do: the callers have done so. Each raises
    ``LicensesUnavailable`` when the answer can't be had.

    A backend that asks another service ought to call ``learning_paths.licensing.still_asking`` before each request to
    it, and to let what that raises pass. It may leave that out where an answer never takes a minute.
    """

    def get_plan(self, uuid: UUID) -> PlanData:
        """
        Return one plan, current or not.

        Raises:
            SubscriptionNotFound: there is none with this uuid.
        """

    def plans_for(self, user: User) -> list[PlanData]:
        """Return the current plans that are offered to a member of staff, by title."""

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        """
        Tell who has a valid license of a plan: one that is assigned or activated, while the plan is current.

        The number of queries or requests does not grow with the addresses, but for the size that one of them takes.

        Arguments:
            plan: the plan, as ``get_plan`` or ``plans_for`` returned it.
            emails: normalized addresses to ask for; None for all that have one.

        Returns:
            The uuid of the license by normalized address. An address without a valid license is absent. None have one
            in a plan that is not current.
        """

    def covered(self, plan: PlanData, keys: Collection[ContentKey]) -> set[ContentKey]:
        """
        Tell which of these learning paths and course runs a plan covers.

        Who covers a path covers the course runs of its steps. Keys match exactly, also where the database compares
        without case.
        """

    def holders(self, licenses: Collection[UUID]) -> dict[UUID, LicenseHolder] | None:
        """
        Tell whose these licenses are.

        The number of queries or requests does not grow with the licenses, but for the size that one of them takes.

        Returns:
            The holder of each of these licenses that is valid, by its uuid. None where licenses can't be looked up in
            this way: then who names one is believed.
        """

    def content(self, plan: PlanData) -> set[ContentKey] | None:
        """Return all the learning paths and course runs that a plan covers; None where that can't be listed."""
