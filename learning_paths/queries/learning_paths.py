"""Finding learning paths, and who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from opaque_keys import InvalidKeyError

from learning_paths.exceptions import LearningPathNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath
from learning_paths.queries.users import confirmed_address, is_staff

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.models.learning_path import LearningPathQuerySet


def visible_paths(user: User | AnonymousUser) -> LearningPathQuerySet:
    """
    Return the paths that the user may see: one query when it is evaluated.

    Staff see all of them. Others see those that are not invite-only, those that they are enrolled in, and those to
    which their confirmed address has a pending invitation. See ADR 0003. A path without a key, which an older site may
    have, can't be named and is left out; the admin shows it.
    """
    paths: LearningPathQuerySet = LearningPath.objects.exclude(key="")
    if is_staff(user):
        return paths
    if isinstance(user, AnonymousUser):
        return paths.filter(invite_only=False)
    return paths.open_to(user, email=confirmed_address(user))


def get_learning_path(key: LearningPathKey | str) -> LearningPath:
    """
    Return the path with exactly this key, in one query. Does not look at who asks.

    Raises:
        LearningPathNotFound: there is none, or the key is malformed.
    """
    return get_among(LearningPath.objects.all(), key)


def get_visible_path(user: User | AnonymousUser, key: LearningPathKey | str) -> LearningPath:
    """
    Return the path with exactly this key if the user may see it, in one query.

    Raises:
        LearningPathNotFound: there is none, the key is malformed, or the user may not see the path; which of them is
            not told.
    """
    return get_among(visible_paths(user), key)


def get_among(paths: LearningPathQuerySet, key: LearningPathKey | str) -> LearningPath:
    """Return the one of the paths that has exactly this key, or raise ``LearningPathNotFound``."""
    try:
        wanted = LearningPathKey.from_string(key) if isinstance(key, str) else key
    except InvalidKeyError as error:
        raise LearningPathNotFound from error
    path = paths.filter(key=wanted).first()
    if path is None or path.key != wanted:  # the database ignores case
        raise LearningPathNotFound
    return path
