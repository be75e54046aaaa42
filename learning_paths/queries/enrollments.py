"""Reading enrollments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Prefetch

from learning_paths.exceptions import NotEnrolled
from learning_paths.models import LearningPath, LearningPathEnrollment
from learning_paths.queries.users import is_staff

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


def visible_enrollments(user: User) -> QuerySet[LearningPathEnrollment]:
    """
    Return the enrollments, active or not, that the user may see: everyone's for staff, else the user's own.

    Three queries when it is evaluated, with the learners' usernames and the paths' keys.
    """
    enrollments = _with_names(LearningPathEnrollment.objects.all())
    return enrollments if is_staff(user) else enrollments.filter(user=user)


def active_enrollments(learning_path: LearningPath) -> QuerySet[LearningPathEnrollment]:
    """Return the active enrollments of a path: three queries when it is evaluated. Does not look at who asks."""
    return _with_names(LearningPathEnrollment.objects.filter(learning_path=learning_path, is_active=True))


def get_active_enrollment(user: User, learning_path: LearningPath) -> LearningPathEnrollment:
    """
    Return the active enrollment of a learner in a path, in one query. Does not look at who asks.

    Raises:
        NotEnrolled: there is none.
    """
    enrollment = LearningPathEnrollment.objects.filter(user=user, learning_path=learning_path, is_active=True).first()
    if enrollment is None:
        raise NotEnrolled
    enrollment.user = user
    enrollment.learning_path = learning_path
    return enrollment


def _with_names(enrollments: QuerySet[LearningPathEnrollment]) -> QuerySet[LearningPathEnrollment]:
    """
    Bring usernames and keys along by a query each, not by joins.

    Ordered and cut to a page, a join lets MariaDB begin with the few paths and sort all enrollments of each: on 200,000
    rows that took a second where this takes some milliseconds (``benchmarks/bench_enrollment_list.py``).
    """
    return enrollments.prefetch_related(
        Prefetch("user", get_user_model().objects.only("username")),
        Prefetch("learning_path", LearningPath.objects.only("key")),
    )
