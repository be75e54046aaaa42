"""On MySQL and MariaDB, the schema of a site that moved becomes that of a fresh installation (ADR 0009)."""

from typing import Any

from django.db import migrations, models


def even_out(apps: Any, schema_editor: Any) -> None:
    """
    Drop the second index on the keys of paths, and check the levels of skills, as a fresh installation does.

    There, the steps by which learning-paths-plugin came to 0.5.0 left the one and lost the other. What is so already is
    left alone, so this can run again.
    """
    if schema_editor.connection.vendor != "mysql":
        return  # SQLite makes a table anew when a column changes, and has neither
    path = apps.get_model("learning_paths", "LearningPath")
    for name, constraint in constraints(schema_editor, path, "key"):
        if constraint["index"] and not constraint["unique"]:
            schema_editor.remove_index(path, models.Index(fields=["key"], name=name))
    for skill in ("RequiredSkill", "AcquiredSkill"):
        model = apps.get_model("learning_paths", skill)
        if not any(constraint["check"] for _, constraint in constraints(schema_editor, model, "level")):
            level = model._meta.get_field("level").db_parameters(schema_editor.connection)
            table = schema_editor.quote_name(model._meta.db_table)
            column = schema_editor.quote_name("level")
            schema_editor.execute(f"ALTER TABLE {table} MODIFY {column} {level['type']} NULL CHECK ({level['check']})")


def constraints(schema_editor: Any, model: Any, column: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of the constraints and indexes that one column has to itself, and what each of them is."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [(name, constraint) for name, constraint in found.items() if constraint["columns"] == [column]]


class Migration(migrations.Migration):
    atomic = False  # MySQL alters no table within a transaction

    dependencies = [
        ("learning_paths", "0009_notices"),
    ]

    operations = [
        migrations.RunPython(even_out, migrations.RunPython.noop),
    ]
