"""Reading enrollments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learning_paths.exceptions import NotEnrolled
from learning_paths.models import LearningPath, LearningPathEnrollment
from learning_paths.queries.users import is_staff

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


def visible_enrollments(user: User) -> QuerySet[LearningPathEnrollment]:
    """
    Return the enrollments, active or not, that the user may see: everyone's for staff, else the user's own.

    One query when it is evaluated, which loads no more of the learner and the path than a username and a key.
    """
    enrollments = _with_names(LearningPathEnrollment.objects.all())
    return enrollments if is_staff(user) else enrollments.filter(user=user)


def active_enrollments(learning_path: LearningPath) -> QuerySet[LearningPathEnrollment]:
    """Return the active enrollments of a path: one query when it is evaluated. Does not look at who asks."""
    return _with_names(LearningPathEnrollment.objects.filter(learning_path=learning_path, is_active=True))


def get_active_enrollment(user: User, learning_path: LearningPath) -> LearningPathEnrollment:
    """
    Return the active enrollment of a learner in a path, in one query. Does not look at who asks.

    Raises:
        NotEnrolled: there is none.
    """
    enrollment = active_enrollments(learning_path).filter(user=user).first()
    if enrollment is None:
        raise NotEnrolled
    return enrollment


def _with_names(enrollments: QuerySet[LearningPathEnrollment]) -> QuerySet[LearningPathEnrollment]:
    return enrollments.select_related("user", "learning_path").only(
        "is_active", "enrolled_at", "created", "modified", "user__username", "learning_path__key"
    )
