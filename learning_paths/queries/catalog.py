"""The paths as those see them who look for one to take. See ADR 0008."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Prefetch

from learning_paths.models import AcquiredSkill, LearningPathStep, RequiredSkill
from learning_paths.queries.learning_paths import get_among, visible_paths

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.keys import LearningPathKey
    from learning_paths.models import LearningPath
    from learning_paths.models.learning_path import LearningPathQuerySet


def catalog(user: User | AnonymousUser) -> LearningPathQuerySet:
    """
    Return the paths that the user may see, those first in which the user enrolled last, and then the rest by name.

    Each has an ``enrollment_date``, since when the user is enrolled or None, its ``steps`` in their order, and its
    ``criteria``. Two queries when it is evaluated, whatever the number of paths and steps.
    """
    paths = visible_paths(user).with_enrollment_of(None if isinstance(user, AnonymousUser) else user)
    paths = paths.order_by(F("enrollment_date").desc(nulls_last=True), "display_name", "pk")
    steps = LearningPathStep.objects.defer("created", "modified")  # hundreds of times two moments, for nobody
    return paths.select_related("grading_criteria").prefetch_related(Prefetch("steps", steps))


def get_catalog_path(user: User | AnonymousUser, key: LearningPathKey | str) -> LearningPath:
    """
    Return a path as ``catalog`` does, and its ``requiredskill_set`` and ``acquiredskill_set``, in four queries.

    Raises:
        LearningPathNotFound: there is none with exactly this key, the key is malformed, or the user may not see the
            path; which of them is not told.
    """
    skills = [
        Prefetch(name, model.objects.select_related("skill").order_by("pk"))
        for name, model in (("requiredskill_set", RequiredSkill), ("acquiredskill_set", AcquiredSkill))
    ]
    return get_among(catalog(user).prefetch_related(*skills), key)
