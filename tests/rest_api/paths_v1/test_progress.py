"""``/api/learning_paths/v1/<key>/progress/`` and ``.../grade/``."""

from __future__ import annotations

import ddt

from learning_paths.models import LearningPathGradingCriteria, LearningPathStep
from tests.rest_api.base import INVITE_ONLY, OPEN
from tests.rest_api.paths_v1.catalog import LEARNING, PYTHON, SAVEPOINT, STATISTICS, CatalogTestCase


@ddt.ddt
class ProgressTests(CatalogTestCase):
    """Ana finished a course, is in the middle of another, and never opened the third."""

    def setUp(self) -> None:
        super().setUp()
        self.progress(self.people["ana"], PYTHON, completion=1.0, grade=0.9)
        self.progress(self.people["ana"], LEARNING, completion=0.5)
        self.progress(self.people["ben"], STATISTICS, completion=1.0, grade=1.0)

    def test_the_mean_of_what_is_completed(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 4):  # path, steps, criteria, what the platform knows
            answer = self.fetch(f"{OPEN}/progress/")
        assert answer == {
            "learning_path_key": OPEN,
            "progress": 0.5,
            "required_completion": 0.9,
            "completed": False,
        }
        assert self.fetch(f"{OPEN}/progress") == answer

    def test_each_step_if_asked_for(self) -> None:
        self.act_as("ana")
        assert self.fetch(f"{OPEN}/progress/?steps=true")["steps"] == [
            {"course_key": LEARNING, "completion": 0.5},
            {"course_key": PYTHON, "completion": 1.0},
            {"course_key": STATISTICS, "completion": 0.0},
        ]
        assert "steps" not in self.fetch(f"{OPEN}/progress/?steps=false")

    def test_completed_as_soon_as_it_is_enough(self) -> None:
        self.act_as("ana")
        self.progress(self.people["ana"], STATISTICS, completion=1.0)
        self.progress(self.people["ana"], LEARNING, completion=0.69)
        assert self.fetch(f"{OPEN}/progress/")["completed"] is False
        self.progress(self.people["ana"], LEARNING, completion=0.7)
        assert self.fetch(f"{OPEN}/progress/")["completed"] is True

    def test_the_weighted_mean_of_the_grades(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 4):
            answer = self.fetch(f"{OPEN}/grade/")
        assert answer == {"learning_path_key": OPEN, "grade": 0.225, "required_grade": 0.5, "passed": False}
        self.progress(self.people["ana"], STATISTICS, grade=0.6)
        assert self.fetch(f"{OPEN}/grade?steps=1") == {
            "learning_path_key": OPEN,
            "grade": 0.525,
            "required_grade": 0.5,
            "passed": True,
            "steps": [
                {"course_key": LEARNING, "grade": 0.0, "weight": 1.0},
                {"course_key": PYTHON, "grade": 0.9, "weight": 1.0},
                {"course_key": STATISTICS, "grade": 0.6, "weight": 2.0},
            ],
        }

    def test_the_default_criteria_where_nobody_set_any(self) -> None:
        LearningPathGradingCriteria.objects.all().delete()
        self.act_as("ana")
        assert self.fetch(f"{OPEN}/progress/")["required_completion"] == 0.8
        assert self.fetch(f"{OPEN}/grade/")["required_grade"] == 0.75

    def test_twelve_courses_cost_what_three_do(self) -> None:
        for number in range(9):
            LearningPathStep.objects.create(learning_path=self.open, course_key=f"course-v1:DemoX+S{number}+2026")
        self.act_as("ana")
        for what in ("progress", "grade"):
            with self.assertNumQueries(SAVEPOINT + 4):
                assert len(self.fetch(f"{OPEN}/{what}/?steps=true")["steps"]) == 12

    @ddt.data("progress", "grade")
    def test_a_path_without_steps_is_never_done(self, what: str) -> None:
        LearningPathGradingCriteria.objects.update(required_completion=0.0, required_grade=0.0)
        LearningPathStep.objects.all().delete()
        self.act_as("ana")
        answer = self.fetch(f"{OPEN}/{what}/?steps=true")
        assert (answer[what], answer["steps"], answer.get("completed", answer.get("passed"))) == (0.0, [], False)

    @ddt.data("progress", "grade")
    def test_whose(self, what: str) -> None:
        for caller, username, status in (
            ("ana", "ana", 200),
            ("ben", "ana", 403),
            ("ben", "nobody", 403),
            ("sam", "ana", 200),
            ("una", "ana", 200),
            ("sam", "nobody", 404),
        ):
            with self.subTest(caller=caller, username=username):
                self.act_as(caller)
                answer = self.fetch(f"{OPEN}/{what}/?username={username}", status)
                if status == 200:
                    assert answer[what] == {"progress": 0.5, "grade": 0.225}[what]
        self.act_as("sam")
        assert self.fetch(f"{OPEN}/{what}/")[what] == 0.0

    @ddt.data("progress", "grade")
    def test_refused(self, what: str) -> None:
        for caller, url, status in (
            (None, f"{OPEN}/{what}/", 401),
            ("ana", f"{INVITE_ONLY}/{what}/", 404),
            ("ana", f"{INVITE_ONLY}/{what}/?username=ben", 404),
            ("ana", f"path-v1:DemoX+NONE+2026/{what}/", 404),
            ("ana", f"nonsense/{what}/", 404),
            ("ana", f"{OPEN}/{what}/?steps=maybe", 400),
            ("sam", f"{OPEN}/{what}/?username=" + "a" * 151, 400),
        ):
            with self.subTest(caller=caller, url=url):
                self.act_as(caller)
                self.fetch(url, status)

    @ddt.data("post", "put", "patch", "delete")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        for what in ("progress", "grade"):
            self.assert_json(getattr(self.client, method)(f"/api/learning_paths/v1/{OPEN}/{what}/"), 405)
