"""Licenses, and what they allow."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from learning_paths import exceptions
from learning_paths.data.parsing import InvalidEntry
from learning_paths.keys import LearningPathKey


class LicenseStatus(TextChoices):
    """Where a license stands. Assigned and activated ones take a seat of their plan."""

    UNASSIGNED = "unassigned", _("unassigned")
    ASSIGNED = "assigned", _("assigned")
    ACTIVATED = "activated", _("activated")
    REVOKED = "revoked", _("revoked")


class LicenseCode(TextChoices):
    """What became of one address that was to get a license, stable for programs, with the words for people."""

    ASSIGNED = "assigned", _("Has a license, which waits for an account with this address to be activated.")
    ACTIVATED = "activated", _("Has a license, which its account activated at once.")
    ALREADY_ASSIGNED = "already_assigned", _("Had a license already.")
    NO_SEAT_LEFT = exceptions.NoSeatLeft.code, exceptions.NoSeatLeft.default_message
    AMBIGUOUS = (
        exceptions.AmbiguousEmail.code,
        _("More than one account has this e-mail address, so it can't be told whose license it would be."),
    )
    RETIRED = (
        exceptions.RetiredEmail.code,
        _("The account with this e-mail address was retired. It can't be given a license."),
    )

    @property
    def is_failure(self) -> bool:
        """Whether such an address has no license."""
        return self in {LicenseCode.NO_SEAT_LEFT, LicenseCode.AMBIGUOUS, LicenseCode.RETIRED}


@dataclass(frozen=True, slots=True)
class LicenseOutcome:
    """What became of one address: the code, and the uuid of its license if it has one."""

    email: str
    code: LicenseCode
    license_uuid: UUID | None


@dataclass(frozen=True, slots=True)
class LicenseReport:
    """What became of everything that was to get a license: each address once, in order, and what was no address."""

    rows: tuple[LicenseOutcome, ...]
    invalid_emails: tuple[InvalidEntry, ...] = ()

    @property
    def failures(self) -> list[LicenseOutcome]:
        """The addresses that have no license."""
        return [row for row in self.rows if row.code.is_failure]

    def count(self, *codes: LicenseCode) -> int:
        """Return how many rows have one of these codes."""
        return sum(row.code in codes for row in self.rows)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a subscription lets through, and what it does not. Each in the order in which it was asked for, once."""

    licensed_emails: tuple[str, ...]
    unlicensed_emails: tuple[str, ...]
    covered_keys: tuple[LearningPathKey | CourseKey, ...]
    uncovered_keys: tuple[LearningPathKey | CourseKey, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionOffer:
    """
    What staff can choose from, once they chose a subscription: who holds a valid license, and what it covers.

    Without ``path_keys`` and ``course_keys`` nobody can list what it covers; the gate says so of each thing.
    """

    uuid: UUID
    title: str
    holders: tuple[str, ...]
    path_keys: tuple[LearningPathKey, ...] | None
    course_keys: tuple[CourseKey, ...] | None
