"""A site that moved can go back to learning-paths-plugin 0.5.0."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from benchmarks import rival
from learning_paths import api
from learning_paths.models import LearningPath
from tests.factories import make_staff, make_user
from tests.move import database
from tests.move.conftest import FILL

pytestmark = pytest.mark.move

LAST_OF_0_5_0 = "0016_alter_learningpathstep_options"
CRITERIA = "learningpathgradingcriteria"


def test_its_rows_are_those_of_0_5_0_again(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), database.scratch_database(tmp_path) as settings:
        rival.run(FILL, settings, {"until": None})
        before = database.rows()
        call_command("migrate", verbosity=0)
        path = LearningPath.objects.get(key="path-v1:a+b+c+d")
        api.invite("late@example.com", path, acting_user=make_staff("lars"))
        api.enroll(make_user("lotte"), path, acting_user=None)
        odd = LearningPath.objects.get(grading_criteria=None)
        call_command("migrate", "learning_paths", "0001_tables_of_0_5_0", verbosity=0)
        back = database.rows()
        [permission] = Group.objects.get(name="Auditors").permissions.all()
        assert permission.codename == "view_learningpathenrollmentaudit"

        rival.run(FILL, settings, {"until": LAST_OF_0_5_0})
        assert database.rows() == back
        assert back.keys() == before.keys()
        changed = {table for table in before if {*before[table]} != {*back[table]}}
        assert changed == {
            CRITERIA,
            "learningpathenrollment",  # Lotte's
            "learningpathenrollmentallowed",  # one that is new, without the merged
            "learningpathenrollmentaudit",
        }
        # The path whose criteria somebody had deleted has those of 0.5.0 again, which breaks without any.
        had = {row["learning_path_id"] for row in before[CRITERIA].values()}
        assert {row["learning_path_id"] for row in back[CRITERIA].values()} - had == {odd.pk}
        for table in before.keys() - changed:
            assert back[table] == before[table], table


def test_what_was_used_here_is_used_there(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    """Pia used her invitation and has another address now. Whoever registers with the old one gets nothing by it."""
    with django_db_blocker.unblock(), database.scratch_database(tmp_path) as settings:
        rival.run(FILL, settings, {"until": None})
        call_command("migrate", verbosity=0)
        path = LearningPath.objects.get(key="path-v1:a+b+c+d")
        sam = make_staff("lars")
        for name in ("pia", "quin"):
            api.invite(f"{name}@example.com", path, acting_user=sam)
        pia = make_user("pia")
        pia.email = "pia@elsewhere.org"
        pia.save()
        call_command("migrate", "learning_paths", "0001_tables_of_0_5_0", verbosity=0)
        done = rival.run(FILL, settings, {"until": LAST_OF_0_5_0, "register": ["pia", "quin"]})
        assert done["paths_of"] == {"pia": [], "quin": ["path-v1:a+b+c+d"]}
        call_command("migrate", verbosity=0)
        assert api.get_active_enrollment(pia, path)
