"""Signals of the platform, unpacked and handed to the API."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import DatabaseError, connections, transaction

from learning_paths import api
from learning_paths.models import LearningPathEnrollmentAllowed
from learning_paths.tasks import tell_workers_of_steps
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath

log = logging.getLogger(__name__)

Result = TypeVar("Result")

NO_SUCH_TABLE = 1146
"""MySQL's number; SQLite has none for it."""

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
    Let an account that was created, activated or given another address have what that address was promised.

    That is what it was invited to, and its licenses. A user is saved at every login, so this costs no query when
    ``update_fields`` says that neither the address nor ``is_active`` was touched or when the account is not active, and
    one otherwise. Inside a transaction nothing is done before the commit: nothing of ours can then keep the account
    from being saved, no lock of ours is waited for, and an inviter who commits in between is seen (ADR 0003, "The
    registration race"). A raw save (``loaddata``) is left alone.
    """
    if raw or not instance.is_active or (update_fields is not None and CLAIMING_FIELDS.isdisjoint(update_fields)):
        return
    connection = transaction.get_connection(using)
    # Who manages transactions by hand tells nobody of a commit; ``claim_waiting`` finds what is left.
    if connection.in_atomic_block or connection.get_autocommit():
        transaction.on_commit(lambda: _claim_safely(instance), using=using, robust=True)


def enroll_in_waiting_steps(sender: Any, ids: list[int], **kwargs: Any) -> None:
    """Have the workers enroll in the courses of a path those who enrolled in it."""
    tell_workers_of_steps(ids)


def keep_rows_of_deleted_path(sender: type[LearningPath], instance: LearningPath, **kwargs: Any) -> None:
    """Keep the rows of bulk jobs about a path that is about to be deleted, by whatever road."""
    api.keep_rows_of_deleted_path(instance)


def _claim_safely(user: User) -> None:
    """
    Claim what waits for the user, if anything does. Call it outside of a transaction.

    What fails of it, the first look at both included, keeps nothing else of it from being claimed.
    """
    waiting = _safely(api.what_waits_for, user)
    if waiting is None or waiting.invitations:
        _safely(api.claim_invitations, user)
    if waiting is None or waiting.licenses:
        _safely(api.activate_licenses, user)


def _safely(function: Callable[[User], Result], user: User) -> Result | None:
    """
    Call a function with the user, and log what goes wrong, so that no fault of ours troubles who saved the user.

    What is left waiting then, ``claim_waiting`` finds. The text of an error is not logged: it may name the address.
    """
    try:
        return function(user)
    except Exception as error:
        if _lacks_tables(error):
            _tell_of_missing_tables()
        else:
            log.error("Learning paths: could not claim what waits for user %s\n%s", user.pk, trace(error))
    return None


def _lacks_tables(error: Exception) -> bool:
    """
    Return True if the database has no table of the name, and one of ours is indeed missing.

    So it is while a new LMS migrates: the platform's own migrations save users before ours have run. What is wrong
    with a table that is there is another error.
    """
    number = error.args[0] if isinstance(error, DatabaseError) and error.args else None
    if number != NO_SUCH_TABLE and not str(number).startswith("no such table"):
        return False
    models = apps.get_app_config("learning_paths").get_models()
    connection = connections[LearningPathEnrollmentAllowed.objects.db]
    try:
        return not {model._meta.db_table for model in models} <= set(connection.introspection.table_names())
    except DatabaseError:
        return False


@cache
def _tell_of_missing_tables() -> None:
    """Log it, once in the life of a process."""
    log.warning("Learning paths: no tables yet, so nothing waits for those who are saved before “migrate” has run")
