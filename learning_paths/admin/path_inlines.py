"""What a learning path is made of, inside its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Field, PositiveIntegerField
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.admin.course_runs import CourseKeyFormField, CourseRunSelect
from learning_paths.admin.relations import RelationsMixin
from learning_paths.models import AcquiredSkill, LearningPathGradingCriteria, LearningPathStep, RequiredSkill

LARGEST_NUMBER = 2**31 - 1


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """A step, which must name a run that the platform knows, unless it is the one that the step has anyway."""

    known_runs: Callable[[], Mapping[CourseKey, Any]]

    def clean_course_key(self) -> CourseKey:
        """Refuse a run that the platform does not know."""
        key: CourseKey = self.cleaned_data["course_key"]
        if "course_key" in self.changed_data and key not in self.known_runs():
            unknown = self.fields["course_key"].error_messages["unknown"]
            raise ValidationError(unknown, code="unknown", params={"key": key})
        return key


class RowFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic for the checker only
    """Rows of a table, whose fields the admin leaves without labels of their own."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name each field by its column for those who can't see the table."""
        super().add_fields(form, index)
        for field in form.fields.values():
            if not field.widget.is_hidden:
                field.widget.attrs.setdefault("aria-label", capfirst(field.label))


class StepFormSet(RowFormSet):
    """The steps of a path, which ask the platform about their course runs together."""

    @cached_property
    def known_runs(self) -> Mapping[CourseKey, Any]:
        """The runs that the rows name, as stored and as sent, in one call to the platform."""
        keys: set[CourseKey] = set()
        for form in self.forms:
            with suppress(ValidationError):
                key = form.fields["course_key"].to_python(form["course_key"].value())
                keys.update([] if key is None else [key])
        return api.get_course_runs(keys)

    def add_fields(self, form: Any, index: int | None) -> None:
        """Let the row and its widget ask the formset."""
        super().add_fields(form, index)
        form.known_runs = lambda: self.known_runs
        form.fields["course_key"].widget.known_runs = form.known_runs

    def get_unique_error_message(self, unique_check: Any) -> str:
        """Say what is wrong with two steps of one run."""
        return gettext("A course run can be a step of a learning path only once.")


class RowInline(admin.TabularInline):  # type: ignore[type-arg]  # generic for the checker only
    """A table of what a path is made of."""

    formset: type[RowFormSet] = RowFormSet
    extra = 0

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Refuse numbers that a database does not take; Django 4.2 knows no bounds of SQLite's."""
        if isinstance(db_field, PositiveIntegerField):
            kwargs["max_value"] = LARGEST_NUMBER
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class StepInline(RowInline):
    """The steps, in their order; those without a number come last. A script lets them be dragged."""

    model = LearningPathStep
    form = StepForm
    formset = StepFormSet
    template = "learning_paths/admin/step_inline.html"
    fields = ["order", "course_key", "weight"]

    class Media:
        js = ["learning_paths/admin/steps.js"]

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the platform's course runs by search."""
        if db_field.name == "course_key":
            widget = CourseRunSelect(db_field, self.admin_site)
            return db_field.formfield(form_class=CourseKeyFormField, widget=widget)
        if db_field.name == "weight":
            kwargs["min_value"] = 0
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class SkillInline(RelationsMixin, RowInline):
    """Skills of a path, chosen by search."""

    fields = ["skill", "level"]
    autocomplete_fields = ["skill"]


class RequiredSkillInline(SkillInline):
    """What learners should know before."""

    model = RequiredSkill


class AcquiredSkillInline(SkillInline):
    """What learners know afterwards."""

    model = AcquiredSkill


class ShareField(forms.FloatField):
    """A number from 0 to 1."""

    default_error_messages = {"share": _("Enter a share from 0 to 1, such as 0.75 for 75 %.")}

    def __init__(self, **kwargs: Any) -> None:
        """Say what a share is, beside the field."""
        super().__init__(**{**kwargs, "help_text": _("A share from 0 to 1, such as 0.75 for 75 %.")})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser keep the number in bounds, too."""
        return {**super().widget_attrs(widget), "min": 0, "max": 1, "step": "any"}

    def validate(self, value: Any) -> None:
        """Refuse what is no share."""
        super().validate(value)
        if value is not None and not 0 <= value <= 1:
            raise ValidationError(self.error_messages["share"], code="share")


class GradingCriteriaForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """The criteria, each a share from 0 to 1."""

    class Meta:
        model = LearningPathGradingCriteria
        fields = ["required_completion", "required_grade"]
        field_classes = {"required_completion": ShareField, "required_grade": ShareField}

    def has_changed(self) -> bool:
        """Save criteria that were added and left at their defaults, too: whoever adds them wants them."""
        return self.instance._state.adding or super().has_changed()


class GradingCriteriaInline(admin.StackedInline):  # type: ignore[type-arg]  # generic for the checker only
    """The criteria, at most one set of them for a path."""

    model = LearningPathGradingCriteria
    form = GradingCriteriaForm
    extra = 0
