"""What waits for the owner of an address to have an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Value

from learning_paths.data import Waiting
from learning_paths.models import LearningPathEnrollmentAllowed, License
from learning_paths.queries.users import confirmed_address

if TYPE_CHECKING:
    from django.contrib.auth.models import User

INVITATION, LICENSE = "invitation", "license"


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
