"""Licenses: assigning them to addresses, activating and revoking them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from learning_paths.actions.accounts import attempt, owners_of
from learning_paths.actions.after_commit import after_commit
from learning_paths.actions.bulk_plan import retired_among
from learning_paths.actions.bulk_reading import parse
from learning_paths.actions.bulk_write import insert
from learning_paths.actions.locks import lock, lock_one
from learning_paths.data import LicenseCode, LicenseOutcome, LicenseReport, LicenseStatus, ParsedEmails
from learning_paths.emails import normalize_email
from learning_paths.exceptions import LicenseNotFound, LicenseRevoked, SubscriptionNotFound
from learning_paths.lms.chunks import chunks
from learning_paths.models import License, SubscriptionPlan
from learning_paths.models.history import copy_to_history, save_with_history
from learning_paths.models.license import SEATED
from learning_paths.queries.users import confirmed_address, users_by_email
from learning_paths.retrying import PATIENCE, retried

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User

log = logging.getLogger(__name__)


GIVEN = frozenset({LicenseCode.ASSIGNED, LicenseCode.ACTIVATED})


class Stored(NamedTuple):
    """What a plan has for an address so far."""

    id: int
    uuid: UUID
    status: str


@dataclass(slots=True)
class Seats:
    """The seats of a plan whose row is locked, and who has them."""

    free: int
    stored: dict[str, Stored]

    @classmethod
    def lock(cls, plan: SubscriptionPlan) -> Seats:
        """
        Lock the plan, within a transaction, and read its licenses as they are now.

        They are read with locks, too: a transaction at REPEATABLE READ would otherwise see them as they were when it
        began, before the seats were taken that it has just waited for. And all of the plan's, by the index on the plan:
        at that level, locks on a choice of addresses would also close the gaps between those to other plans.

        Raises:
            SubscriptionNotFound: the plan was deleted meanwhile.
        """
        locked = SubscriptionPlan.objects.select_for_update().filter(pk=plan.pk).only("num_licenses").first()
        if locked is None:
            raise SubscriptionNotFound
        licenses = License.objects.select_for_update().filter(subscription_plan=plan)
        rows = licenses.values_list("email", "pk", "uuid", "status")
        stored = {email: Stored(pk, uuid, status) for email, pk, uuid, status in rows}
        return cls(locked.num_licenses - sum(row.status in SEATED for row in stored.values()), stored)


def assign_licenses(
    plan: SubscriptionPlan, emails: str | Iterable[str] | ParsedEmails, *, acting_user: User | None
) -> LicenseReport:
    """
    Give each address a license of the plan, in their order, until no seat is left.

    The license of an address with an active account is activated at once; any other waits for its owner to activate
    an account, or to change to this address. A revoked license is assigned again: the same row, in a seat again. After
    the commit the accounts are looked at once more, in case one registered meanwhile (ADR 0003, "The registration
    race"). Seats are never oversold, whoever else assigns at the same time.

    All addresses are one transaction, whose number of queries grows with their thousands only. Whether the plan is
    current does not matter. Whether ``acting_user`` may do this is for the caller to check.

    Arguments:
        plan: the plan.
        emails: text with addresses, a list of such texts, or what one of the parsers made of a file.
        acting_user: who asked for it; None for the system.

    Returns:
        The fate of each address, once, and what was no address. An address without a seat, of several accounts or of
        a retired one is a failure that touches no other.

    Raises:
        SubscriptionNotFound: the plan was deleted meanwhile.
    """
    emails = parse(emails)
    addresses = emails.emails
    rows = retried(lambda: _assign(plan, addresses, acting_user), patience=PATIENCE) if addresses else []
    return LicenseReport(tuple(rows), emails.invalid)


def revoke_license(plan: SubscriptionPlan, email: str, *, acting_user: User | None) -> None:
    """
    Take the license of an address in a plan back, which frees its seat. The row stays and may be assigned again.

    Enrollments that it made possible stay, too. Whether ``acting_user`` may do this is for the caller to check.

    Raises:
        InvalidEmail: it is no address.
        LicenseNotFound: the address never had a license in the plan.
        LicenseRevoked: it was revoked before.
    """
    found = License.objects.filter(email=normalize_email(email), subscription_plan=plan).first()
    if found is None or found.status == LicenseStatus.UNASSIGNED:
        raise LicenseNotFound
    if not revoke_licenses([found.pk], acting_user=acting_user):
        raise LicenseRevoked


def revoke_licenses(ids: Collection[int], *, acting_user: User | None) -> int:
    """
    Revoke those of these licenses that are assigned or activated, in a number of queries that grows with their
    thousands only, and return how many those were.

    As ``revoke_license`` in everything else.
    """
    return retried(lambda: _revoke(ids, acting_user), patience=PATIENCE) if ids else 0


def activate_licenses(user: User) -> list[LicenseOutcome]:
    """
    Bind every license that waits for the user's confirmed address to the user, and activate it.

    Under the conditions of ``claim_invitations``: nothing is activated while the account is not active or several
    accounts have the address. One query when no license waits, none when the account is not active.

    Returns:
        The licenses that are now activated, one outcome for each plan.
    """
    address = confirmed_address(user)
    if address is None:
        return []
    ids = list(License.objects.waiting_for(address).order_by("pk").values_list("pk", flat=True))
    if not ids:
        return []
    owners = users_by_email([address]).get(address, [])
    if [(owner.pk, owner.is_active) for owner in owners] != [(user.pk, True)]:
        log.warning("Learning paths: %d accounts have the address of user %s; no license", len(owners), user.pk)
        return []
    return retried(lambda: _activate(ids, user, address), patience=PATIENCE)


def activate_for_addresses(addresses: Collection[str]) -> None:
    """Let the active accounts that have these normalized addresses activate what waits, as ``claim_for_addresses``."""
    for user in owners_of(addresses):
        attempt(partial(activate_licenses, user), user)


def _activate(ids: Iterable[int], user: User, address: str) -> list[LicenseOutcome]:
    """Activate those of these licenses that still wait for the address once they are locked."""
    now = timezone.now()
    with transaction.atomic():
        locked = [lock_one(License.objects.all(), pk) for pk in ids]
        waiting = [
            row for row in locked if row is not None and row.status == LicenseStatus.ASSIGNED and row.email == address
        ]
        for row in waiting:
            row.status, row.user, row.activated_date = LicenseStatus.ACTIVATED, user, now
            save_with_history(row, acting_user=None)
    return [LicenseOutcome(address, LicenseCode.ACTIVATED, row.uuid) for row in waiting]


def _assign(plan: SubscriptionPlan, addresses: Sequence[str], acting_user: User | None) -> list[LicenseOutcome]:
    outcomes: list[LicenseOutcome] = []
    with transaction.atomic():
        seats = Seats.lock(plan)
        for some in chunks(addresses, License.objects.db):
            outcomes.extend(_assign_some(plan, some, seats, acting_user))
        waiting = [row.email for row in outcomes if row.code == LicenseCode.ASSIGNED]
        if waiting:
            after_commit("look for accounts of those who got a license", lambda: activate_for_addresses(waiting))
    return outcomes


def _assign_some(
    plan: SubscriptionPlan, addresses: Sequence[str], seats: Seats, acting_user: User | None
) -> Iterator[LicenseOutcome]:
    users = users_by_email(addresses)
    retired = retired_among(addresses, users)
    codes = {address: _decide(address, users.get(address, []), retired, seats) for address in addresses}
    owners = {email: users[email][0] for email, code in codes.items() if code == LicenseCode.ACTIVATED}
    now = timezone.now()
    _renew([email for email, code in codes.items() if code in GIVEN], owners, seats, acting_user, now)
    new = [
        License(
            subscription_plan_id=plan.pk,
            email=email,
            user_id=owners[email].pk if email in owners else None,
            status=LicenseStatus(code.value),
            assigned_date=now,
            activated_date=now if email in owners else None,
            created=now,
            modified=now,
        )
        for email, code in codes.items()
        if code in GIVEN and email not in seats.stored
    ]
    added = insert(new, _plan_and_address, _same_addresses)
    copy_to_history(License, added, created=True, acting_user=acting_user, when=now)
    uuids = {email: row.uuid for email, row in seats.stored.items()} | {row.email: row.uuid for row in new}
    for email, code in codes.items():
        yield LicenseOutcome(email, code, None if code.is_failure else uuids[email])


def _renew(
    emails: Iterable[str], owners: Mapping[str, User], seats: Seats, acting_user: User | None, now: datetime
) -> None:
    """Assign those that have a row of old, unless it has a seat, and activate those that have an owner."""
    rows = {email: seats.stored[email] for email in emails if email in seats.stored}
    again = [row.id for row in rows.values() if row.status not in SEATED]
    if again:
        License.objects.filter(pk__in=again).update(
            status=LicenseStatus.ASSIGNED,
            user=None,
            assigned_date=now,
            activated_date=None,
            revoked_date=None,
            modified=now,
        )
    owned = [License(pk=row.id, user_id=owners[email].pk) for email, row in rows.items() if email in owners]
    if owned:
        License.objects.bulk_update(owned, ["user"])
        License.objects.filter(pk__in=[row.pk for row in owned]).update(
            status=LicenseStatus.ACTIVATED, activated_date=now, modified=now
        )
    ids = [row.id for row in rows.values()]
    copy_to_history(License, ids, created=False, acting_user=acting_user, when=now)


def _decide(address: str, owners: Sequence[User], retired: Collection[str], seats: Seats) -> LicenseCode:
    """Return what is to become of an address; what takes a seat takes it."""
    owner = owners[0] if len(owners) == 1 and owners[0].is_active else None
    status = seats.stored[address].status if address in seats.stored else LicenseStatus.UNASSIGNED
    if status in SEATED:
        waits = status == LicenseStatus.ASSIGNED
        return LicenseCode.ACTIVATED if waits and owner is not None else LicenseCode.ALREADY_ASSIGNED
    if len(owners) > 1:
        return LicenseCode.AMBIGUOUS
    if address in retired:
        return LicenseCode.RETIRED
    if seats.free <= 0:
        return LicenseCode.NO_SEAT_LEFT
    seats.free -= 1
    return LicenseCode.ASSIGNED if owner is None else LicenseCode.ACTIVATED


def _revoke(ids: Collection[int], acting_user: User | None) -> int:
    count = 0
    with transaction.atomic():
        for some in chunks(sorted(ids), License.objects.db):
            now = timezone.now()
            revoked = [row.pk for row in lock(License.objects.only("status"), some) if row.status in SEATED]
            rows = License.objects.filter(pk__in=revoked)
            rows.update(status=LicenseStatus.REVOKED, revoked_date=now, modified=now)
            copy_to_history(License, revoked, created=False, acting_user=acting_user, when=now)
            count += len(revoked)
    return count


def _plan_and_address(row: License) -> Hashable:
    return row.subscription_plan_id, row.email


def _same_addresses(rows: Sequence[License]) -> QuerySet[License]:
    return License.objects.filter(
        email__in=[row.email for row in rows], subscription_plan__in={row.subscription_plan_id for row in rows}
    )
