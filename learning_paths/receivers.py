"""Signals of the platform, unpacked and handed to the API."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction

from learning_paths import api

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

CLAIMING_FIELDS = frozenset({"email", "is_active"})


def claim_invitations_of_saved_user(
    sender: type[User],
    instance: User,
    raw: bool = False,
    using: str | None = None,
    update_fields: Collection[str] | None = None,
    **kwargs: Any,
) -> None:
    """
    Let an account that was created, activated or given another address claim what that address was invited to.

    A user is saved at every login, so this costs no query when ``update_fields`` says that neither the address nor
    ``is_active`` was touched or when the account is not active, and one otherwise. Inside a transaction the claim is
    tried once more after the commit, since an inviter who commits in between would see no account and be seen by none
    (ADR 0003, "The registration race"). A raw save (``loaddata``) is left alone.
    """
    if raw or not instance.is_active or (update_fields is not None and CLAIMING_FIELDS.isdisjoint(update_fields)):
        return
    _claim_safely(instance, using)
    if transaction.get_connection(using).in_atomic_block:
        transaction.on_commit(lambda: _claim_safely(instance, using), using=using, robust=True)


def _claim_safely(user: User, using: str | None) -> None:
    """
    Claim, and log what goes wrong, so that no fault of ours keeps a user from being saved.

    One case is not ours to hide: when the database has undone the caller's whole transaction, as MySQL does to resolve
    a deadlock, the user is not saved either, and to go on would lose that silently.
    """
    connection = transaction.get_connection(using)
    was_broken = connection.needs_rollback
    try:
        api.claim_invitations(user)
    except Exception:
        log.exception("Learning paths: could not claim the invitations of user %s", user.pk)
        if connection.needs_rollback and not was_broken:
            raise
