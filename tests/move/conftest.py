"""A site that runs learning-paths-plugin 0.5.0 and moves here, once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from benchmarks import rival
from tests.move import database

FILL = Path(__file__).with_name("fill.py")


@dataclass(frozen=True)
class Move:
    """What there was before, what there is after, and what a fresh installation has."""

    version: str
    before: dict[str, dict[int, dict[str, Any]]]
    after: dict[str, dict[int, dict[str, Any]]]
    schema: dict[str, dict[str, Any]]
    fresh_schema: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def move(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Move]:
    """Fill a database with 0.5.0 and move it here; it is the one that the tests then use."""
    folder = tmp_path_factory.mktemp("move")
    with django_db_blocker.unblock():
        with database.scratch_database(folder):
            call_command("migrate", verbosity=0)
            fresh_schema = database.schema()
        with database.scratch_database(folder) as settings:
            filled = rival.run(FILL, settings, {"until": None})
            before = database.rows()
            call_command("migrate", verbosity=0, skip_checks=False)
            yield Move(filled["version"], before, database.rows(), database.schema(), fresh_schema)


@pytest.fixture(scope="session")
def django_db_setup(move: Move) -> None:
    """Let the tests have the site that moved in the place of an empty database."""
