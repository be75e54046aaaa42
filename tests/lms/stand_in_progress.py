"""
A stand-in for what edx-platform and openedx-completion-aggregator know of a learner's progress; see `stand_in`.

`Aggregator` has the columns of the model in openedx-completion-aggregator 4.5.0, each with its type. `BlockCompletion`
has those of edx-completion 5.0.0.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from django.apps import AppConfig, apps
from django.contrib.auth.models import User
from django.db import connection, models
from model_utils.models import TimeStampedModel
from opaque_keys.edx.django.models import CourseKeyField, LearningContextKeyField, UsageKeyField
from opaque_keys.edx.keys import CourseKey

from tests.lms.stand_in import REGISTRY, ItemNotFoundError, platform_module


class Modulestore:
    """How many units each course has, open and locked, and in which the platform has trouble. `reset` between tests."""

    units: ClassVar[dict[CourseKey, tuple[int, int]]] = {}
    corrupt: ClassVar[set[CourseKey]] = set()
    deadlocked: ClassVar[set[CourseKey]] = set()
    counted: ClassVar[list[CourseKey]] = []

    @classmethod
    def reset(cls) -> None:
        for each in (cls.units, cls.corrupt, cls.deadlocked, cls.counted):
            each.clear()


class PersistentCourseGrade(TimeStampedModel):
    id = models.BigAutoField(primary_key=True)  # in the platform without a sign
    user_id = models.IntegerField(db_index=True)
    course_id = CourseKeyField(max_length=255)
    course_edited_timestamp = models.DateTimeField(null=True)
    course_version = models.CharField(max_length=255)
    grading_policy_hash = models.CharField(max_length=255)
    percent_grade = models.FloatField()
    letter_grade = models.CharField(max_length=255)
    passed_timestamp = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[PersistentCourseGrade]] = models.Manager()

    class Meta:
        app_label = "grades"
        apps = REGISTRY
        unique_together = [("course_id", "user_id")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.course_id}"


class BlockCompletion(TimeStampedModel):
    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    context_key = LearningContextKeyField(max_length=255, db_column="course_key")
    block_key = UsageKeyField(max_length=255)
    block_type = models.CharField(max_length=64)
    completion = models.FloatField()

    objects: ClassVar[models.Manager[BlockCompletion]] = models.Manager()

    class Meta:
        app_label = "completion"
        apps = REGISTRY
        unique_together = [("context_key", "block_key", "user")]

    def __str__(self) -> str:
        return f"{self.user}: {self.block_key}"


class Aggregator(TimeStampedModel):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    course_key = CourseKeyField(max_length=255)
    aggregation_name = models.CharField(max_length=255)
    block_key = UsageKeyField(max_length=255)
    earned = models.FloatField()
    possible = models.FloatField()
    percent = models.FloatField()
    optional_earned = models.FloatField(default=0.0)
    optional_possible = models.FloatField(default=0.0)
    optional_percent = models.FloatField(default=1.0)
    last_modified = models.DateTimeField()

    objects: ClassVar[models.Manager[Aggregator]] = models.Manager()

    class Meta:
        app_label = "completion_aggregator"
        apps = REGISTRY
        unique_together = [("course_key", "block_key", "user", "aggregation_name")]

    def __str__(self) -> str:
        return f"{self.user}: {self.block_key}"


MODELS: list[type[models.Model]] = [PersistentCourseGrade, BlockCompletion, Aggregator]


def get_course_blocks_completion_summary(course_key: CourseKey, user: User) -> dict[str, int]:
    """Count in one query, where the real one asks more, and raise what it raises for a course that is gone."""
    Modulestore.counted.append(course_key)
    if course_key not in Modulestore.units:
        raise ItemNotFoundError(course_key)
    if course_key in Modulestore.corrupt:
        BlockCompletion.objects.create(user=user, context_key=course_key, completion=None)
    if course_key in Modulestore.deadlocked:
        connection.needs_rollback = True  # what Django notes when MySQL has lost the savepoint
        raise ItemNotFoundError(course_key)
    complete = BlockCompletion.objects.filter(user=user, context_key=course_key, completion=1.0).count()
    open_units, locked = Modulestore.units[course_key]
    return {"complete_count": complete, "incomplete_count": open_units - complete, "locked_count": locked}


def progress_modules() -> dict[str, ModuleType]:
    """Return what to put in `sys.modules` for completions and grades."""
    return {
        **platform_module("lms.djangoapps.grades.models", PersistentCourseGrade=PersistentCourseGrade),
        **platform_module(
            "lms.djangoapps.courseware.courses",
            get_course_blocks_completion_summary=get_course_blocks_completion_summary,
        ),
        **platform_module("completion_aggregator.models", Aggregator=Aggregator),
    }


def aggregator_app() -> dict[str, AppConfig]:
    """Return what to put in `apps.app_configs` for the completion aggregator to be an installed app."""
    name = "completion_aggregator"
    config = type("CompletionAggregator", (AppConfig,), {"path": "."})(name, ModuleType(name))
    config.apps, config.models = apps, {}
    return {name: config}
