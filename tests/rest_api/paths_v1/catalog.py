"""The paths that the tests of the catalog look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from learning_paths import api
from learning_paths.models import (
    AcquiredSkill,
    LearningPath,
    LearningPathEnrollment,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
    Skill,
)
from sandbox.courses.models import CourseProgress, CourseRun
from tests.rest_api.base import RestTestCase

BASE = "/api/learning_paths/v1/"
PYTHON = "course-v1:DemoX+PY101+2026"
STATISTICS = "course-v1:DemoX+STAT1+2026"
LEARNING = "course-v1:DemoX+ML101+2026"
SAVEPOINT = 2  # queries: a request is a transaction, here inside that of the test
START, END = datetime(2026, 1, 12, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)


class CatalogTestCase(RestTestCase):
    """The open path has three steps, skills and criteria; the platform knows two of the course runs."""

    def setUp(self) -> None:
        super().setUp()
        LearningPath.objects.filter(pk=self.open.pk).update(
            display_name="Data Science",
            subtitle="From the first line to a model",
            description="Three courses.",
            level="beginner",
            duration="10 weeks",
            time_commitment="4 hours a week",
            sequential=True,
            image="learning_paths/data.png",
        )
        self.add_steps(self.open, [(PYTHON, 2, 1.0), (STATISTICS, None, 2.0), (LEARNING, 1, 1.0)])
        LearningPathGradingCriteria.objects.create(learning_path=self.open, required_completion=0.9, required_grade=0.5)
        self.algebra, self.python = (Skill.objects.create(display_name=name) for name in ("Algebra", "Python"))
        RequiredSkill.objects.create(learning_path=self.open, skill=self.algebra, level=1)
        AcquiredSkill.objects.create(learning_path=self.open, skill=self.python)
        CourseRun.objects.create(course_key=PYTHON, display_name="Python", start=START, end=END)
        CourseRun.objects.create(course_key=LEARNING, display_name="Machine Learning", start=START)
        self.open.refresh_from_db()

    @staticmethod
    def add_steps(path: LearningPath, steps: list[tuple[str, int | None, float]]) -> None:
        """Give the path steps: course key, order, weight."""
        for course_key, order, weight in steps:
            LearningPathStep.objects.create(learning_path=path, course_key=course_key, order=order, weight=weight)

    @staticmethod
    def enroll_days_ago(user: User, path: LearningPath, days: int) -> None:
        """Enroll somebody so many days ago."""
        api.enroll(user, path, acting_user=None)
        moment = timezone.now() - timedelta(days=days)
        LearningPathEnrollment.objects.filter(user=user, learning_path=path).update(enrolled_at=moment)

    @staticmethod
    def progress(user: User, course_key: str, **shares: float) -> None:
        """Let the platform know how far somebody is in a course run."""
        run, _ = CourseRun.objects.get_or_create(course_key=course_key)
        CourseProgress.objects.update_or_create(user=user, course_run=run, defaults=shares)

    def fetch(self, url: str, status: int = 200) -> Any:
        """Return the answer to a GET under the base."""
        return self.assert_json(self.client.get(BASE + url), status)

    def keys(self, query: str = "") -> list[str]:
        """Return the keys in the list."""
        return [path["key"] for path in self.fetch(f"learning-paths/{query}")["results"]]
