"""
The LMS protocol over edx-platform, the one module that imports it.

The imports stand inside functions: the module loads where there is no platform, and only an LMS whose apps are ready
is ever asked. Written for the releases Teak to Verawood, against these files of openedx/edx-platform (since renamed
openedx/openedx-platform); they were read in the code before and after the one change that matters here, that of
`user_util`, not at the tags of the releases:

- `openedx/core/djangoapps/content/course_overviews/models.py`: `CourseOverview` with `id` (a `CourseKeyField`, the
  primary key), `display_name`, `start` and `end` (which may be null). Its own `get_courses_matching_query` searches
  `id` by `icontains`, as is done here.
- `common/djangoapps/student/models/user.py`: `is_email_retired`, which asks the same about one address.
- `openedx/core/lib/user_util.py`, which was the package `user-util` until October 2025 (Teak has the package, Verawood
  the module): `get_all_retired_emails(email, salt_list, retired_email_fmt)`.
- `common/djangoapps/student/models/course_enrollment.py`: `CourseEnrollment.enroll` and `update_enrollment`,
  `CourseEnrollmentAllowed`, `ManualEnrollmentAudit`, and the errors. ADR 0007 has what was learned there, and why these
  and not `enrollments/api.py` or `enterprise_support/enrollments/utils.py`.
- `openedx/core/djangoapps/enrollments/api.py` and `data.py`: `validate_course_mode` and `_default_course_mode`, which
  `CourseEnrollment.enroll` calls itself.
- `common/djangoapps/course_modes/models.py`: `CourseMode` with `course`, `mode_slug` and `_expiration_datetime`, when
  the mode ends; one without it does not. `modes_for_course` there leaves out those that ended.
- `openedx/core/djangoapps/user_api/models.py`: `UserPreference` with `user`, `key` and `value`; the key of the language
  is `LANGUAGE_KEY` of `openedx/core/djangoapps/lang_pref`.
- `common/djangoapps/student/models/user.py`: `user_post_save_callback`, which enrolls those who were invited.
- `lms/djangoapps/grades/models.py`: `PersistentCourseGrade` with `user_id`, `course_id` and `percent_grade`, which the
  platform works out anew whenever a score or an override of a subsection changes, and writes once there was an attempt.
  `course_grade_factory.py` beside it: the same figure, one course at a time, with a zero where there is no row.
- `lms/djangoapps/courseware/courses.py`: `get_course_blocks_completion_summary(course_key, user)`. It takes no request,
  remembers its answer for the length of one, does not ask whether the account is active or enrolled, and answers an
  anonymous user with an empty list. `lms/djangoapps/course_home_api/progress/api.py` and `views.py`: what the progress
  page makes of it, for those who are actively enrolled.
- `xmodule/modulestore/exceptions.py`: `ItemNotFoundError`, which reading the blocks of a course raises that has an
  overview and is not in the modulestore, and so anything that loads such a course.

Of openedx-completion-aggregator, 4.5.0 was read and its table was asked: `Aggregator` with `user`, `course_key`,
`aggregation_name`, `possible` and `percent`, a share from 0 to 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from edx_django_utils.cache import RequestCache
from opaque_keys.edx.keys import CourseKey

from learning_paths.data import StateTransition
from learning_paths.emails import comparable, spellings
from learning_paths.exceptions import (
    CourseEnrollmentClosed,
    CourseEnrollmentRefused,
    CourseFull,
    CourseModeNotAvailable,
    CourseNotFound,
    InvitationTaken,
)
from learning_paths.lms.base import LMS, CourseEnrollmentState, CourseRun, best_mode_of
from learning_paths.lms.chunks import as_text, chunks
from learning_paths.lms.guard import guarded, passed_over

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_COURSE_RUN_COLUMNS = ("id", "display_name", "start", "end")


class EdxPlatform(LMS):
    """
    The LMS that the plugin is installed in.

    Course runs are read from the course overviews, which the platform writes whenever a course is published. A course
    that exists in the modulestore alone is unknown here: `CourseOverview.get_from_ids` would find it, but it loads
    whole courses to do so, one by one, and again for each key that does not exist.
    """

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        """
        See `LMS.course_runs`. Up to 10,000 keys are one query.

        A course whose date nobody has set starts on 1 January 2030. The platform's own lists show no date for it, and
        for others the text that they may advertise in place of their start. Neither is done here.
        """
        overviews = _course_overviews().annotate(text=as_text("id"))
        wanted = {str(key): key for key in keys}
        return {
            wanted[text]: _course_run(wanted[text], *rest)
            for chunk in chunks(wanted, overviews.db)
            for text, *rest in overviews.filter(text__in=chunk).values_list("text", *_COURSE_RUN_COLUMNS[1:])
            if text in wanted  # the column compares without case, course keys do not
        }

    def search_course_runs(self, text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
        """
        See `LMS.search_course_runs`.

        Runs without a name come first. Which letters beyond ASCII are the same but for their case is the database's
        affair, as is their order. No index helps: every overview is read, of which even large sites have thousands.
        """
        overviews = _course_overviews().order_by(Lower("display_name"), "id")
        for word in text.split():
            overviews = overviews.filter(Q(display_name__icontains=word) | Q(id__icontains=word))
        return [_course_run(*row) for row in overviews.values_list(*_COURSE_RUN_COLUMNS)[offset : offset + limit]]

    def retired_emails(self, emails: Collection[str]) -> set[str]:
        """
        See `LMS.retired_emails`. One query for up to 10,000 hashes, of which each address has one for each salt, and
        more where its domain can be written in other letters, as the account may have had it.

        The platform keeps a retired account, with a hash in place of its address. As with `is_email_retired`, a salt
        that the operator has since taken out of `RETIRED_USER_SALTS` makes the accounts retired under it unknown.
        """
        email_by_hash = {
            hashed: email for email in emails for form in spellings(email) for hashed in _retired_forms(form)
        }
        users = get_user_model().objects.all()
        return {
            email_by_hash[hashed]
            for chunk in chunks(email_by_hash, users.db)
            for hashed in users.filter(email__in=chunk).values_list("email", flat=True)
            if hashed in email_by_hash
        }

    def course_enrollments(
        self, user_ids: Collection[int], course_keys: Collection[CourseKey]
    ) -> dict[tuple[int, CourseKey], str]:
        """See `LMS.course_enrollments`. Up to 5,000 accounts in up to 5,000 courses are one query."""
        from common.djangoapps.student.models import CourseEnrollment

        active, wanted = CourseEnrollment.objects.filter(is_active=True), set(course_keys)
        return {
            (user_id, key): mode
            for users in chunks(set(user_ids), active.db, lists=2)
            for keys in chunks(wanted, active.db, lists=2)
            for user_id, key, mode in active.filter(user_id__in=users, course_id__in=keys)
            .order_by()
            .values_list("user_id", "course_id", "mode")
            if key in wanted  # the column compares without case, course keys do not
        }

    def best_modes(self, course_keys: Collection[CourseKey]) -> dict[CourseKey, str]:
        """See `LMS.best_modes`. Up to 10,000 keys are one query."""
        from common.djangoapps.course_modes.models import CourseMode

        has_not_ended = Q(_expiration_datetime__isnull=True) | Q(_expiration_datetime__gte=timezone.now())
        offered, wanted = CourseMode.objects.filter(has_not_ended).order_by(), set(course_keys)
        modes: defaultdict[CourseKey, set[str]] = defaultdict(set)
        for keys in chunks(wanted, offered.db):
            for key, mode in offered.filter(course_id__in=keys).values_list("course_id", "mode_slug"):
                modes[key].add(mode)
        # The column compares without case, course keys do not.
        return {key: best for key in wanted if (best := best_mode_of(modes.get(key, ()))) is not None}

    def course_completions(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """
        See `LMS.course_completions`.

        Where openedx-completion-aggregator is installed, up to 10,000 keys are one query of what it has recorded; what
        it has yet to work out is not waited for. It takes a course for completed in which there is nothing to complete,
        as where nothing is released yet. Here, as on the platform's progress page, that is no progress.

        Elsewhere the units of each run are counted as the progress page counts them, those that are locked too. That
        page rounds the share; here 199 of 200 units are not all of them. A run that cannot be counted is absent.

        While completion is not tracked, nothing is added to what was recorded before, which counts either way.
        """
        if apps.is_installed("completion_aggregator"):
            return _recorded_completions(user, course_keys)
        return {
            key: share
            for _, key in self.course_enrollments([user.pk], course_keys)
            if (share := _counted_completion(user, key)) is not None
        }

    def course_grades(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """See `LMS.course_grades`. Nothing is graded anew. The grade counts what the learner may not see yet."""
        from lms.djangoapps.grades.models import PersistentCourseGrade

        grades: QuerySet[Any] = PersistentCourseGrade.objects.filter(user_id=user.pk)
        wanted = set(course_keys)
        return {
            key: _as_share(grade)
            for keys in chunks(wanted, grades.db)
            for key, grade in grades.filter(course_id__in=keys).values_list("course_id", "percent_grade")
            if key in wanted  # the column compares without case, course keys do not
        }

    def course_invitations(
        self, emails: Collection[str], course_keys: Collection[CourseKey]
    ) -> set[tuple[str, CourseKey]]:
        """
        See `LMS.course_invitations`. Up to 5,000 addresses in up to 5,000 courses are one query.

        Instructors write addresses as they like: in capitals, and an internationalized domain in its own letters.
        """
        from common.djangoapps.student.models import CourseEnrollmentAllowed

        pending = CourseEnrollmentAllowed.objects.filter(auto_enroll=True, user__isnull=True)
        addresses, wanted = set(emails), set(course_keys)
        forms = (form for address in addresses for form in spellings(address))
        found = {
            (comparable(email), key)  # MySQL ignores accents, too
            for some in chunks(forms, pending.db, lists=2)
            for keys in chunks(wanted, pending.db, lists=2)
            for email, key in pending.filter(email__in=some, course_id__in=keys).values_list("email", "course_id")
        }
        return {(email, key) for email, key in found if email is not None and email in addresses and key in wanted}

    def preferred_languages(self, user_ids: Collection[int]) -> dict[int, str]:
        """See `LMS.preferred_languages`. Accounts have the preference once they changed the language of the site."""
        from openedx.core.djangoapps.lang_pref import LANGUAGE_KEY
        from openedx.core.djangoapps.user_api.models import UserPreference

        chosen: QuerySet[Any] = UserPreference.objects.filter(key=LANGUAGE_KEY)
        return {
            user_id: language
            for chunk in chunks(set(user_ids), chosen.db)
            for user_id, language in chosen.filter(user__in=chunk).values_list("user_id", "value")
        }

    def enroll_in_course(
        self,
        user: User,
        course_key: CourseKey,
        *,
        mode: str | None,
        force: bool,
        acting_user: User | None,
        reason: str,
    ) -> CourseEnrollmentState:
        """
        See `LMS.enroll_in_course`.

        Signals and events leave at once, as the platform sends them, even if the caller's transaction is undone later.
        """
        with guarded(f"enroll user {user.pk} in {course_key}"), _known_errors(), _no_stale_states():
            from common.djangoapps.student.models import AlreadyEnrolledError, CourseEnrollment

            active = CourseEnrollment.objects.filter(user=user, course_id=course_key, is_active=True)
            enrollment = active.first()
            if enrollment is None:
                offered = _offered_mode(course_key, mode)
                transition = _transition(user, course_key)
                try:
                    created = CourseEnrollment.enroll(user, course_key, mode=offered, check_access=not force)
                except AlreadyEnrolledError:  # somebody was quicker
                    enrollment = active.get()
                else:
                    _audit(acting_user, user, user.email, transition, reason, created)
                    return CourseEnrollmentState(created=True, mode=created.mode, mode_changed=False)
            if enrollment.course_id != course_key:  # found without regard to case
                raise CourseNotFound
            if mode in (None, enrollment.mode):
                return CourseEnrollmentState(created=False, mode=enrollment.mode, mode_changed=False)
            enrollment.update_enrollment(mode=_offered_mode(course_key, mode))
            _audit(acting_user, user, user.email, StateTransition.ENROLLED_TO_ENROLLED, reason, enrollment)
            return CourseEnrollmentState(created=False, mode=enrollment.mode, mode_changed=True)

    def invite_to_course(self, email: str, course_key: CourseKey, *, acting_user: User | None, reason: str) -> bool:
        """See `LMS.invite_to_course`. The platform never lets another account use what one has used."""
        with guarded(f"keep an invitation to {course_key}"), _known_errors():
            from common.djangoapps.student.models import CourseEnrollmentAllowed

            _ensure_course(course_key)
            invitation, changed = CourseEnrollmentAllowed.objects.get_or_create(
                email=email, course_id=course_key, defaults={"auto_enroll": True}
            )
            if invitation.user is not None and comparable(invitation.user.email) != email:
                raise InvitationTaken
            if not invitation.auto_enroll:
                invitation.auto_enroll = changed = True
                invitation.save()
            if changed:
                _audit(acting_user, None, email, StateTransition.UNENROLLED_TO_ALLOWED, reason)
            return bool(changed)


@contextmanager
def _known_errors() -> Iterator[None]:
    """Turn what the platform is known to raise into the errors of the domain. `guarded` sees to the rest."""
    from common.djangoapps.student.models import (
        CourseFullError,
        EnrollmentClosedError,
        EnrollmentNotAllowed,
        NonExistentCourseError,
    )
    from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
    from openedx.core.djangoapps.enrollments.errors import CourseModeNotFoundError
    from openedx.core.lib.exceptions import CourseNotFoundError
    from xmodule.modulestore.exceptions import ItemNotFoundError

    try:
        yield
    except (CourseOverview.DoesNotExist, CourseNotFoundError, ItemNotFoundError, NonExistentCourseError) as error:
        raise CourseNotFound from error
    except CourseModeNotFoundError as error:
        raise CourseModeNotAvailable from error
    except EnrollmentClosedError as error:
        raise CourseEnrollmentClosed from error
    except CourseFullError as error:
        raise CourseFull from error
    except EnrollmentNotAllowed as error:
        raise CourseEnrollmentRefused from error


@contextmanager
def _no_stale_states() -> Iterator[None]:
    """
    Keep the platform from taking an enrollment for active, or not, by what it remembers for the length of a request.

    It remembers a state as soon as it is written, also if that is undone afterwards, and in a Celery worker for as long
    as nobody clears the cache.
    """
    from common.djangoapps.student.models import CourseEnrollment

    namespaces = (CourseEnrollment.MODE_CACHE_NAMESPACE, "get_enrollment")
    for namespace in namespaces:
        RequestCache(namespace).clear()
    try:
        yield
    except BaseException:
        for namespace in namespaces:
            RequestCache(namespace).clear()
        raise


def _ensure_course(course_key: CourseKey) -> None:
    """Raise unless there is a course run with exactly this key; load it if it has no overview yet."""
    from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

    if CourseOverview.get_from_id(course_key).id != course_key:  # found without regard to case
        raise CourseNotFound


def _offered_mode(course_key: CourseKey, mode: str | None) -> str:
    """Return the mode, or the default one if there is none, as one that the course run offers today."""
    from openedx.core.djangoapps.enrollments.api import _default_course_mode, validate_course_mode

    _ensure_course(course_key)
    offered: str = _default_course_mode(str(course_key)) if mode is None else mode
    validate_course_mode(str(course_key), offered, is_active=True)
    return offered


def _transition(user: User, course_key: CourseKey) -> StateTransition:
    from common.djangoapps.student.models import CourseEnrollmentAllowed

    invited = CourseEnrollmentAllowed.for_user(user).filter(course_id=course_key).exists()
    return StateTransition.ALLOWED_TO_ENROLLED if invited else StateTransition.UNENROLLED_TO_ENROLLED


def _audit(
    acting_user: User | None,
    learner: User | None,
    email: str,
    transition: StateTransition,
    reason: str,
    enrollment: Any = None,
) -> None:
    """Write the platform's audit row of what somebody did for somebody else."""
    from common.djangoapps.student.models import ManualEnrollmentAudit

    if acting_user is not None and (learner is None or acting_user.pk != learner.pk):
        ManualEnrollmentAudit.create_manual_enrollment_audit(acting_user, email, transition.value, reason, enrollment)


def _recorded_completions(user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
    """Return what the completion aggregator has recorded for those courses in which there is something to complete."""
    from completion_aggregator.models import Aggregator

    courses: QuerySet[Any] = Aggregator.objects.filter(user_id=user.pk, aggregation_name="course", possible__gt=0)
    wanted = set(course_keys)
    return {
        key: _as_share(percent)
        for keys in chunks(wanted, courses.db)
        for key, percent in courses.filter(course_key__in=keys).values_list("course_key", "percent")
        if key in wanted  # the column compares without case, course keys do not
    }


def _counted_completion(user: User, course_key: CourseKey) -> float | None:
    """
    Return the share of units that the learner has completed, or None if the platform cannot tell.

    A course that was deleted from the modulestore has its overview still, and its enrollments; there is nothing to
    count.
    """
    from xmodule.modulestore.exceptions import ItemNotFoundError

    share = None
    with passed_over(f"tell what user {user.pk} has completed in {course_key}", unknown=ItemNotFoundError):
        from lms.djangoapps.courseware.courses import get_course_blocks_completion_summary

        summary = get_course_blocks_completion_summary(course_key, user)
        complete = summary["complete_count"]
        units = complete + summary["incomplete_count"] + summary["locked_count"]
        share = _as_share(complete / units) if units else 0.0
    return share


def _as_share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _course_overviews() -> QuerySet[Any]:
    from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

    overviews: QuerySet[Any] = CourseOverview.objects.all()
    return overviews


def _course_run(key: CourseKey, display_name: str | None, start: datetime | None, end: datetime | None) -> CourseRun:
    return CourseRun(key=key, name=display_name or key.run or str(key), start=start, end=end)


def _retired_forms(email: str) -> Iterable[str]:
    """Return what may stand in an account's `email` once the one with this address is retired, one for each salt."""
    try:
        from openedx.core.lib import user_util
    except ImportError:  # the package of that name, which such a platform installs itself
        from user_util import user_util  # type: ignore[import-not-found, unused-ignore]

    host: Any = settings  # these two are the platform's settings, which the plugin does not declare
    forms: Iterable[str] = user_util.get_all_retired_emails(email, host.RETIRED_USER_SALTS, host.RETIRED_EMAIL_FMT)
    return forms
