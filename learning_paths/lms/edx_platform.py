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
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from opaque_keys.edx.keys import CourseKey

from learning_paths.lms.base import LMS, CourseRun

_T = TypeVar("_T")

# So many values MySQL still looks up through the index. By its manual a value takes some 230 bytes, and a list that
# takes more than `range_optimizer_max_mem_size` (8 MiB) makes it read the whole table.
MAX_IN_LIST = 10_000

_COURSE_RUN_COLUMNS = ("id", "display_name", "start", "end")


class EdxPlatform(LMS):
    """
    The LMS that the plugin is installed in.

    Course runs are read from the course overviews, which the platform writes whenever a course is published. A course
    that exists in the modulestore alone is unknown here: `CourseOverview.get_from_ids` would find it, but it loads
    whole courses to do so, one by one, and again for each key that does not exist.
    """

    def course_runs(self, keys: Collection[CourseKey]) -> dict[CourseKey, CourseRun]:
        """See `LMS.course_runs`. Up to 10,000 keys are one query."""
        overviews = _course_overviews()
        wanted = set(keys)
        return {
            key: _course_run(key, *rest)
            for chunk in _chunks(wanted, overviews.db)
            for key, *rest in overviews.filter(id__in=chunk).values_list(*_COURSE_RUN_COLUMNS)
            if key in wanted  # the column compares without case, course keys do not
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
        See `LMS.retired_emails`. One query for up to 10,000 hashes, of which each address has one for each salt.

        The platform keeps a retired account, with a hash in place of its address. As with `is_email_retired`, a salt
        that the operator has since taken out of `RETIRED_USER_SALTS` makes the accounts retired under it unknown.
        """
        email_by_hash = {hashed: email for email in emails for hashed in _retired_forms(email)}
        users = get_user_model().objects.all()
        return {
            email_by_hash[hashed]
            for chunk in _chunks(email_by_hash, users.db)
            for hashed in users.filter(email__in=chunk).values_list("email", flat=True)
            if hashed in email_by_hash
        }


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


def _chunks(values: Iterable[_T], using: str) -> Iterator[list[_T]]:
    """Divide the values for an IN list into as few lists as the database takes."""
    size = min(connections[using].features.max_query_params or MAX_IN_LIST, MAX_IN_LIST)
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk
