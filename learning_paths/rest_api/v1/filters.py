"""Filters of the lists. A value that makes no sense is a 400, never ignored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import PermissionDenied

from learning_paths import api
from learning_paths.data import BulkOperation, JobState
from learning_paths.keys import LearningPathKey, LearningPathKeyFormField
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathEnrollment


class MomentField(IsoDateTimeField):
    """A moment in ISO 8601 that the database can hold, whatever its time zone."""

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if isinstance(moment, datetime):
            try:
                moment.astimezone(UTC)
            except OverflowError as error:
                raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        return moment


class MomentFilter(django_filters.Filter):
    """Filters by a ``MomentField``."""

    field_class = MomentField


class KeyFilter(django_filters.Filter):
    """Filters by a ``LearningPathKey``."""

    field_class = LearningPathKeyFormField


class OrgFilter(django_filters.CharFilter):
    """Filters by the first part of a path's key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=255,
            validators=[RegexValidator(rf"\A{LearningPathKey.MOVED_PART.pattern}\Z")],
            label=_("Organization, the first part of the path's key; case does not matter"),
            **kwargs,
        )


class YesNoField(forms.Field):
    """True or false, as JSON or as Python writes them, or as 1 or 0. None for nothing."""

    default_error_messages = {"invalid": _("Give true or false.")}
    WRITTEN = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}

    def to_python(self, value: Any) -> bool | None:
        """Return which it is."""
        if value in self.empty_values:
            return None
        if value not in self.WRITTEN:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return self.WRITTEN[value]


@extend_schema_field(OpenApiTypes.BOOL)
class YesNoFilter(django_filters.Filter):
    """Filters by a ``YesNoField``."""

    field_class = YesNoField


class EnrollmentFilter(django_filters.FilterSet):
    """What the enrollment list can be narrowed by."""

    learning_path = KeyFilter(field_name="learning_path__key", label=_("Key of a learning path"))
    username = django_filters.CharFilter(
        method="of_learner", max_length=150, label=_("Username of a learner; another's only for staff")
    )
    is_active = YesNoFilter(label=_("Only the active ones (true) or only the others (false)"))
    enrolled_after = MomentFilter(
        field_name="enrolled_at", lookup_expr="gte", label=_("Enrolled at this moment (ISO 8601) or later")
    )
    enrolled_before = MomentFilter(
        field_name="enrolled_at", lookup_expr="lt", label=_("Enrolled before this moment (ISO 8601)")
    )
    org = OrgFilter(method="of_org")

    class Meta:
        model = LearningPathEnrollment
        fields: list[str] = []

    def of_learner(
        self, enrollments: QuerySet[LearningPathEnrollment], name: str, username: str
    ) -> QuerySet[LearningPathEnrollment]:
        """Narrow to one learner. Only staff may name another, whether or not that learner exists."""
        user = self.request.user
        if username != user.get_username() and not api.is_staff(user):
            raise PermissionDenied
        return enrollments.filter(user__username=username)

    def of_org(
        self, enrollments: QuerySet[LearningPathEnrollment], name: str, org: str
    ) -> QuerySet[LearningPathEnrollment]:
        """Narrow to the paths of one organization, which are few and looked up first: a join would be sorted whole."""
        paths = LearningPath.objects.of_org(org).values_list("pk", flat=True)
        return enrollments.filter(learning_path__in=list(paths))


class Filters(DjangoFilterBackend):
    """Reads the filters of a view. The page that DRF shows to browsers has no form of them, which sends blank ones."""

    def to_html(self, request: Any, queryset: Any, view: Any) -> None:
        """Return nothing."""


class BulkJobFilter(django_filters.FilterSet):
    """What the list of bulk jobs can be narrowed by."""

    state = django_filters.ChoiceFilter(choices=JobState.choices, label=_("Where the job stands"))
    operation = django_filters.ChoiceFilter(choices=BulkOperation.choices, label=_("What it does to each pair"))
    author = django_filters.CharFilter(
        field_name="author__username", max_length=150, label=_("Username of who asked for it or confirmed it")
    )

    class Meta:
        model = BulkEnrollmentJob
        fields: list[str] = []
