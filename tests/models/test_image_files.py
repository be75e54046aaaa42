"""The files of images: gone with the last row that names them, after the commit, and never before."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath
from learning_paths.models.image import OwnedImageField
from tests.admin.base import admin_url
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path, make_staff
from tests.media import MediaFiles, picture


@ddt.ddt
class ImageFileTests(MediaFiles, TransactionTestCase):
    """A path with an image, in transactions that commit."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()
        self.first = self.give(self.path, "cover.png")

    def give(self, path: LearningPath, name: str, content: bytes = b"x") -> str:
        """Give a path an image, and return the name of the file."""
        path.image = ContentFile(content, name)
        path.save()
        return str(path.image.name).rpartition("/")[2]

    def copy_of(self, path: LearningPath) -> LearningPath:
        return api.duplicate_path(path, LearningPathKey("DemoX", "COPY", "2026"), display_name="Copy", acting_user=None)

    def test_names_are_no_others_and_can_not_be_guessed(self) -> None:
        assert self.first.startswith("cover_")
        assert self.first.endswith(".png")
        assert len(self.first) == len("cover_.png") + 16
        names = {self.give(make_path(f"path-v1:DemoX+P{number}+2026"), "cover.png") for number in range(3)}
        assert len({self.first, *names}) == 4

    @ddt.data("x" * 300 + ".png", "Über uns (1).JPEG", "no suffix", "a." + "b" * 200, "../../etc/passwd.png")
    def test_any_name_fits(self, name: str) -> None:
        stored = self.give(self.path, name)
        assert self.files() == [stored]
        self.path.refresh_from_db()
        assert self.path.image.name == f"learning_paths/{stored}"

    def test_the_replaced_one_is_deleted(self) -> None:
        second = self.give(self.path, "other.gif")
        assert self.files() == [second]

    def test_so_is_one_that_is_taken_away(self) -> None:
        self.path.image = ""
        self.path.save()
        assert self.files() == []

    def test_a_save_of_something_else_keeps_it(self) -> None:
        self.path.save()
        self.path.display_name = "Another"
        self.path.save(update_fields=["display_name"])
        LearningPath.objects.only("display_name").get().save()
        assert self.files() == [self.first]

    def test_an_image_that_is_set_but_not_saved_deletes_nothing(self) -> None:
        self.path.image = ContentFile(b"y", "other.png")
        self.path.save(update_fields=["display_name"])
        assert self.files() == [self.first]

    def test_a_path_that_was_read_in_part_deletes_it_too(self) -> None:
        part = LearningPath.objects.only("display_name").get()
        second = self.give(part, "other.png")
        assert self.files() == [second]

    def test_only_after_the_commit(self) -> None:
        with transaction.atomic():
            second = self.give(self.path, "other.png")
            assert self.files() == sorted([self.first, second])
        assert self.files() == [second]

    def test_a_transaction_that_is_rolled_back_deletes_nothing(self) -> None:
        with transaction.atomic():
            self.give(self.path, "other.png")
            self.path.delete()
            transaction.set_rollback(True)
        assert self.first in self.files()
        with LearningPath.objects.get().image.open() as file:
            assert file.read() == b"x"

    def test_not_while_another_path_names_it(self) -> None:
        other = make_path("path-v1:DemoX+OTHER+2026")
        LearningPath.objects.filter(pk=other.pk).update(image=f"learning_paths/{self.first}")
        self.path.delete()
        assert self.files() == [self.first]
        other.refresh_from_db()
        other.delete()
        assert self.files() == []

    def test_a_copy_has_a_file_of_its_own(self) -> None:
        copy = self.copy_of(self.path)
        assert len(self.files()) == 2
        self.path.delete()
        assert self.files() == [str(copy.image.name).rpartition("/")[2]]
        with copy.image.open() as file:
            assert file.read() == b"x"
        assert len(str(copy.image.name)) == len(f"learning_paths/{self.first}")

    def test_deleting_by_whatever_road(self) -> None:
        roads: list[Any] = [
            lambda: LearningPath.objects.get().delete(),
            lambda: LearningPath.objects.only("key").get().delete(),
            lambda: LearningPath.objects.all().delete(),
        ]
        for road in roads:
            road()
            assert self.files() == []
            self.path = make_path()
            self.give(self.path, "cover.png")

    def test_the_admin(self) -> None:
        self.client.force_login(make_staff("sam", is_superuser=True))
        change = admin_url("learningpath", "change", self.path.pk)
        file = SimpleUploadedFile("new.png", picture(), "image/png")
        assert self.client.post(change, path_form(image=file)).status_code == 302
        [second] = self.files()
        assert second.startswith("new_")
        data = {"action": "delete_selected", "_selected_action": [self.path.pk], "post": "yes"}
        assert self.client.post(admin_url("learningpath", "changelist"), data).status_code == 302
        assert not LearningPath.objects.exists()
        assert self.files() == []

    def test_a_storage_that_fails_breaks_nothing(self) -> None:
        with (
            mock.patch.object(FileSystemStorage, "delete", side_effect=OSError("The bucket is away")),
            self.assertLogs("learning_paths.models.image", "ERROR") as logs,
        ):
            second = self.give(self.path, "other.png")
        assert self.first in logs.output[0]
        assert LearningPath.objects.get().image.name == f"learning_paths/{second}"

    def test_a_file_that_is_gone_breaks_nothing(self) -> None:
        for file in self.media.rglob("*.png"):
            file.unlink()
        self.give(self.path, "other.png")
        self.path.delete()
        assert self.files() == []

    def test_each_file_field_of_ours_is_of_this_kind(self) -> None:
        from django.apps import apps

        fields = [
            field
            for model in apps.get_app_config("learning_paths").get_models()
            for field in model._meta.concrete_fields
            if isinstance(field, models.FileField)
        ]
        assert fields
        assert all(isinstance(field, OwnedImageField) for field in fields)
