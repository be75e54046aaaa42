"""Adds the index on ``auth_user.email`` that an LMS has, so that look-ups by address cost here what they cost there."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

INDEX = models.Index(fields=["email"], name="sandbox_auth_user_email")


def add_index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.add_index(apps.get_model("auth", "User"), INDEX)


def remove_index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.remove_index(apps.get_model("auth", "User"), INDEX)


class Migration(migrations.Migration):
    atomic = False  # MySQL makes no index inside a transaction

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(add_index, remove_index)]
