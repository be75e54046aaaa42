"""Making a path out of another, through the public API."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.exceptions import LearningPathExists, LearningPathNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.models import (
    AcquiredSkill,
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
    Skill,
)
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.media import MediaTestCase

SPRING = LearningPathKey.from_string("path-v1:DemoX+DS101+2027")


class DuplicationTestCase(MediaTestCase):
    """Sam copies Data Science."""

    def setUp(self) -> None:
        super().setUp()
        self.sam = make_staff("sam")
        self.path = make_path(display_name="Data Science")

    def duplicate(self, key: LearningPathKey = SPRING, **options: Any) -> LearningPath:
        api.duplicate_path(self.path, key, **{"display_name": "Spring", "acting_user": self.sam, **options})
        return LearningPath.objects.get(key=key)

    def give_image(self) -> None:
        self.path.image.save("cover.png", ContentFile(b"a picture"))


@ddt.ddt
class DuplicatePathTests(DuplicationTestCase):
    def test_a_copy_is_what_the_original_is_but_for_what_makes_it_another(self) -> None:
        fields = {
            "subtitle": "From zero",
            "description": "All of it",
            "level": "advanced",
            "duration": "9 months",
            "time_commitment": "4 hours",
            "sequential": True,
            "invite_only": True,
            "course_enrollment": "all",
        }
        LearningPath.objects.filter(pk=self.path.pk).update(**fields)
        copy = self.duplicate()
        assert {name: getattr(copy, name) for name in fields} == fields
        assert (copy.key, copy.display_name) == (SPRING, "Spring")
        self.path.refresh_from_db()
        assert (str(self.path.key), self.path.display_name) == ("path-v1:DemoX+DS101+2026", "Data Science")
        assert copy.pk != self.path.pk
        assert copy.uuid != self.path.uuid
        assert copy.created > self.path.created
        assert copy.modified >= copy.created

    def test_no_field_is_forgotten(self) -> None:
        """Whoever adds a field to the path decides here whether a copy has it."""
        changed = {"id", "uuid", "key", "display_name", "image", "created", "modified"}
        same = {"subtitle", "description", "level", "duration", "time_commitment", "sequential", "invite_only"}
        assert {field.name for field in LearningPath._meta.concrete_fields} == changed | same | {"course_enrollment"}

    @ddt.data((True, None, True), (False, None, False), (False, True, True), (True, False, False))
    @ddt.unpack
    def test_who_sees_the_copy_is_as_with_the_original_or_as_said(
        self, was: bool, said: bool | None, becomes: bool
    ) -> None:
        LearningPath.objects.filter(pk=self.path.pk).update(invite_only=was)
        assert self.duplicate(invite_only=said).invite_only == becomes

    def test_steps_skills_and_criteria_are_copied_and_those_of_the_original_stay(self) -> None:
        for order, run in ((2, "B"), (None, "D"), (1, "A"), (2, "C")):
            key = f"course-v1:DemoX+{run}+2026"
            LearningPathStep.objects.create(learning_path=self.path, course_key=key, order=order, weight=0.5)
        python = Skill.objects.create(display_name="Python")
        RequiredSkill.objects.create(learning_path=self.path, skill=python, level=1)
        AcquiredSkill.objects.create(learning_path=self.path, skill=python, level=3)
        LearningPathGradingCriteria.objects.create(learning_path=self.path, required_completion=0.5, required_grade=0.6)
        other = make_path("path-v1:DemoX+WEB+2026")
        LearningPathStep.objects.create(learning_path=other, course_key="course-v1:DemoX+Z+2026")
        copy = self.duplicate()

        for path in (self.path, copy):
            steps = [(step.course_key.course, step.order, step.weight) for step in path.steps.all()]
            assert steps == [("A", 1, 0.5), ("B", 2, 0.5), ("C", 2, 0.5), ("D", None, 0.5)]
            for model, level in ((RequiredSkill, 1), (AcquiredSkill, 3)):
                assert list(model.objects.filter(learning_path=path).values_list("skill", "level")) == [
                    (python.pk, level)
                ]
            criteria = LearningPathGradingCriteria.objects.get(learning_path=path)
            assert (criteria.required_completion, criteria.required_grade) == (0.5, 0.6)
        assert LearningPathStep.objects.count() == 9
        assert Skill.objects.count() == 1
        assert copy.steps.earliest("pk").created >= copy.created

    def test_learners_invitations_and_subscriptions_stay_with_the_original(self) -> None:
        api.enroll(make_user("ana"), self.path, acting_user=self.sam)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        plan = make_plan()
        plan.learning_paths.add(self.path)
        copy = self.duplicate()
        assert not LearningPathEnrollment.objects.filter(learning_path=copy).exists()
        assert not LearningPathEnrollmentAllowed.objects.filter(learning_path=copy).exists()
        assert plan.learning_paths.get() == self.path
        assert LearningPathEnrollment.objects.filter(learning_path=self.path).exists()

    @ddt.data("path-v1:DemoX+DS101+2026", "path-v1:demox+ds101+2026", "path-v1:DemoX+WEB_1+2026")
    def test_a_key_that_is_taken_is_refused(self, key: str) -> None:
        make_path("path-v1:DemoX+web_1+2026")
        with self.assertRaises(LearningPathExists):
            self.duplicate(LearningPathKey.from_string(key))
        assert LearningPath.objects.count() == 2

    def test_a_key_that_only_looks_like_a_pattern_of_another_is_free(self) -> None:
        make_path("path-v1:DemoX+webA1+2026")
        assert self.duplicate(LearningPathKey.from_string("path-v1:DemoX+web_1+2026"))

    def test_a_path_that_is_gone_is_refused(self) -> None:
        LearningPath.objects.all().delete()
        with self.assertRaises(LearningPathNotFound):
            self.duplicate()

    def test_a_long_path_costs_as_many_queries_as_a_short_one(self) -> None:
        few = self.count_queries(2)
        assert self.count_queries(60) == few

    def count_queries(self, parts: int) -> int:
        self.path = make_path(f"path-v1:DemoX+N{parts}+2026")
        for number in range(parts):
            LearningPathStep.objects.create(learning_path=self.path, course_key=f"course-v1:DemoX+{number}+2026")
            skill = Skill.objects.create(display_name=str(number))
            RequiredSkill.objects.create(learning_path=self.path, skill=skill)
            AcquiredSkill.objects.create(learning_path=self.path, skill=skill)
        with CaptureQueriesContext(connection) as queries:
            copy = self.duplicate(LearningPathKey.from_string(f"path-v1:DemoX+M{parts}+2026"))
        assert copy.steps.count() == parts
        return len(queries)


class DuplicateImageTests(DuplicationTestCase):
    def test_each_path_has_a_file_of_its_own(self) -> None:
        self.give_image()
        copy = self.duplicate()
        assert copy.image.name != self.path.image.name
        assert str(copy.image.name).startswith("learning_paths/cover")
        self.path.image.delete()
        assert copy.image.read() == b"a picture"
        copy.image.close()

    def test_copies_of_copies_keep_to_the_length_of_the_column(self) -> None:
        self.path.image.save("x" * 80 + ".png", ContentFile(b"a picture"))
        for number in range(5):
            copy = self.duplicate(LearningPathKey.from_string(f"path-v1:DemoX+N{number}+2026"))
            assert len(str(copy.image.name)) <= 100
            assert default_storage.exists(str(copy.image.name))
            self.path = copy
        assert len(self.files()) == 6

    def test_a_path_without_an_image_has_a_copy_without_one(self) -> None:
        assert not self.duplicate().image
        assert self.files() == []

    def test_an_image_that_the_storage_lost_is_left_out(self) -> None:
        for name in ("learning_paths/gone.png", "../outside.png", "learning_paths"):
            LearningPath.objects.filter(pk=self.path.pk).update(image=name)
            with self.assertLogs("learning_paths.actions.learning_paths", "WARNING"):
                copy = self.duplicate()
            assert not copy.image
            copy.delete()
        assert self.files() == []

    def test_the_file_goes_when_the_copy_can_not_be_saved(self) -> None:
        self.give_image()
        LearningPathStep.objects.create(learning_path=self.path, course_key="course-v1:DemoX+A+2026")
        failing = mock.patch.object(LearningPathStep._default_manager, "bulk_create", side_effect=DatabaseError)
        with failing, self.assertRaises(DatabaseError):
            self.duplicate()
        assert LearningPath.objects.count() == 1
        assert len(self.files()) == 1

    def test_of_two_at_once_the_slower_is_refused_and_its_file_goes(self) -> None:
        self.give_image()
        with mock.patch.object(LearningPath, "save", side_effect=IntegrityError), self.assertRaises(LearningPathExists):
            self.duplicate()
        assert len(self.files()) == 1
