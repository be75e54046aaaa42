"""What comes in and goes out over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers


class EnrollmentSerializer(serializers.Serializer[Any]):
    """An enrollment: a ``LearningPathEnrollment`` or an ``EnrollmentData``."""

    username = serializers.CharField(read_only=True)
    learning_path = serializers.CharField(read_only=True, source="learning_path_key")
    is_active = serializers.BooleanField(read_only=True)
    enrolled_at = serializers.DateTimeField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    modified = serializers.DateTimeField(read_only=True)


class RequestSerializer(serializers.Serializer[Any]):
    """The body of a request, or an entry of it, in which fields can stand for one another."""

    one_of: ClassVar[list[tuple[str, ...]]] = []
    """Groups of fields of which at least one must be given, for the OpenAPI schema. ``validate`` sees to it."""
    takes_others: ClassVar[bool] = True
    """Whether fields with other names are ignored rather than refused, for the OpenAPI schema."""


class LearnerSerializer(RequestSerializer):
    """Whom a request is about, in its query or its body."""

    takes_others = False

    username = serializers.CharField(required=False, max_length=150)
