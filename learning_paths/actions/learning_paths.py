"""Learning paths themselves: making one out of another."""

from __future__ import annotations

import logging
import uuid
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from django.core.exceptions import SuspiciousFileOperation
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from learning_paths.exceptions import LearningPathExists, LearningPathNotFound
from learning_paths.models import (
    AcquiredSkill,
    LearningPath,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
)
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.keys import LearningPathKey

log = logging.getLogger(__name__)

PARTS: tuple[type[models.Model], ...] = (LearningPathStep, RequiredSkill, AcquiredSkill, LearningPathGradingCriteria)
"""What belongs to a path and is copied with it. Learners, invitations, jobs and subscriptions are not."""


def duplicate_path(
    learning_path: LearningPath,
    key: LearningPathKey,
    *,
    display_name: str,
    invite_only: bool | None = None,
    acting_user: User | None,
) -> LearningPath:
    """
    Copy a path with its steps, skills, criteria and image under another key, in a number of queries that is constant.

    Learners, invitations, bulk jobs and subscriptions stay with the original. The image becomes a file of its own, so
    that either path can lose its image without the other; when the file can't be copied, because it is gone from the
    storage for example, the copy has no image and the log says why. When the copy can't be saved its file is removed
    again; not so when a transaction of the caller's is rolled back afterwards. Whether ``acting_user`` may see the
    original and add paths is for the caller to check. See ADR 0005.

    Arguments:
        learning_path: the original, which is read anew.
        key: the key of the copy.
        display_name: the name of the copy.
        invite_only: whether only staff and the invited see the copy; None: as it is with the original.
        acting_user: who asked for it; None for the system.

    Raises:
        LearningPathExists: there is a path with this key, or one that differs by case alone.
        LearningPathNotFound: the original was deleted meanwhile.
    """
    if LearningPath.objects.filter(key__iexact=str(key)).exists():
        raise LearningPathExists
    copy = LearningPath.objects.filter(pk=learning_path.pk).first()
    if copy is None:
        raise LearningPathNotFound
    now = timezone.now()
    _renew(copy, key=key, display_name=display_name, uuid=uuid.uuid4(), created=now, modified=now)
    if invite_only is not None:
        copy.invite_only = invite_only
    _copy_image(copy)
    try:
        with transaction.atomic():
            _insert(copy)
            for model in PARTS:
                _copy_parts(model, learning_path.pk, copy)
    except BaseException:
        copy.image.delete(save=False)
        raise
    actor = None if acting_user is None else acting_user.pk
    log.info("Learning path %s was copied to %s by user %s.", learning_path.key, key, actor)
    return copy


def _renew(row: models.Model, **values: object) -> None:
    """Let the next save of a row insert another one, with these values changed."""
    row.pk, row._state.adding = None, True
    for name, value in values.items():
        setattr(row, name, value)


def _copy_parts(model: type[models.Model], original_id: int, copy: LearningPath) -> None:
    """Copy what belongs to the original, in the order of the ids, which breaks ties between steps."""
    dates = {"created", "modified"} & {field.name for field in model._meta.get_fields()}
    now = dict.fromkeys(dates, copy.created)
    rows = list(model._default_manager.filter(learning_path=original_id).order_by("pk"))
    for row in rows:
        _renew(row, learning_path=copy, **now)
    model._default_manager.bulk_create(rows)


def _copy_image(copy: LearningPath) -> None:
    """Give the copy, which names the file of the original, a file of its own, or none."""
    storage, name = copy.image.storage, copy.image.name
    copy.image = ""
    if not name:
        return
    try:
        with storage.open(name) as file:
            copy.image.save(PurePosixPath(name).name, file, save=False)
    except (OSError, SuspiciousFileOperation) as error:
        log.warning("The image could not be copied for learning path %s.\n%s", copy.key, trace(error))
        copy.image = ""


def _insert(copy: LearningPath) -> None:
    try:
        with transaction.atomic():
            copy.save(force_insert=True)
    except IntegrityError as error:  # somebody was quicker
        raise LearningPathExists from error
