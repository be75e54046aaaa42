"""A site with a version older than 0.5.0 is sent to 0.5.0 first."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django.plugin import DjangoDbBlocker

from benchmarks import rival
from learning_paths.checks import E_OLDER_THAN_0_5_0
from tests.move import database
from tests.move.conftest import FILL

pytestmark = pytest.mark.move


def test_it_is_told_what_to_install(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), database.scratch_database(tmp_path) as settings:
        rival.run(FILL, settings, {"until": "0012_alter_learningpath_subtitle"})
        before = database.schema()
        with pytest.raises(SystemCheckError, match=E_OLDER_THAN_0_5_0) as caught:
            call_command("migrate", verbosity=0, skip_checks=False)
        assert "Install learning-paths-plugin==0.5.0" in str(caught.value)
        assert database.schema() == before
