"""Going from a path to one of its courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.exceptions import CourseNotFound, CourseNotInPath

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.data import CourseEnrollmentOutcome
    from learning_paths.models import LearningPath


def enroll_in_step(
    user: User, learning_path: LearningPath, course_key: CourseKey | str, *, acting_user: User | None
) -> CourseEnrollmentOutcome:
    """
    Enroll a learner of a path in the course run of one of its steps. Who is enrolled there already stays so.

    Raises:
        NotEnrolled: the learner has no active enrollment in the path.
        CourseNotInPath: the course run is no step of the path.
        CourseNotFound: there is no such course run, or the text is no course key.
        CourseModeNotAvailable, CourseEnrollmentClosed, CourseFull, CourseEnrollmentRefused,
        CourseEnrollmentFailed: see ``api.enroll_user_in_course``.
    """
    api.get_active_enrollment(user, learning_path)
    try:
        key = CourseKey.from_string(str(course_key))
    except InvalidKeyError as error:
        raise CourseNotFound from error
    if key not in [step.course_key for step in learning_path.steps.all()]:
        raise CourseNotInPath
    return api.enroll_user_in_course(user, key, acting_user=acting_user)


def course_url(course_key: CourseKey) -> str:
    """Return where a course run begins, on this host: the LMS leads on from there to wherever it shows courses."""
    return f"/courses/{course_key}/course/"
