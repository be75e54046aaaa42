"""Races over accounts that are not active and over images: real threads, real commits, a real database server."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollmentAllowed
from tests.factories import make_path, make_staff, make_user
from tests.media import MediaFiles
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
]

ROUNDS = 15


class NotActiveRaceTests(TransactionTestCase):
    """Dea, who left, is enrolled again by staff at the moment at which her account becomes active again."""

    def test_whoever_commits_last_enrolls_her(self) -> None:
        sam, path = make_staff("sam"), make_path()
        codes = set()
        for number in range(ROUNDS):
            dea = make_user(f"dea{number}")
            api.invite(dea.email, path, acting_user=sam)
            api.unenroll(dea, path, acting_user=sam)
            User.objects.filter(pk=dea.pk).update(is_active=False)

            def enroll(email: str = dea.email) -> str:
                [row] = api.bulk_enroll(api.prepare_bulk(email, [path.key]), acting_user=sam).rows
                return row.code.value

            def activate(pk: int = dea.pk) -> str:
                with transaction.atomic():
                    user = User.objects.get(pk=pk)
                    user.is_active = True
                    user.save()
                return ""

            codes |= set(at_once([enroll, activate])) - {""}
            assert api.get_active_enrollment(dea, path)
            assert LearningPathEnrollmentAllowed.objects.get(email=dea.email).user == dea
        assert codes <= {"not_active", "enrolled_again"}


class ImageRaceTests(MediaFiles, TransactionTestCase):
    """Several people give a path an image at the same time."""

    def test_one_file_is_left(self) -> None:
        path = make_path()

        def replace() -> None:
            with transaction.atomic():
                own = LearningPath.objects.get(pk=path.pk)
                own.image = ContentFile(b"x", "cover.png")
                own.save()

        for _ in range(5):
            at_once([replace] * 4)
            path.refresh_from_db()
            assert self.files() == [str(path.image.name).rpartition("/")[2]]
