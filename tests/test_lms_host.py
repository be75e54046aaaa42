"""A host that loads its settings as the LMS does starts with the plugin, and finds all of it."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from edx_django_utils.plugins import add_plugins
from pytest_django import DjangoDbBlocker

import learning_paths
from learning_paths.settings import DEFAULTS, plugin_settings
from tests import lms_host
from tests.lms_host.derived import Derived
from tests.move.database import scratch_database

PACKAGE = Path(learning_paths.__file__).parent


class Platform(ModuleType):
    """A settings module of which nothing may be read, listed, set or deleted but the plugin's own settings."""

    def __getattribute__(self, name: str) -> Any:
        refuse_foreign(name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_foreign(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AssertionError(f"{name} is deleted")

    def __dir__(self) -> list[str]:
        raise AssertionError("the settings are listed")


def refuse_foreign(name: str) -> None:
    """Raise unless a name is that of a setting of the plugin, or one that importing a module looks at."""
    if not name.startswith("LEARNING_PATHS_") and name not in {"__class__", "__spec__"}:
        raise AssertionError(f"{name} is touched")


def own(settings: Platform) -> dict[str, Any]:
    """Return what a platform holds, past its guards."""
    names = [name for name in ModuleType.__getattribute__(settings, "__dict__") if name.isupper()]
    return {name: ModuleType.__getattribute__(settings, name) for name in names}


def test_no_setting_of_the_platform_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform("the_platform")
    monkeypatch.setitem(sys.modules, "the_platform", platform)
    add_plugins("the_platform", "lms.djangoapp", "common")
    add_plugins("the_platform", "lms.djangoapp", "common")
    assert own(platform) == DEFAULTS


def test_what_the_operator_has_set_stays_whatever_it_is() -> None:
    platform = Platform("the_platform")
    derived = Derived(lambda settings: True)
    platform.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT = derived
    platform.LEARNING_PATHS_LICENSE_BACKEND = None
    plugin_settings(platform)
    found = own(platform)
    assert found["LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT"] is derived
    assert found["LEARNING_PATHS_LICENSE_BACKEND"] is None
    assert found["LEARNING_PATHS_LMS"] == DEFAULTS["LEARNING_PATHS_LMS"]
    assert set(found) == set(DEFAULTS)


def test_each_default_belongs_to_one_host() -> None:
    """A list or dictionary would be shared by all that take it, and changed for all."""
    assert all(value is None or isinstance(value, bool | int | str) for value in DEFAULTS.values())


PROGRAM = """
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.utils.translation import gettext, override
call_command("check", fail_level="WARNING")
assert settings.LEARNING_PATHS_BULK_SYNC_LIMIT == 500
assert settings.LEARNING_PATHS_BULK_MAX_PAIRS == 100_000
assert settings.LOCALE_PATHS == [], settings.LOCALE_PATHS
with override("de"):
    print(gettext("Learning paths"))
"""


def test_the_host_starts_and_finds_the_translations(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "learning_paths", ignore=shutil.ignore_patterns("__pycache__"))
    messages = tmp_path / "learning_paths" / "locale" / "de" / "LC_MESSAGES"
    messages.mkdir(parents=True)
    (messages / "django.mo").write_bytes(compiled({"Learning paths": "Lernpfade"}))
    done = lms_host.run("-c", PROGRAM, database=f"sqlite:///{tmp_path}/host.sqlite3", package=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Lernpfade"


def test_the_source_of_the_texts_is_where_they_are_found() -> None:
    assert (PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po").is_file()
    assert not (PACKAGE / "conf").exists()


SCHEMA = """
import json
import django
django.setup()
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
response = Client().get("/api/learning_paths/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
assert response.status_code == 200
assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)
print(response.content.decode())
"""


def test_the_schema_names_how_to_authenticate_and_nothing_is_complained_of(tmp_path: Path) -> None:
    done = lms_host.run("-c", SCHEMA, database=f"sqlite:///{tmp_path}/host.sqlite3")
    assert done.returncode == 0, done.stderr
    assert "arning" not in done.stderr
    schema = json.loads(done.stdout)
    assert set(schema["components"]["securitySchemes"]) == {"cookieAuth", "jwtAuth"}
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) > 20
    for operation in operations:
        assert [*map(list, operation["security"])] == [["jwtAuth"], ["cookieAuth"]], operation


def test_users_that_are_saved_before_the_tables_are_made_cost_one_line(empty_database: str) -> None:
    done = lms_host.run("-m", "django", "migrate", "--verbosity", "0", database=empty_database)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "Learning paths" in line]
    assert "no tables yet" in line
    counted = lms_host.run("-c", COUNT, database=empty_database)
    assert counted.stdout.split() == ["2", "0"], counted.stderr
    assert "Learning paths" not in counted.stderr


COUNT = """
import django
django.setup()
from django.contrib.auth.models import User
from learning_paths.models import LearningPathEnrollment
for user in User.objects.all():
    user.save()
print(User.objects.count(), LearningPathEnrollment.objects.count())
"""


@pytest.fixture
def empty_database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Return the URL of a database without tables, of the kind that the tests run on."""
    with django_db_blocker.unblock(), scratch_database(tmp_path) as settings:
        if connection.vendor == "sqlite":
            yield f"sqlite:///{settings['NAME']}"
        else:
            yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{settings['NAME']}").geturl()


def compiled(texts: Mapping[str, str]) -> bytes:
    """Return a catalog as `msgfmt` writes it, which may not be installed. It holds the texts and its own header."""
    entries = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    pairs = [(source.encode(), translation.encode()) for source, translation in entries]
    begin, tables, strings = 28 + 16 * len(pairs), ([], []), b""  # type: ignore[var-annotated]
    for which, table in enumerate(tables):
        for pair in pairs:
            table += [len(pair[which]), begin + len(strings)]
            strings += pair[which] + b"\0"
    numbers = [0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0, *tables[0], *tables[1]]
    return struct.pack(f"<{len(numbers)}I", *numbers) + strings
