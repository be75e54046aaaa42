"""``learning-credentials``, made for learning-paths-plugin, finds all that it needs in this package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.move import credentials, database

pytestmark = pytest.mark.move


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """What came of using it, in a process of its own."""
    folder = tmp_path_factory.mktemp("credentials")
    with django_db_blocker.unblock(), database.scratch_database(folder) as settings:
        yield credentials.run(settings)


def test_who_is_enrolled_and_passed_each_step_is_eligible(found: dict[str, Any]) -> None:
    assert found["version"] == "0.5.3"
    assert found["eligible"] == ["ana"]
    assert found["steps_of_ana"] == ["course-v1:OpenX+DS1+2024", "course-v1:OpenX+DS2+2024"]
    assert found["details_of_ben"] == {"is_eligible": False}


def test_the_path_has_its_name(found: dict[str, Any]) -> None:
    assert found["name"] == "Data Science"
    assert found["name_of_unknown"] == "path-v1:No+Such+Path+X"


def test_who_may_ask(found: dict[str, Any]) -> None:
    insiders = {"ana": 200, "ben": 404, "chloe": 404, "sam": 200}
    assert found["invite_only"] == found["eligibility"] == found["course_of_path"] == insiders
    assert found["open"] == dict.fromkeys(insiders, 200)


def test_staff_may_type_the_key_of_a_path(found: dict[str, Any]) -> None:
    assert found["forms"] == {"path-v1:OpenX+WEB+2024": True, "path-v1:OpenX": False}
