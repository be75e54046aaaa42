"""What the catalog can be narrowed by. A value that makes no sense is a 400, never ignored."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learning_paths.digits import whole_number
from learning_paths.models import AcquiredSkill, LearningPath, RequiredSkill
from learning_paths.models.learning_path import LearningPathQuerySet
from learning_paths.rest_api.v1.filters import OrgFilter, YesNoFilter

LARGEST_ID = 2**31 - 1


class CatalogFilter(django_filters.FilterSet):
    """Narrows the catalog. What is given must all be true of a path."""

    search = django_filters.CharFilter(
        method="with_words",
        max_length=200,
        label=_(
            "Words that all occur in the name, subtitle, description, key or acquired skills; case does not matter"
        ),
    )
    org = OrgFilter(method="of_org")
    level = django_filters.ChoiceFilter(choices=LearningPath.Level.choices, label=_("How much the path asks for"))
    skill = django_filters.CharFilter(
        method="with_skill", max_length=255, label=_("Id or name of a skill that learners acquire")
    )
    required_skill = django_filters.CharFilter(
        method="with_skill", max_length=255, label=_("Id or name of a skill that learners should have before")
    )
    enrolled = YesNoFilter(
        method="by_enrollment",
        label=_("Only the paths in which the caller is enrolled (true) or only the others (false)"),
    )

    class Meta:
        model = LearningPath
        fields: list[str] = []

    def with_words(self, paths: LearningPathQuerySet, name: str, text: str) -> LearningPathQuerySet:
        """Keep the paths that have each of the words somewhere."""
        return paths.with_words(text)

    def of_org(self, paths: LearningPathQuerySet, name: str, org: str) -> LearningPathQuerySet:
        """Keep the paths of one organization."""
        return paths.of_org(org)

    def with_skill(self, paths: LearningPathQuerySet, name: str, skill: str) -> LearningPathQuerySet:
        """Keep the paths that teach a skill, or ask for it. A number is an id, or the name of a skill that is one."""
        meant = Q(skill__display_name__iexact=skill)
        if (number := whole_number(skill, largest=LARGEST_ID)) is not None:
            meant |= Q(skill=number)
        model = RequiredSkill if name == "required_skill" else AcquiredSkill
        return paths.filter(Exists(_having(model, meant)))

    def by_enrollment(self, paths: LearningPathQuerySet, name: str, enrolled: bool) -> LearningPathQuerySet:
        """Keep the paths in which the caller is enrolled, or the others."""
        return paths.filter(enrollment_date__isnull=not enrolled)  # type: ignore[misc]  # annotated by the catalog


def _having(model: type[AcquiredSkill] | type[RequiredSkill], meant: Q) -> QuerySet[Any]:
    """Return the skills of the outer query's path that are meant."""
    return model.objects.filter(meant, learning_path=OuterRef("pk"))
