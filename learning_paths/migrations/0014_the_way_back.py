"""
What means something else to learning-paths-plugin 0.5.0 than it does here, for sites that go back to it (ADR 0009).

An invitation that an account used has ``is_active`` False there, and True here. To 0.5.0 one with True waits, for
whoever registers with the address. Each step looks for what is left to do, so that it can be repeated.
"""

import logging
from typing import Any

from django.db import migrations, models

from learning_paths.models.image import random_name

log = logging.getLogger(__name__)

ROWS = 500
PARTS_OF_0_5_0 = 4
NAMED_AT_MOST = 20


def used_as_here(apps: Any, schema_editor: Any) -> None:
    """Let each invitation that an account used be as those are that are used here."""
    switch_used(apps, schema_editor, is_active=True)


def used_as_there(apps: Any, schema_editor: Any) -> None:
    """Let nobody claim once more what an account used."""
    switch_used(apps, schema_editor, is_active=False)


def switch_used(apps: Any, schema_editor: Any, *, is_active: bool) -> None:
    """Give the invitations that have an account this state, some at a time, by primary key."""
    invitations = manager(apps, schema_editor, "LearningPathEnrollmentAllowed")
    used = invitations.filter(user__isnull=False, is_active=not is_active).order_by("pk").values_list("pk", flat=True)
    last = 0
    while some := list(used.filter(pk__gt=last)[:ROWS]):
        invitations.filter(pk__in=some).update(is_active=is_active)
        last = some[-1]


def criteria_for_all(apps: Any, schema_editor: Any) -> None:
    """Give each path the criteria that 0.5.0 expects it to have. Here a path without any has the same by default."""
    paths = manager(apps, schema_editor, "LearningPath").filter(grading_criteria=None)
    criteria = manager(apps, schema_editor, "LearningPathGradingCriteria")
    while some := list(paths.order_by("pk").values_list("pk", flat=True)[:ROWS]):
        criteria.bulk_create([criteria.model(learning_path_id=pk) for pk in some])


def name_unknown_keys(apps: Any, schema_editor: Any) -> None:
    """Say which paths 0.5.0 can't read: those whose keys have three parts."""
    texts = models.functions.Cast("key", models.CharField(max_length=255))
    keys = (
        manager(apps, schema_editor, "LearningPath").annotate(text=texts).order_by("pk").values_list("text", flat=True)
    )
    unknown = [key for key in keys if key.count("+") != PARTS_OF_0_5_0 - 1]
    if unknown:
        log.warning(
            "Learning paths: learning-paths-plugin 0.5.0 breaks at keys that do not have four parts. Give %d paths "
            "others, or delete them, before it is used again: %s",
            len(unknown),
            ", ".join([*unknown[:NAMED_AT_MOST], *(["…"] if len(unknown) > NAMED_AT_MOST else [])]),
        )


def manager(apps: Any, schema_editor: Any, name: str) -> Any:
    """Return all rows of a model in the database that is migrated."""
    return apps.get_model("learning_paths", name).objects.using(schema_editor.connection.alias)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("learning_paths", "0013_versions_deleted_paths_and_portions"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="learningpath",
                    name="image",
                    field=models.ImageField(blank=True, null=True, upload_to=random_name, verbose_name="image"),
                ),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, name_unknown_keys),
        migrations.RunPython(migrations.RunPython.noop, criteria_for_all),
        migrations.RunPython(used_as_here, used_as_there),
    ]
