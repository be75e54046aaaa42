"""What the pages show: paths, steps and progress in the form in which templates can print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from learning_paths import api

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from opaque_keys.edx.keys import CourseKey

    from learning_paths.data import PathGrade, PathProgress
    from learning_paths.models import LearningPath

PER_PAGE = 20
LONGEST_SEARCH = 200
LAST_PAGE = 9999
HAIR = 1e-9
"""What the sum of some tenths may lack."""


def course_url(course_key: CourseKey) -> str:
    """Return where a course run begins, on this host: the LMS leads on from there to wherever it shows courses."""
    return f"/courses/{course_key}/course/"


def percent(share: float) -> str:
    """Return a share as a percentage in the reader's language, with a decimal where it takes one."""
    number = round(share * 100.0, 1)
    # Translators: A percentage, such as "40%".
    return _("%(number)s%%") % {"number": number_format(number, 0 if number.is_integer() else 1)}


@dataclass(frozen=True, slots=True)
class Measure:
    """A share that the learner reached, and the one that the path asks for."""

    share: float
    required: float
    is_enough: bool

    @property
    def whole_percent(self) -> int:
        """The percentage that is reached for sure: what is not enough must not look as if it were."""
        return floor(self.share * 100 + HAIR)

    @property
    def reached(self) -> str:
        """The same in the reader's language."""
        return percent(self.whole_percent / 100)

    @property
    def asked_for(self) -> str:
        """The required percentage in the reader's language."""
        return percent(self.required)


@dataclass(frozen=True, slots=True)
class Step:
    """
    The course run of a step, and how the learner stands with it.

    ``name`` is the key, and ``is_known`` False, where the platform does not know the course run.
    """

    key: CourseKey
    name: str
    is_known: bool
    start: datetime | None
    end: datetime | None
    is_enrolled: bool
    completion: Measure | None = None
    grade: Measure | None = None
    is_next: bool = False

    @property
    def url(self) -> str:
        """Where the course run begins."""
        return course_url(self.key)

    @property
    def begins_later(self) -> bool:
        """Whether the course run has not begun."""
        return self.start is not None and self.start > timezone.now()

    @property
    def is_over(self) -> bool:
        """Whether the course run has ended."""
        return self.end is not None and self.end <= timezone.now()


@dataclass(frozen=True, slots=True)
class Card:
    """A path in a list. ``progress`` is None for those in which the learner is not enrolled."""

    path: LearningPath
    progress: Measure | None = None
    next_step: Step | None = None


@dataclass(frozen=True, slots=True)
class PathsPage:
    """The list: all of the learner's paths, and a page of those that the learner could enroll in."""

    search: str
    own: Sequence[Card]
    more: Sequence[Card]
    number: int
    has_next: bool

    @property
    def previous_query(self) -> str:
        """The query of the page before; nothing where there is none."""
        return self._query(self.number - 1) if self.number > 1 else ""

    @property
    def next_query(self) -> str:
        """The query of the page after this; nothing where there is none."""
        return self._query(self.number + 1) if self.has_next else ""

    @property
    def first_query(self) -> str:
        """The query of the first page."""
        return self._query(1)

    def _query(self, number: int) -> str:
        return "?" + urlencode({**({"search": self.search} if self.search else {}), "page": number})


@dataclass(frozen=True, slots=True)
class PathPage:
    """A path by itself. What is known of the learner alone is None where the learner is not enrolled."""

    path: LearningPath
    steps: Sequence[Step]
    progress: Measure | None
    grade: Measure | None

    @property
    def next_step(self) -> Step | None:
        """The step to go on with."""
        return next((step for step in self.steps if step.is_next), None)


def paths_page(user: User, *, search: str, page: str) -> PathsPage:
    """
    Return the list for a learner: six queries at most, whatever the number of paths and steps.

    Arguments:
        user: the learner.
        search: words that all paths shown must have; what is too long is cut off.
        page: the number of the page, as text. What is no such number is 1.
    """
    search = " ".join(search[:LONGEST_SEARCH].split())
    number = int(page) if page.isascii() and page.isdigit() and len(page) <= len(str(LAST_PAGE)) else 1
    number = max(number, 1)
    found = api.catalog(user).with_words(search).prefetch_related(None)
    own = list(found.filter(enrollment_date__isnull=False))  # type: ignore[misc]  # annotated by the catalog
    begin = (number - 1) * PER_PAGE
    # One more than is shown tells that there is a next page; to count them all would be one query more.
    others = list(found.filter(enrollment_date=None)[begin : begin + PER_PAGE + 1])  # type: ignore[misc]  # as above
    more = others[:PER_PAGE]
    prefetch_related_objects([*own, *more], "steps")
    return PathsPage(
        search=search,
        own=_own_cards(user, own),
        more=[Card(path) for path in more],
        number=number,
        has_next=len(others) > PER_PAGE,
    )


def path_page(user: User, path: LearningPath) -> PathPage:
    """Return a path of the catalog for a learner: two queries, and two more for who is enrolled in it."""
    keys = [step.course_key for step in path.steps.all()]
    runs, joined = api.get_course_runs(keys), api.enrolled_course_runs(user, keys)
    if path.enrollment_date is None:  # type: ignore[attr-defined]  # annotated by the catalog
        steps = [_step(key, runs, joined) for key in keys]
        return PathPage(path=path, steps=steps, progress=None, grade=None)
    progress, grade = api.progress_in(user, [path])[path.key], api.grades_in(user, [path])[path.key]
    required = path.criteria
    upcoming = None if progress.next_step is None else progress.next_step.course_key
    steps = [
        _step(
            key,
            runs,
            joined,
            completion=_measure(done.completion, required.required_completion),
            grade=_measure(graded.grade, required.required_grade) if graded.grade > 0 else None,
            is_next=key == upcoming,
        )
        for key, done, graded in zip(keys, progress.steps, grade.steps, strict=True)
    ]
    return PathPage(path=path, steps=steps, progress=_progress(progress), grade=_grade(grade))


def _own_cards(user: User, paths: Sequence[LearningPath]) -> list[Card]:
    progress = api.progress_in(user, paths)
    keys = {found.next_step.course_key for found in progress.values() if found.next_step is not None}
    runs, joined = api.get_course_runs(keys), api.enrolled_course_runs(user, keys)
    return [
        Card(
            path=path,
            progress=_progress(found := progress[path.key]),
            next_step=None if found.next_step is None else _step(found.next_step.course_key, runs, joined),
        )
        for path in paths
    ]


def _step(key: CourseKey, runs: Mapping[CourseKey, Any], joined: set[CourseKey], **more: Any) -> Step:
    run = runs.get(key)
    return Step(
        key=key,
        name=str(key) if run is None else run.name,
        is_known=run is not None,
        start=None if run is None else run.start,
        end=None if run is None else run.end,
        is_enrolled=key in joined,
        **more,
    )


def _measure(share: float, required: float) -> Measure:
    return Measure(share=share, required=required, is_enough=share + HAIR >= required)


def _progress(progress: PathProgress) -> Measure:
    return Measure(progress.progress, progress.required_completion, is_enough=progress.completed)


def _grade(grade: PathGrade) -> Measure | None:
    """Return nothing where there is no grade yet: "0%" would look like a bad one."""
    return Measure(grade.grade, grade.required_grade, is_enough=grade.passed) if grade.grade > 0 else None
