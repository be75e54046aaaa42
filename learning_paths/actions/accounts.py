"""Doing something for the accounts that have some addresses, so that no account's fault is another's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from django.contrib.auth import get_user_model
from django.db import transaction

from learning_paths.lms.chunks import chunks
from learning_paths.queries.users import users_by_email
from learning_paths.retrying import PATIENCE, retried
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def owners_of(addresses: Iterable[str]) -> Iterator[User]:
    """
    Yield the active accounts that have these normalized addresses, each address by no other account too.

    One query for some thousand addresses, tried again where it may pass.
    """
    for some in chunks(addresses, get_user_model().objects.db):
        for users in _users(some).values():
            if len(users) == 1 and users[0].is_active:
                yield users[0]


def attempt(work: Callable[[], Result], user: User) -> Result | None:
    """
    Do something for an account, and return what came of it; None when it failed.

    A failure is logged with the id of the account, never with the address, so that the next account has its turn.

    Raises:
        DatabaseError: the caller's own transaction was undone by the database.
    """
    try:
        return work()
    except Exception as error:
        if transaction.get_connection().needs_rollback:
            raise
        log.error("Learning paths: could not claim what waits for user %s\n%s", user.pk, trace(error))
    return None


def _users(addresses: Collection[str]) -> dict[str, list[User]]:
    return retried(lambda: users_by_email(addresses), patience=PATIENCE)
