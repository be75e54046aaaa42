"""What the tests of the learners' pages share."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollment
from sandbox.courses.models import CourseEnrollment, CourseProgress, CourseRun
from tests.factories import make_path, make_staff, make_user

DS, SEC = "path-v1:DemoX+DS101+2026", "path-v1:DemoX+SEC+2026"
LIST = "/learning_paths/"


def make_course(number: str, name: str = "", *, begins: int = -30, ends: int | None = 30, **fields: Any) -> CourseKey:
    """Make a course run that begins and ends so many days from now, and return its key."""
    now = timezone.now()
    run = CourseRun.objects.create(
        course_key=CourseKey.from_string(f"course-v1:DemoX+{number}+2026"),
        display_name=name or f"Course {number}",
        start=now + timedelta(days=begins),
        end=None if ends is None else now + timedelta(days=ends),
        **fields,
    )
    key: CourseKey = run.course_key
    return key


def make_steps(path: LearningPath, *keys: CourseKey) -> None:
    """Let the course runs be the steps of a path, in this order."""
    for order, key in enumerate(keys, start=1):
        path.steps.create(course_key=key, order=order)


def learn(learner: User, key: CourseKey, completion: float, grade: float | None = None) -> None:
    """Let a learner get so far in a course run."""
    CourseProgress.objects.update_or_create(
        user=learner,
        course_run=CourseRun.objects.get(course_key=key),
        defaults={"completion": completion, "grade": grade},
    )


class PageTestCase(TestCase):
    """Ana, who is logged in, Sam of the staff, an open path of three courses and an invite-only one without any."""

    ana: User
    sam: User
    path: LearningPath
    invite_only: LearningPath
    python: CourseKey
    statistics: CourseKey
    learning: CourseKey

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ana, cls.sam = make_user("ana"), make_staff("sam")
        cls.path = make_path(DS, display_name="Data Science")
        cls.invite_only = make_path(SEC, display_name="Web Security", invite_only=True)
        cls.python, cls.statistics, cls.learning = (
            make_course("PY101", "Python"),
            make_course("STAT1", "Statistics"),
            make_course("ML101", "Machine Learning", begins=20, ends=90),
        )
        make_steps(cls.path, cls.python, cls.statistics, cls.learning)

    def setUp(self) -> None:
        self.client.force_login(self.ana)

    def enroll(self, learner: User | None = None, path: LearningPath | None = None) -> None:
        """Enroll somebody, by default Ana in the open path."""
        api.enroll(learner or self.ana, path or self.path, acting_user=None)

    def post(self, action: str, path: LearningPath | None = None, **data: str) -> Any:
        """Post to a page of a path, by default of the open one, and follow where that leads on this site."""
        return self.client.post(url(action, path or self.path), data, follow=True)

    def is_enrolled(self, learner: User, path: LearningPath) -> bool:
        return LearningPathEnrollment.objects.filter(user=learner, learning_path=path, is_active=True).exists()

    def is_in_course(self, learner: User, key: CourseKey) -> bool:
        return CourseEnrollment.objects.filter(user=learner, course_run__course_key=key, is_active=True).exists()

    def count_queries(self, address: str) -> int:
        """Return how many queries a page takes, once what is cached in the process is cached."""
        assert self.client.get(address).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            self.client.get(address)
        return len(queries)


def url(page: str, path: LearningPath | str) -> str:
    """Return the address of ``learner-<page>`` of a path."""
    return reverse(f"learning_paths:learner-{page}", args=[path if isinstance(path, str) else path.key])


def told(response: Any) -> list[str]:
    """Return the messages of the page."""
    return [str(message) for message in response.context["messages"]]


def names(cards: Any) -> list[str]:
    """Return which paths are in a list."""
    return [card.path.display_name for card in cards]


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def text(response: Any) -> str:
    """Return what the page says, with single spaces."""
    collector = _TextCollector()
    collector.feed(response.content.decode())
    return " ".join(collector.words)
