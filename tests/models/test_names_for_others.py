"""Other packages, such as learning-credentials, find paths, steps and learners by these names (ADR 0009)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.test import TestCase
from opaque_keys.edx.keys import CourseKey, LearningContextKey

from learning_paths import api
from learning_paths.keys import LearningPathKey, LearningPathKeyField
from learning_paths.models import LearningPath
from tests.factories import make_path, make_staff, make_user

FIRST, LAST, UNORDERED = (CourseKey.from_string(f"course-v1:DemoX+{name}+2026") for name in ("A", "B", "C"))


class NamesForOthersTests(TestCase):
    """Ana is enrolled in the path, Ben has left it, Chloe never was in it."""

    def setUp(self) -> None:
        sam = make_staff()
        self.ana, self.ben, self.chloe = (make_user(name) for name in ("ana", "ben", "chloe"))
        self.path = make_path("path-v1:DemoX+DS101+2026+A", invite_only=True)
        for course_key, order in ((UNORDERED, None), (LAST, 2), (FIRST, 1)):
            self.path.steps.create(course_key=course_key, order=order)
        for learner in (self.ana, self.ben):
            api.enroll(learner, self.path, acting_user=sam)
        api.unenroll(self.ben, self.path, acting_user=sam)

    def test_steps_come_in_their_order(self) -> None:
        with self.assertNumQueries(1):
            assert [step.course_key for step in self.path.steps.all()] == [FIRST, LAST, UNORDERED]
        assert LearningPath.objects.get(steps__course_key=LAST) == self.path
        assert not LearningPath.objects.filter(steps__course_key=CourseKey.from_string("course-v1:X+Y+Z")).exists()

    def test_enrolled_users_are_all_and_can_be_narrowed_to_the_active(self) -> None:
        make_path("path-v1:DemoX+Other+2026").enrolled_users.add(self.ben)  # active, but elsewhere
        with self.assertNumQueries(1):
            assert set(self.path.enrolled_users.values_list("pk", flat=True)) == {self.ana.pk, self.ben.pk}
        active = self.path.enrolled_users.filter(learningpathenrollment__is_active=True)
        with self.assertNumQueries(1):
            assert list(active.values_list("id", flat=True)) == [self.ana.pk]

    def test_paths_are_found_by_their_enrollments(self) -> None:
        def paths_of(user: User) -> list[LearningPath]:
            return list(
                LearningPath.objects.filter(
                    models.Q(invite_only=False)
                    | models.Q(learningpathenrollment__user=user, learningpathenrollment__is_active=True)
                ).distinct()
            )

        assert paths_of(self.ana) == [self.path]
        assert paths_of(self.ben) == paths_of(self.chloe) == []

    def test_a_key_is_a_learning_context_and_finds_its_path(self) -> None:
        key = LearningContextKey.from_string("path-v1:DemoX+DS101+2026+A")
        assert isinstance(key, LearningPathKey)
        assert not key.is_course
        assert LearningPath.objects.get(key=key).display_name == self.path.display_name
        assert LearningPath.objects.get(key=str(key)) == self.path
        with self.assertRaises(LearningPath.DoesNotExist):
            LearningPath.objects.get(key=LearningPathKey("DemoX", "DS101", "2026", "B"))

    def test_the_field_can_be_in_models_of_others(self) -> None:
        field = LearningPathKeyField(max_length=255, db_index=True)
        assert field.to_python("path-v1:DemoX+DS101+2026+A") == self.path.key
        assert field.get_prep_value(self.path.key) == "path-v1:DemoX+DS101+2026+A"
        assert field.deconstruct()[1] == "learning_paths.keys.LearningPathKeyField"

    def test_criteria_have_their_name(self) -> None:
        with self.assertRaises(LearningPath.grading_criteria.RelatedObjectDoesNotExist):
            _ = self.path.grading_criteria
