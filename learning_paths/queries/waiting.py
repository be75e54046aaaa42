"""What waits for the owner of an address to have an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db.models import QuerySet, Value

from learning_paths.data import Waiting
from learning_paths.models import LearningPathEnrollmentAllowed, License
from learning_paths.queries.users import confirmed_address

if TYPE_CHECKING:
    from django.contrib.auth.models import User

INVITATION, LICENSE = "invitation", "license"
ADDRESSES_AT_ONCE = 500


def what_waits_for(user: User) -> Waiting:
    """
    Tell whether invitations or licenses wait for the user's confirmed address, in one query of two indexes.

    None when the account is not active; then nothing does.
    """
    address = confirmed_address(user)
    if address is None:
        return Waiting(invitations=False, licenses=False)
    invitations = LearningPathEnrollmentAllowed.objects.pending_for(address).values_list(Value(INVITATION))
    licenses = License.objects.waiting_for(address).values_list(Value(LICENSE))
    found = {kind for (kind,) in invitations.union(licenses)}  # a union holds each kind once
    return Waiting(invitations=INVITATION in found, licenses=LICENSE in found)


def invited_addresses() -> Iterator[list[str]]:
    """Yield the addresses for which invitations wait, as ``_in_batches`` does."""
    return _in_batches(LearningPathEnrollmentAllowed.objects.pending())


def licensed_addresses() -> Iterator[list[str]]:
    """Yield the addresses for which licenses wait, as ``_in_batches`` does."""
    return _in_batches(License.objects.waiting())


def _in_batches(rows: QuerySet[LearningPathEnrollmentAllowed] | QuerySet[License]) -> Iterator[list[str]]:
    """Yield the addresses of the rows, each once, some hundred at a time, each batch by one query of an index alone."""
    addresses = rows.order_by("email").values_list("email", flat=True).distinct()
    batch = list(addresses[:ADDRESSES_AT_ONCE])
    while batch:
        yield batch
        if len(batch) < ADDRESSES_AT_ONCE:
            return
        batch = list(addresses.filter(email__gt=batch[-1])[:ADDRESSES_AT_ONCE])
