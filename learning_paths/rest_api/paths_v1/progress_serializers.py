"""How progress and grades go out over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class DetailSerializer(serializers.Serializer[Any]):
    """What the query may ask for besides the learner."""

    steps = serializers.BooleanField(required=False)


class StepProgressSerializer(serializers.Serializer[Any]):
    """The share of a step that the learner completed."""

    course_key = serializers.CharField(read_only=True)
    completion = serializers.FloatField(read_only=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a learner is in a path."""

    learning_path_key = serializers.CharField(read_only=True)
    progress = serializers.FloatField(read_only=True, help_text="The mean of the steps, from 0 to 1.")
    required_completion = serializers.FloatField(read_only=True)
    completed = serializers.BooleanField(read_only=True, help_text="Whether the progress is as much as is required.")
    steps = StepProgressSerializer(many=True, required=False, help_text="Only if asked for.")


class StepGradeSerializer(serializers.Serializer[Any]):
    """The grade in a step and how much it counts."""

    course_key = serializers.CharField(read_only=True)
    grade = serializers.FloatField(read_only=True)
    weight = serializers.FloatField(read_only=True)


class GradeSerializer(serializers.Serializer[Any]):
    """How well a learner does in a path."""

    learning_path_key = serializers.CharField(read_only=True)
    grade = serializers.FloatField(read_only=True, help_text="The weighted mean of the steps, from 0 to 1.")
    required_grade = serializers.FloatField(read_only=True)
    passed = serializers.BooleanField(read_only=True, help_text="Whether the grade is as good as is required.")
    steps = StepGradeSerializer(many=True, required=False, help_text="Only if asked for.")
