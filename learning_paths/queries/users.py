"""Finding people: by username, by address, and what their account lets them do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.db.models.functions import Lower

from learning_paths.emails import comparable, normalize_email, spellings
from learning_paths.exceptions import InvalidEmail, UserNotFound
from learning_paths.lms.chunks import chunks

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def is_staff(user: User | AnonymousUser) -> bool:
    """
    Return whether the user is staff: an active account with ``is_staff`` or ``is_superuser``. No query.

    The LMS lets accounts in that are not active; such an account has no power over others.
    """
    return user.is_active and (user.is_staff or user.is_superuser)


def get_user(username: str) -> User:
    """
    Return the account with exactly this username, in one query.

    Raises:
        UserNotFound: there is none. One that differs by case does not count, though MySQL would find it.
    """
    user: User | None = get_user_model().objects.filter(username=username).first()
    if user is None or user.get_username() != username:
        raise UserNotFound
    return user


def confirmed_address(user: User) -> str | None:
    """
    Return the normalized address whose invitations count for the user, without a query.

    None for an account that is not active, which has not shown that the address is its own, and for one whose address
    can't be invited.
    """
    if not user.is_active:
        return None
    try:
        return normalize_email(user.email)
    except InvalidEmail:
        return None


def addresses_by_id(ids: Collection[int]) -> dict[int, str]:
    """Return the addresses of the accounts with these ids, in one query, or in none when there are no ids."""
    if not ids:
        return {}
    return dict(get_user_model().objects.filter(pk__in=ids).values_list("pk", "email"))


def addresses_by_username(usernames: Collection[str]) -> dict[str, str]:
    """Return the normalized addresses of the accounts with exactly these usernames, where they can be normalized."""
    users = get_user_model().objects.all()
    addresses = {}
    for some in chunks(usernames, users.db):
        for username, email in users.filter(username__in=some).values_list("username", "email"):
            with suppress(InvalidEmail):
                addresses[username] = normalize_email(email)
    return addresses


def users_by_email(emails: Collection[str]) -> dict[str, list[User]]:
    """
    Return the accounts that have these normalized addresses, by address, in one query, with no more than their names.

    Case is ignored, and an account may have an internationalized domain in either form. An address with several
    accounts is ambiguous: it is for the caller to refuse it. Addresses without an account are absent. On MySQL, whose
    collation ignores case, the index on ``auth_user.email`` serves the query; elsewhere the column is lower-cased,
    which SQLite does with ASCII letters only. MySQL ignores accents too, so each match is checked once more.
    """
    users = get_user_model().objects.only("username", "email", "is_active")
    forms = [form for email in emails for form in spellings(email)]
    if connections[users.db].vendor == "mysql":
        users = users.filter(email__in=forms)
    else:
        users = users.annotate(_address=Lower("email")).filter(_address__in=forms)
    wanted = set(emails)
    found: defaultdict[str, list[User]] = defaultdict(list)
    for user in users.order_by("pk"):
        address = comparable(user.email)
        if address is not None and address in wanted:
            found[address].append(user)
    return dict(found)
