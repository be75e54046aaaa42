"""Finding what waits for people who have an account by now. See ADR 0003, "The sweep"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from functools import partial
from typing import TYPE_CHECKING

from learning_paths.actions.accounts import attempt, owners_of
from learning_paths.actions.invitations import claim_invitations
from learning_paths.actions.licenses import activate_licenses
from learning_paths.data import SweepReport
from learning_paths.queries.waiting import invited_addresses, licensed_addresses

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def claim_waiting() -> SweepReport:
    """
    Let each active account claim the invitations and activate the licenses that wait for its address.

    Nothing else has to do this as a rule: an account claims when it is saved, and an inviter looks for the account. The
    sweep is for what both missed: a process that was killed between its commit and the look, a look that failed, and
    accounts that were made or activated without a signal, as by ``bulk_create`` and ``update``. Safe to run at any
    time, any number of times, and beside itself. Call it outside of a transaction.

    Costs two queries for some hundred addresses that wait, whether or not they have an account by now, and what
    ``claim_invitations`` and ``activate_licenses`` cost for each account that is found.

    Returns:
        How many enrollments and activated licenses came of it, and for how many accounts that failed, which is logged.

    Raises:
        DatabaseError: the addresses could not be read.
    """
    enrollments, lost_invitations = _sweep(invited_addresses(), claim_invitations)
    licenses, lost_licenses = _sweep(licensed_addresses(), activate_licenses)
    return SweepReport(enrollments, licenses, lost_invitations + lost_licenses)


def _sweep(batches: Iterator[list[str]], claim: Callable[[User], Sized]) -> tuple[int, int]:
    """Return how much was claimed, and for how many accounts that failed."""
    count = failed = 0
    for addresses in batches:
        for user in owners_of(addresses):
            claimed = attempt(partial(claim, user), user)
            count += len(claimed or ())
            failed += claimed is None
    return count, failed
