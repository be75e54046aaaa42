"""Scratch databases, and what is in them as the database itself tells it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection

PREFIX = "learning_paths_"


@contextmanager
def scratch_database(folder: Path) -> Iterator[dict[str, Any]]:
    """Let Django's connection use an empty database; yield how Django's setting would describe it."""
    name = f"{PREFIX}{uuid4().hex[:12]}"
    before = connection.settings_dict["NAME"]
    quoted = connection.ops.quote_name(name)
    if connection.vendor == "mysql":
        _elsewhere(f"CREATE DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    _use(name if connection.vendor == "mysql" else str(folder / f"{name}.sqlite3"))
    settings = connection.settings_dict
    described = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS", "ATOMIC_REQUESTS")
    try:
        yield {key: settings[key] for key in described}
    finally:
        _use(before)
        if connection.vendor == "mysql":
            _elsewhere(f"DROP DATABASE {quoted}")


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _elsewhere(sql: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


def rows() -> dict[str, dict[int, dict[str, Any]]]:
    """Return each row of our tables as the database has it, by table and id."""
    found = {}
    with connection.cursor() as cursor:
        for table in _tables(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            columns = [column[0] for column in cursor.description]
            dicts = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            found[table.removeprefix(PREFIX)] = {
                row["history_id" if "history_id" in row else "id"]: row for row in dicts
            }
    return found


def schema() -> dict[str, dict[str, Any]]:
    """
    Return the columns, constraints and indexes of our tables.

    Names of constraints and indexes are left out: Django looks for them by their columns, and an inline ``UNIQUE`` has
    another name than one that was added later.
    """
    tables = {}
    with connection.cursor() as cursor:
        for table in _tables(cursor):
            constraints = connection.introspection.get_constraints(cursor, table).values()
            tables[table.removeprefix(PREFIX)] = {
                "columns": sorted(_columns(cursor, table)),
                "constraints": sorted(
                    (kind, constraint["columns"], constraint["foreign_key"] or ())
                    for constraint in constraints
                    for kind in ("primary_key", "unique", "foreign_key", "check", "index")
                    if constraint[kind]
                ),
            }
    return tables


def _tables(cursor: Any) -> list[str]:
    return [table for table in connection.introspection.table_names(cursor) if table.startswith(PREFIX)]


def _columns(cursor: Any, table: str) -> list[tuple[str, ...]]:
    """Return name, type, nullability, default and collation of each column."""
    if connection.vendor == "mysql":
        cursor.execute(
            "SELECT column_name, column_type, is_nullable, column_default, extra, collation_name "
            "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        )
        return [tuple(map(str, row)) for row in cursor.fetchall()]
    cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
    [[definition]] = cursor.fetchall()
    body = definition[definition.index("(") + 1 : definition.rindex(")")]
    return [(column.strip(),) for column in _split(body)]


def _split(body: str) -> list[str]:
    """Cut the body of a CREATE TABLE at the commas between its columns."""
    parts, depth = [""], 0
    for character in body:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts
