"""How paths go out over REST. Whoever serializes gives the ``course_runs`` of the steps in the context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from drf_spectacular.utils import extend_schema_field
from opaque_keys.edx.keys import CourseKey
from rest_framework import serializers

from learning_paths.models import LearningPath


class StepSerializer(serializers.Serializer[Any]):
    """A step, as the schema describes it. What the platform does not know of its course run is null."""

    order = serializers.IntegerField(read_only=True, allow_null=True)
    course_key = serializers.CharField(read_only=True)
    course_dates = serializers.ListField(
        child=serializers.DateTimeField(allow_null=True), min_length=2, max_length=2, read_only=True
    )
    weight = serializers.FloatField(read_only=True)


class CatalogPathSerializer(serializers.Serializer[Any]):
    """A path in the list."""

    key = serializers.CharField(read_only=True)
    display_name = serializers.CharField(read_only=True)
    image = serializers.ImageField(read_only=True, allow_null=True, help_text="Its address.")
    sequential = serializers.BooleanField(read_only=True)
    steps = serializers.SerializerMethodField()
    required_completion = serializers.FloatField(read_only=True, source="criteria.required_completion")
    enrollment_date = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when the caller is enrolled; null for who is not."
    )
    invite_only = serializers.BooleanField(read_only=True)

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, path: LearningPath) -> list[dict[str, Any]]:
        """Return the steps, which ``StepSerializer`` would do five times as slowly: a page has hundreds of them."""
        runs: Mapping[CourseKey, Any] = self.context["course_runs"]
        return [
            {
                "order": step.order,
                "course_key": str(step.course_key),
                "course_dates": _dates(runs.get(step.course_key)),
                "weight": step.weight,
            }
            for step in path.steps.all()
        ]


def _dates(run: Any) -> list[str | None]:
    """Return when a course run starts and ends, in UTC, each None where that is not known."""
    moments = (None, None) if run is None else (run.start, run.end)
    return [moment and moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in moments]


class SkillSerializer(serializers.Serializer[Any]):
    """A skill."""

    id = serializers.IntegerField(read_only=True)
    display_name = serializers.CharField(read_only=True)


class PathSkillSerializer(serializers.Serializer[Any]):
    """A skill of a path, at a level."""

    skill = SkillSerializer(read_only=True)
    level = serializers.IntegerField(read_only=True, allow_null=True)


class PathDetailSerializer(CatalogPathSerializer):
    """A path by itself."""

    subtitle = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    level = serializers.CharField(read_only=True)
    duration = serializers.CharField(read_only=True)
    time_commitment = serializers.CharField(read_only=True)
    required_skills = PathSkillSerializer(many=True, read_only=True, source="requiredskill_set")
    acquired_skills = PathSkillSerializer(many=True, read_only=True, source="acquiredskill_set")


class RunModeSerializer(serializers.Serializer[Any]):
    """A course run of a program."""

    course_key = serializers.CharField(read_only=True)
    run_key = serializers.CharField(read_only=True)


class CourseCodeSerializer(serializers.Serializer[Any]):
    """A course of a program, with those of its runs that are steps."""

    key = serializers.CharField(read_only=True)
    run_modes = RunModeSerializer(many=True, read_only=True)


class ProgramSerializer(serializers.Serializer[Any]):
    """A path in the form in which course-discovery loads programs."""

    uuid = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True, source="display_name")
    marketing_slug = serializers.CharField(read_only=True, source="key")
    title = serializers.CharField(read_only=True, source="display_name")
    subtitle = serializers.CharField(read_only=True)
    status = serializers.SerializerMethodField()
    banner_image_urls = serializers.SerializerMethodField()
    organizations = serializers.SerializerMethodField()
    course_codes = serializers.SerializerMethodField()

    def get_status(self, path: LearningPath) -> str:
        """Return the one state that paths have."""
        return "active"

    @extend_schema_field({"type": "object", "properties": {"w1440h480": {"type": "string", "format": "uri"}}})
    def get_banner_image_urls(self, path: LearningPath) -> dict[str, str]:
        """Return the image under the only size that is asked for, with the host, as it is fetched from another one."""
        if not path.image:
            return {}
        url = path.image.url
        return {"w1440h480": self.context["request"].build_absolute_uri(url)}

    def get_organizations(self, path: LearningPath) -> list[str]:
        """Return none: course-discovery knows organizations by records of its own."""
        return []

    @extend_schema_field(CourseCodeSerializer(many=True))
    def get_course_codes(self, path: LearningPath) -> list[dict[str, Any]]:
        """Return the courses in the order of their first steps."""
        runs_of: dict[tuple[str, str], list[dict[str, str]]] = {}
        for step in path.steps.all():
            key = step.course_key
            runs_of.setdefault((key.org, key.course), []).append({"course_key": str(key), "run_key": key.run})
        return [{"key": course, "run_modes": runs} for (_, course), runs in runs_of.items()]
