"""The screen of the skills that paths ask for and teach."""

from __future__ import annotations

from django.contrib import admin

from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.models import Skill


@admin.register(Skill)
class SkillAdmin(StrangeAddressesMixin, PatientAdmin):
    """Searchable, so that the forms of the paths can offer skills by search."""

    list_display = ["display_name", "created", "modified"]
    ordering = ["display_name", "pk"]
    search_fields = ["display_name"]
    fields = ["display_name"]
