"""The platform that the sandbox is to the plugin, over a few small tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from opaque_keys.edx.keys import CourseKey

from learning_paths.lms import LMS, CourseEnrollmentState, CourseRun, best_mode_of
from learning_paths.lms.chunks import as_text, chunks
from learning_paths.lms.guard import guarded
from sandbox.accounts.models import RetiredAccount
from sandbox.courses import enrolling, models

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_COLUMNS = ("display_name", "start", "end")


class SandboxLMS(LMS):
    """Named by ``LEARNING_PATHS_LMS``. The promises are those of the protocol; only what differs is said here."""

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        """See ``LMS.course_runs``."""
        wanted = {str(key): key for key in keys}
        runs = models.CourseRun.objects.annotate(text=as_text("course_key"))
        return {
            wanted[text]: _as_value(wanted[text], name, start, end)
            for chunk in chunks(wanted, runs.db)
            for text, name, start, end in runs.filter(text__in=chunk).values_list("text", *_COLUMNS)
            if text in wanted  # the column compares without case
        }

    def search_course_runs(self, text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
        """See ``LMS.search_course_runs``. Runs without a name come first."""
        runs = models.CourseRun.objects.order_by(Lower("display_name"), "course_key")
        for word in text.split():
            runs = runs.filter(Q(display_name__icontains=word) | Q(course_key__icontains=word))
        found: QuerySet[Any, Any] = runs.values_list("course_key", *_COLUMNS)
        return [_as_value(*run) for run in found[offset : offset + limit]]

    def retired_emails(self, emails: Collection[str]) -> set[str]:
        """See ``LMS.retired_emails``."""
        wanted = set(emails)
        return wanted & RetiredAccount.objects.in_bulk(wanted, field_name="email").keys()

    def course_enrollments(
        self, user_ids: Collection[int], course_keys: Collection[CourseKey]
    ) -> dict[tuple[int, CourseKey], str]:
        """See ``LMS.course_enrollments``."""
        active, wanted = models.CourseEnrollment.objects.filter(is_active=True), set(course_keys)
        return {
            (user_id, key): mode
            for users in chunks(set(user_ids), active.db, lists=2)
            for keys in chunks(wanted, active.db, lists=2)
            for user_id, key, mode in active.filter(user__in=users, course_run__course_key__in=keys).values_list(
                "user_id", "course_run__course_key", "mode"
            )
            if key in wanted
        }

    def best_modes(self, course_keys: Collection[CourseKey]) -> dict[CourseKey, str]:
        """See ``LMS.best_modes``. Modes do not end here."""
        runs, wanted = models.CourseRun.objects.only("course_key", "modes"), set(course_keys)
        return {
            run.course_key: best
            for keys in chunks(wanted, runs.db)
            for run in runs.filter(course_key__in=keys)
            if run.course_key in wanted and (best := best_mode_of(run.offered_modes)) is not None
        }

    def course_completions(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """See ``LMS.course_completions``."""
        return self._progress(user, course_keys, "completion")

    def course_grades(self, user: User, course_keys: Collection[CourseKey]) -> dict[CourseKey, float]:
        """See ``LMS.course_grades``."""
        return self._progress(user, course_keys, "grade")

    @staticmethod
    def _progress(user: User, course_keys: Collection[CourseKey], what: str) -> dict[CourseKey, float]:
        rows, wanted = models.CourseProgress.objects.filter(user=user), set(course_keys)
        return {
            key: share
            for keys in chunks(wanted, rows.db)
            for key, share in rows.filter(course_run__course_key__in=keys, **{f"{what}__isnull": False}).values_list(
                "course_run__course_key", what
            )
            if key in wanted
        }

    def course_invitations(
        self, emails: Collection[str], course_keys: Collection[CourseKey]
    ) -> set[tuple[str, CourseKey]]:
        """See ``LMS.course_invitations``."""
        pending = models.CourseEnrollmentAllowed.objects.filter(auto_enroll=True, user=None)
        addresses, wanted = set(emails), set(course_keys)
        return {
            (email, key)
            for some in chunks(addresses, pending.db, lists=2)
            for keys in chunks(wanted, pending.db, lists=2)
            for email, key in pending.filter(email__in=some, course_run__course_key__in=keys).values_list(
                "email", "course_run__course_key"
            )
            if email in addresses and key in wanted
        }

    def preferred_languages(self, user_ids: Collection[int]) -> dict[int, str]:
        """See ``LMS.preferred_languages``. The sandbox is in one language."""
        return {}

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
        """See ``LMS.enroll_in_course``. There is nothing here that could refuse."""
        with guarded(f"enroll user {user.pk} in {course_key}"):
            run = enrolling.get_run(course_key)
            return enrolling.enroll(user, run, mode=mode, force=force, acting_user=acting_user, reason=reason)

    def invite_to_course(self, email: str, course_key: CourseKey, *, acting_user: User | None, reason: str) -> bool:
        """See ``LMS.invite_to_course``."""
        with guarded(f"keep an invitation to {course_key}"):
            return enrolling.invite(email, enrolling.get_run(course_key), acting_user=acting_user, reason=reason)


def _as_value(key: CourseKey, display_name: str, start: datetime | None, end: datetime | None) -> CourseRun:
    return CourseRun(key=key, name=display_name or key.run or str(key), start=start, end=end)
