"""Fields of keys: junk is an error of a form and finds nothing; nothing is stored without a key."""

from __future__ import annotations

from typing import Any

import ddt
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.forms import modelform_factory
from django.test import TestCase
from opaque_keys import OpaqueKey
from opaque_keys.edx.django.models import OpaqueKeyField
from opaque_keys.edx.keys import CourseKey

from learning_paths.models import (
    LearningPath,
    LearningPathStep,
    StepEnrollment,
    SubscriptionPlanCourse,
)
from tests.factories import make_path, make_plan

KEY = "path-v1:DemoX+DS101+2026"
RUN = "course-v1:DemoX+DS+2026"
JUNK = [
    "junk",
    "path-v1:DemoX",
    "course-v1:DemoX",
    " ",
    "x\0y",
    "\ud800",
    "x" * 300,
    f"{KEY} ",
    f"{RUN}+x",
    5,
    b"x",
    object(),
]


def key_fields() -> list[Any]:
    """Every field of keys in our models."""
    ours = apps.get_app_config("learning_paths").get_models()
    return [field for model in ours for field in model._meta.concrete_fields if isinstance(field, OpaqueKeyField)]


@ddt.ddt
class EachKeyFieldTests(TestCase):
    """What is true of each column of keys."""

    def setUp(self) -> None:
        path = make_path(KEY)
        LearningPathStep.objects.create(learning_path=path, course_key=RUN)
        SubscriptionPlanCourse.objects.create(subscription_plan=make_plan(), course_key=RUN)

    def test_these_are_all(self) -> None:
        assert {field.model for field in key_fields()} == {
            LearningPath,
            LearningPathStep,
            SubscriptionPlanCourse,
            StepEnrollment,
        }

    @ddt.data(*JUNK)
    def test_a_filter_with_junk_finds_nothing(self, junk: Any) -> None:
        for field in key_fields():
            rows, name = field.model._default_manager.all(), field.name
            assert not rows.filter(**{name: junk}).exists(), field
            assert not rows.filter(**{f"{name}__in": [junk]}).exists(), field
            assert rows.exclude(**{name: junk}).count() == rows.count(), field

    def test_junk_beside_a_key_does_not_hide_it(self) -> None:
        assert LearningPath.objects.filter(key__in=["junk", KEY]).count() == 1
        assert LearningPathStep.objects.filter(course_key__in=[RUN, "\0"]).count() == 1

    @ddt.data(*JUNK)
    def test_junk_is_a_validation_error_wherever_it_would_be_stored(self, junk: Any) -> None:
        for field in key_fields():
            with self.assertRaises(ValidationError):
                field.to_python(junk)
            with self.assertRaises(ValidationError):
                field.clean(junk, None)
            with self.assertRaises(ValidationError):
                field.model(**{field.name: junk})
            if field.model._default_manager.exists():
                with self.assertRaises(ValidationError), transaction.atomic():
                    field.model._default_manager.update(**{field.name: junk})

    @ddt.data(None, "")
    def test_nothing_is_stored_without_a_key(self, missing: Any) -> None:
        for field in key_fields():
            manager = field.model._default_manager
            row = manager.first()
            if row is None:
                continue
            with self.assertRaises(ValidationError), transaction.atomic():
                manager.update(**{field.name: missing})
            setattr(row, field.name, missing)
            for store in (row.full_clean, row.save, lambda: manager.bulk_update([row], [field.name])):  # noqa: B023
                with self.assertRaises(ValidationError), transaction.atomic():
                    store()
            row.pk, row._state.adding = None, True
            with self.assertRaises(ValidationError), transaction.atomic():
                manager.bulk_create([row])
            assert all(isinstance(key, OpaqueKey) for key in manager.values_list(field.name, flat=True))

    def test_a_row_that_only_changes_something_else_is_saved(self) -> None:
        path = LearningPath.objects.get()
        path.display_name = "Another"
        path.save(update_fields=["display_name"])
        assert LearningPath.objects.get().display_name == "Another"

    def test_a_copy_by_an_expression_is_not_looked_at(self) -> None:
        LearningPath.objects.update(key=models.F("key"))
        assert str(LearningPath.objects.get().key) == KEY

    def test_forms(self) -> None:
        step = modelform_factory(LearningPathStep, fields=["course_key"])
        path = modelform_factory(LearningPath, fields=["key"])
        for form_class, name in ((step, "course_key"), (path, "key")):
            for text in ("junk", "", "x\0y"):
                form = form_class({name: text})
                assert not form.is_valid()
                assert name in form.errors

    def test_names_what_is_wrong(self) -> None:
        with self.assertRaisesMessage(ValidationError, "Enter a key such as path-v1:Org+Number+Run"):
            LearningPath(key="junk")
        with self.assertRaisesMessage(ValidationError, "course-v1:Org+Course+Run"):
            LearningPathStep(course_key="junk")
        with self.assertRaisesMessage(ValidationError, "needs a key"):
            LearningPath(display_name="No key").save()

    def test_keys_still_work(self) -> None:
        assert LearningPath.objects.get(key=LearningPath.objects.get().key)
        assert LearningPath.objects.get(key__icontains="demox")
        assert LearningPathStep.objects.get(course_key=CourseKey.from_string(RUN)).course_key == CourseKey.from_string(
            RUN
        )


def without_key(**fields: Any) -> LearningPath:
    """Leave a path without a key in the database, as an older site may have one."""
    path = make_path("path-v1:DemoX+GONE+2026", **fields)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE learning_paths_learningpath SET `key` = '' WHERE id = %s", [path.pk])
    path.refresh_from_db()
    assert path.key is None
    return path
