"""Every row and column of 0.5.0 is there after the move, but for what ADR 0009 says, and the schema is ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from tests.move.conftest import Move

pytestmark = [pytest.mark.move, pytest.mark.django_db]

INVITATIONS, AUDIT = "learningpathenrollmentallowed", "manualenrollmentaudit"
RENAMED = {"learningpathenrollmentaudit": AUDIT}

NEW_ADDRESSES = {
    "Eve@Example.COM": "eve@example.com",
    "\tDan@Example.com": "dan@example.com",
    "fay@exämple.com": "fay@xn--exmple-cua.com",
    "Hal@Example.com": "hal@example.com",
    "x" * 242 + "@Example.com": "x" * 242 + "@example.com",
}
MERGED = {" dan@example.com": "\tDan@Example.com", " Ana@example.com": "ana@example.com"}
"""What became a part of what, in the path that both are for."""
MERGED_ON_SQLITE = {"EVE@example.com": "Eve@Example.COM", "eve@example.com": "Eve@Example.COM"}
WITHDRAWN = ["josé@example.com"]
FIRST_PATH = 1


def merges() -> dict[str, str]:
    """What is merged in this database: MySQL never had two addresses that differ by case alone."""
    return MERGED | (MERGED_ON_SQLITE if connection.vendor == "sqlite" else {})


def expected_invitations(before: dict[int, dict[str, Any]]) -> tuple[dict[int, dict[str, Any]], dict[int, int]]:
    """Return the invitations as they are to be, and which of the old ones became a part of which."""
    ids = {row["email"]: pk for pk, row in before.items() if row["learning_path_id"] == FIRST_PATH}
    parts = {ids[email]: ids[whole] for email, whole in merges().items()}
    after = {}
    for pk, row in before.items():
        if pk in parts:
            continue
        together = [row["created"], *(before[part]["created"] for part, whole in parts.items() if whole == pk)]
        after[pk] = {**row, "email": NEW_ADDRESSES.get(row["email"], row["email"]), "created": min(together)}
        if row["email"] in WITHDRAWN:
            after[pk]["is_active"] = 0
        if row["user_id"] is not None:  # used, which 0.5.0 tells by another value
            after[pk]["is_active"] = 1
    return after, parts


def expected_audit(move: Move) -> dict[int, dict[str, Any]]:
    """Return the audit rows as they are to be: they follow the merged invitations, and name an address."""
    invitations, parts = expected_invitations(move.before[INVITATIONS])
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, LOWER(email) FROM auth_user")
        accounts = dict(cursor.fetchall())
    after = {}
    for pk, row in move.before["learningpathenrollmentaudit"].items():
        invitation = parts.get(row["enrollment_allowed_id"], row["enrollment_allowed_id"])
        if invitation is not None:
            address = invitations[invitation]["email"].lower()
        elif row["enrollment_id"] is not None:
            address = accounts[move.before["learningpathenrollment"][row["enrollment_id"]]["user_id"]]
        else:
            address = ""
        address = "ana@example.com" if address == "\tana@example.com" else address  # that of two accounts
        after[pk] = {**row, "enrollment_allowed_id": invitation, "enrolled_email": address}
    return after


def test_0_5_0_had_rows_in_every_table(move: Move) -> None:
    assert move.version == "0.5.0"
    assert len(move.before) == 9
    assert all(move.before.values())
    for rows in move.before.values():
        for column in next(iter(rows.values())):
            assert len({str(row[column]) for row in rows.values()}) > 1, column


def test_each_row_and_column_is_there(move: Move) -> None:
    expected = {RENAMED.get(table, table): rows for table, rows in move.before.items()}
    expected[INVITATIONS], _ = expected_invitations(move.before[INVITATIONS])
    expected[AUDIT] = expected_audit(move)
    for row in expected["learningpath"].values():
        row["course_enrollment"] = "none"
    for row in expected["learningpathenrollment"].values():
        row["enrolled_at"] = row["created"]
    assert {table: move.after[table] for table in expected} == expected


def test_of_two_spellings_the_invitation_of_the_address_is_left(move: Move) -> None:
    after, parts = expected_invitations(move.before[INVITATIONS])
    assert len(parts) == len(merges())
    addresses = [(row["email"], row["learning_path_id"]) for row in after.values()]
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize("table", ["learningpathenrollment", AUDIT])
def test_history_begins_with_each_row_as_it_is(move: Move, table: str) -> None:
    history = {row["id"]: row for row in move.after[f"historical{table}"].values()}
    assert history.keys() == move.after[table].keys()
    assert len(history) == len(move.after[f"historical{table}"])
    for pk, row in move.after[table].items():
        assert {column: history[pk][column] for column in row} == row
        assert history[pk]["history_date"] == row["created"]
        assert history[pk]["history_type"] == "+"
        assert history[pk]["history_user_id"] is None
        assert history[pk]["history_change_reason"] == "Taken over from learning-paths-plugin"


def test_what_0_5_0_did_not_have_is_empty(move: Move) -> None:
    known = {RENAMED.get(table, table) for table in move.before}
    known |= {"historicallearningpathenrollment", f"historical{AUDIT}"}
    assert not any(rows for table, rows in move.after.items() if table not in known)


def test_the_schema_is_that_of_a_fresh_installation(move: Move) -> None:
    assert move.schema.keys() == move.fresh_schema.keys()
    for table, described in move.fresh_schema.items():
        assert move.schema[table] == described, table


def test_a_second_migrate_changes_nothing(move: Move) -> None:
    from tests.move import database

    call_command("migrate", verbosity=0)
    assert database.rows() == move.after
