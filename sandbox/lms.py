"""The platform that the sandbox is to the plugin, over a few small tables."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q
from django.db.models.functions import Lower
from opaque_keys.edx.keys import CourseKey

from learning_paths.lms import LMS, CourseRun
from sandbox.accounts.models import RetiredAccount
from sandbox.courses import models


class SandboxLMS(LMS):
    """Named by ``LEARNING_PATHS_LMS``. The promises are those of the protocol; only what differs is said here."""

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        """See ``LMS.course_runs``."""
        wanted = set(keys)
        found = models.CourseRun.objects.in_bulk(wanted, field_name="course_key")
        return {key: _as_value(run) for key, run in found.items() if key in wanted}  # the column compares without case

    def search_course_runs(self, text: str, *, limit: int, offset: int = 0) -> list[CourseRun]:
        """See ``LMS.search_course_runs``. Runs without a name come first."""
        runs = models.CourseRun.objects.order_by(Lower("display_name"), "course_key")
        for word in text.split():
            runs = runs.filter(Q(display_name__icontains=word) | Q(course_key__icontains=word))
        return [_as_value(run) for run in runs[offset : offset + limit]]

    def retired_emails(self, emails: Collection[str]) -> set[str]:
        """See ``LMS.retired_emails``."""
        wanted = set(emails)
        return wanted & RetiredAccount.objects.in_bulk(wanted, field_name="email").keys()


def _as_value(run: models.CourseRun) -> CourseRun:
    key: CourseKey = run.course_key
    return CourseRun(key=key, name=run.display_name or key.run or str(key), start=run.start, end=run.end)
