"""``/api/learning_paths/v1/learning-paths/``: what there is to learn, for whom, in which order."""

from __future__ import annotations

from urllib.parse import quote

import ddt

from learning_paths import api
from learning_paths.models import AcquiredSkill, LearningPathStep, Skill
from tests.factories import make_path
from tests.rest_api.base import INVITE_ONLY, OPEN
from tests.rest_api.paths_v1.catalog import LEARNING, PYTHON, SAVEPOINT, STATISTICS, CatalogTestCase

DATES = {PYTHON: ["2026-01-12T00:00:00Z", "2026-03-20T00:00:00Z"], LEARNING: ["2026-01-12T00:00:00Z", None]}
STEPS = [
    {"order": 1, "course_key": LEARNING, "course_dates": DATES[LEARNING], "weight": 1.0},
    {"order": 2, "course_key": PYTHON, "course_dates": DATES[PYTHON], "weight": 1.0},
    {"order": None, "course_key": STATISTICS, "course_dates": [None, None], "weight": 2.0},
]
IN_LIST = {
    "key": OPEN,
    "display_name": "Data Science",
    "image": "http://testserver/media/learning_paths/data.png",
    "sequential": True,
    "steps": STEPS,
    "required_completion": 0.9,
    "enrollment_date": None,
    "invite_only": False,
}


@ddt.ddt
class PathListTests(CatalogTestCase):
    """Who gets which paths."""

    def test_a_path_with_its_steps_in_order(self) -> None:
        self.act_as("ana")
        assert self.fetch("learning-paths/") == {"count": 1, "next": None, "previous": None, "results": [IN_LIST]}
        assert self.fetch("learning-paths") == self.fetch("learning-paths/")

    def test_a_bare_path_has_the_default_criteria_and_no_image(self) -> None:
        path = make_path("path-v1:DemoX+BARE+2026")
        self.act_as("ana")
        bare = self.fetch(f"learning-paths/?org={path.key.org}")["results"][1]
        assert (bare["key"], bare["image"], bare["steps"], bare["required_completion"]) == (
            str(path.key),
            None,
            [],
            0.8,
        )

    def test_anonymous(self) -> None:
        self.fetch("learning-paths/", 401)

    @ddt.data("post", "put", "patch", "delete")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        self.assert_json(getattr(self.client, method)("/api/learning_paths/v1/learning-paths/"), 405)

    def test_invite_only_paths_are_for_staff_and_for_those_who_were_let_in(self) -> None:
        for name, expected in (
            ("ana", [OPEN]),
            ("ida", [OPEN]),
            ("sam", [OPEN, INVITE_ONLY]),
            ("una", [OPEN, INVITE_ONLY]),
        ):
            with self.subTest(name):
                self.act_as(name)
                assert self.keys() == expected
        api.enroll(self.people["ana"], self.invite_only, acting_user=None)
        self.act_as("ana")
        assert self.keys() == [INVITE_ONLY, OPEN]
        api.unenroll(self.people["ana"], self.invite_only, acting_user=None)
        assert self.keys() == [OPEN]

    def test_the_latest_enrollment_comes_first_and_the_rest_by_name(self) -> None:
        ana = self.people["ana"]
        second = make_path("path-v1:DemoX+SECOND+2026", display_name="Second")
        make_path("path-v1:DemoX+B+2026", display_name="B")
        left = make_path("path-v1:DemoX+A+2026", display_name="A")
        self.enroll_days_ago(ana, self.open, 5)
        self.enroll_days_ago(ana, second, 2)
        self.enroll_days_ago(ana, left, 1)
        api.unenroll(ana, left, acting_user=None)
        self.enroll_days_ago(self.people["ben"], self.open, 0)
        self.act_as("ana")
        found = self.fetch("learning-paths/")["results"]
        assert [path["display_name"] for path in found] == ["Second", "Data Science", "A", "B"]
        assert [path["enrollment_date"] is None for path in found] == [False, False, True, True]
        enrolled_at = api.get_active_enrollment(ana, second).enrolled_at
        assert found[0]["enrollment_date"] == enrolled_at.isoformat().replace("+00:00", "Z")

    def test_pages(self) -> None:
        for number in range(4):
            make_path(f"path-v1:DemoX+P{number}+2026", display_name=f"P{number}")
        self.act_as("ana")
        first = self.fetch("learning-paths/?page_size=2")
        assert (first["count"], first["previous"], len(first["results"])) == (5, None, 2)
        second = self.assert_json(self.client.get(first["next"]), 200)
        assert self.assert_json(self.client.get(second["previous"]), 200) == first
        last = self.assert_json(self.client.get(second["next"]), 200)
        assert last["next"] is None
        names = [path["display_name"] for page in (first, second, last) for path in page["results"]]
        assert names == ["Data Science", "P0", "P1", "P2", "P3"]

    @ddt.data(
        ("?page=3", 404),
        ("?page=0", 400),
        ("?page=x", 400),
        ("?page_size=0", 400),
        ("?page_size=x", 400),
        ("?page_size=-1", 400),
        ("?page_size=99999999999999999999999", 400),
        ("?page_size=1000", 200),
        ("?level=none", 400),
        ("?enrolled=1", 200),
        ("?enrolled=2", 400),
        ("?page=", 400),
        ("?page=" + "9" * 5000, 400),
        ("?org=Demo%2BX", 400),
        ("?search=" + "a" * 201, 400),
        ("?skill=" + "9" * 255, 200),
        ("?skill=%C2%B2", 200),
        ("?search=%00", 400),
        ("?unknown=1", 400),
    )
    @ddt.unpack
    def test_no_query_is_a_500(self, query: str, status: int) -> None:
        self.act_as("ana")
        self.fetch(f"learning-paths/{query}", status)

    @ddt.data(
        ("search=data", "Data Science"),
        ("search=SCIENCE+data", "Data Science"),
        ("search=first+line", "Data Science"),
        ("search=courses", "Data Science"),
        ("search=ds101", "Data Science"),
        ("search=python", "Data Science"),  # a skill that it teaches
        ("search=algebra", ""),  # one that it asks for
        ("search=data+web", ""),
        ("search=%25", ""),
        ("org=demox", "Data Science"),
        ("org=OtherX", "Web"),
        ("org=Other", ""),
        ("level=beginner", "Data Science"),
        ("level=advanced", "Web"),
        ("level=intermediate", ""),
        ("skill=python", "Data Science"),
        ("skill=pyth", ""),
        ("skill=Algebra", ""),
        ("required_skill=Algebra", "Data Science"),
        ("required_skill=python", ""),
        ("enrolled=true", "Web"),
        ("enrolled=false", "Data Science"),
        ("enrolled=true&level=beginner", ""),
    )
    @ddt.unpack
    def test_filters(self, query: str, expected: str) -> None:
        web = make_path("path-v1:OtherX+WEB+2026", display_name="Web", level="advanced")
        api.enroll(self.people["ana"], web, acting_user=None)
        self.act_as("ana")
        found = [path["display_name"] for path in self.fetch(f"learning-paths/?{query}")["results"]]
        assert sorted(found) == [name for name in expected.split(",") if name]

    def test_a_skill_by_its_id(self) -> None:
        self.act_as("ana")
        assert self.keys(f"?skill={self.python.pk}") == [OPEN]
        assert self.keys(f"?skill={self.algebra.pk}") == []
        assert self.keys(f"?required_skill={self.algebra.pk}") == [OPEN]

    def test_the_number_of_queries_does_not_grow_with_paths_and_steps(self) -> None:
        self.act_as("ana")
        self.enroll_days_ago(self.people["ana"], self.open, 1)
        with self.assertNumQueries(SAVEPOINT + 4):  # count, paths with criteria, steps, course runs
            self.fetch("learning-paths/")
        for number in range(30):
            path = make_path(f"path-v1:DemoX+MANY{number}+2026")
            self.add_steps(path, [(f"course-v1:DemoX+C{number}_{step}+2026", step, 1.0) for step in range(8)])
        with self.assertNumQueries(SAVEPOINT + 4):
            assert len(self.keys("?search=path+many&enrolled=false")) == 30


@ddt.ddt
class PathDetailTests(CatalogTestCase):
    """One path by itself."""

    def test_all_there_is_to_know(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 5):  # path with criteria, steps, both kinds of skills, course runs
            answer = self.fetch(f"learning-paths/{OPEN}/")
        assert answer == {
            **IN_LIST,
            "subtitle": "From the first line to a model",
            "description": "Three courses.",
            "level": "beginner",
            "duration": "10 weeks",
            "time_commitment": "4 hours a week",
            "required_skills": [{"skill": {"id": self.algebra.pk, "display_name": "Algebra"}, "level": 1}],
            "acquired_skills": [{"skill": {"id": self.python.pk, "display_name": "Python"}, "level": None}],
        }
        assert self.fetch(f"learning-paths/{OPEN}") == answer
        assert self.fetch(f"learning-paths/{quote(OPEN)}/") == answer

    def test_since_when_the_caller_is_enrolled(self) -> None:
        enrollment = self.enroll("ana")
        expected = enrollment.enrolled_at.isoformat().replace("+00:00", "Z")
        for name, date in (("ana", expected), ("ben", None), ("sam", None)):
            self.act_as(name)
            assert self.fetch(f"learning-paths/{OPEN}/")["enrollment_date"] == date

    def test_more_skills_and_steps_cost_no_more_queries(self) -> None:
        for number in range(5):
            skill = Skill.objects.create(display_name=f"Skill {number}")
            AcquiredSkill.objects.create(learning_path=self.open, skill=skill, level=number)
            LearningPathStep.objects.create(learning_path=self.open, course_key=f"course-v1:DemoX+S{number}+2026")
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 5):
            answer = self.fetch(f"learning-paths/{OPEN}/")
        assert [skill["level"] for skill in answer["acquired_skills"]] == [None, 0, 1, 2, 3, 4]

    @ddt.data("path-v1:DemoX+NONE+2026", OPEN.lower(), INVITE_ONLY, "nonsense", "path-v1:a/b", "course-v1:a+b+c", "%00")
    def test_what_is_unknown_malformed_or_hidden_is_a_404(self, key: str) -> None:
        self.act_as("ana")
        assert self.fetch(f"learning-paths/{key}/", 404) == {"detail": "There is no such learning path."}

    def test_staff_see_it_all(self) -> None:
        self.act_as("sam")
        assert self.fetch(f"learning-paths/{INVITE_ONLY}/")["invite_only"] is True

    def test_anonymous(self) -> None:
        self.fetch(f"learning-paths/{OPEN}/", 401)


@ddt.ddt
class ProgramTests(CatalogTestCase):
    """Paths in the form in which course-discovery loads programs."""

    def program(self) -> dict[str, object]:
        """Return what the open path is as a program."""
        return {
            "uuid": str(self.open.uuid),
            "name": "Data Science",
            "marketing_slug": OPEN,
            "title": "Data Science",
            "subtitle": "From the first line to a model",
            "status": "active",
            "banner_image_urls": {"w1440h480": "http://testserver/media/learning_paths/data.png"},
            "organizations": [],
            "course_codes": [
                {"key": "ML101", "run_modes": [{"course_key": LEARNING, "run_key": "2026"}]},
                {"key": "PY101", "run_modes": [{"course_key": PYTHON, "run_key": "2026"}]},
                {"key": "STAT1", "run_modes": [{"course_key": STATISTICS, "run_key": "2026"}]},
            ],
        }

    def test_learners_get_what_they_may_see_and_staff_all(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 3):
            answer = self.fetch("programs/")
        assert answer == {"count": 1, "next": None, "previous": None, "results": [self.program()]}
        assert self.fetch("programs") == answer
        self.act_as("sam")
        bare = self.fetch("programs/")["results"][1]
        assert (bare["banner_image_urls"], bare["course_codes"]) == ({}, [])
        assert self.fetch("programs/?page=2&page_size=1")["results"] == [bare]

    def test_runs_of_one_course_stand_together(self) -> None:
        again = "course-v1:DemoX+ML101+2027"
        LearningPathStep.objects.create(learning_path=self.open, course_key=again, order=9)
        LearningPathStep.objects.create(learning_path=self.open, course_key="course-v1:OtherX+ML101+1", order=10)
        self.act_as("ana")
        courses = self.fetch(f"programs/{self.open.pk}/")["course_codes"]
        assert [(course["key"], [run["course_key"] for run in course["run_modes"]]) for course in courses] == [
            ("ML101", [LEARNING, again]),
            ("PY101", [PYTHON]),
            ("ML101", ["course-v1:OtherX+ML101+1"]),
            ("STAT1", [STATISTICS]),
        ]

    def test_one_by_its_id(self) -> None:
        self.act_as("ana")
        with self.assertNumQueries(SAVEPOINT + 2):
            assert self.fetch(f"programs/{self.open.pk}/") == self.program()
        assert self.fetch(f"programs/{self.open.pk}") == self.program()

    @ddt.data("0", "x", "-1", "%C2%B2", "9" * 30, OPEN, "{hidden}")
    def test_what_is_unknown_or_hidden_is_a_404(self, pk: str) -> None:
        self.act_as("ana")
        self.fetch(f"programs/{pk.format(hidden=self.invite_only.pk)}/", 404)

    @ddt.data("programs/", "programs/1/")
    def test_anonymous(self, url: str) -> None:
        self.fetch(url, 401)
