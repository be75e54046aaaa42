"""Forms with a file, where it is too large, or where the disk is full."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import ddt
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse
from PIL import Image

from learning_paths import api
from learning_paths.admin.assign_licenses import ASSIGN_URL
from learning_paths.models import BulkEnrollmentJob, LearningPath, License
from tests.admin.base import AdminTestCase, admin_url, errors
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path, make_plan
from tests.media import picture
from tests.tiny_disk import STAND_IN, tiny_disk

ADDRESSES = b"ana@example.com\n" * 250_000
NOTHING_SAVED = "Nothing was saved."


@ddt.ddt
class UploadTests(AdminTestCase):
    """Each form that takes a file: the one of bulk jobs, new and once more, the one of licenses, that of a path."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()
        draft = api.draft_bulk_job(api.prepare_bulk("ana@example.com", [self.path.key]), acting_user=self.sam)
        self.addresses = {
            "new job": admin_url("bulkenrollmentjob", "add"),
            "draft": admin_url("bulkenrollmentjob", "edit", draft.pk),
            "licenses": reverse(f"admin:{ASSIGN_URL}", args=[make_plan().pk]),
            "new path": admin_url("learningpath", "add"),
            "path": admin_url("learningpath", "change", self.path.pk),
        }

    def assert_told(self, name: str, words: str, **data: Any) -> None:
        before = self.everything()
        response = self.client.post(self.addresses[name], data)
        assert response.status_code == 302, response
        assert response["Location"] == self.addresses[name]
        page = self.client.get(response["Location"])
        [message] = [str(each) for each in page.context["messages"]]
        assert words in message
        assert NOTHING_SAVED in message
        assert self.everything() == before

    @staticmethod
    def everything() -> list[Any]:
        """Return what a form could have changed."""
        tables: list[Any] = [BulkEnrollmentJob.objects, License.objects, LearningPath.objects]
        return [list(rows.order_by("pk").values()) for rows in tables]

    @ddt.data("new job", "draft", "licenses", "new path", "path")
    def test_more_is_typed_than_the_site_takes(self, name: str) -> None:
        self.assert_told(name, "The form is larger than 2.5\xa0MB", emails="x" * 2_700_000)

    @ddt.data("new job", "licenses", "path")
    def test_more_fields_than_the_site_takes(self, name: str) -> None:
        with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=2):
            self.assert_told(name, "more fields than the site takes", a="1", b="2", c="3", d="4")

    @ddt.data("new job", "draft", "licenses", "path")
    def test_a_disk_of_one_megabyte(self, name: str) -> None:
        with tiny_disk() as directory, override_settings(FILE_UPLOAD_TEMP_DIR=str(directory)):
            self.assert_told(name, "its disk is full", file=SimpleUploadedFile("people.csv", ADDRESSES))
            assert list(directory.iterdir()) == []

    @ddt.data("new job", "draft", "licenses", "new path")
    def test_a_stand_in_for_a_full_disk(self, name: str) -> None:
        with TemporaryDirectory() as directory, override_settings(FILE_UPLOAD_TEMP_DIR=directory, **STAND_IN):
            self.assert_told(name, "its disk is full", file=SimpleUploadedFile("people.csv", ADDRESSES))
            assert list(Path(directory).iterdir()) == []

    def test_a_middleware_that_read_the_form_and_kept_the_error_to_itself(self) -> None:
        """As the LMS's tracking does."""
        middleware = ["tests.admin.test_uploads.TrackingMiddleware"]
        with self.modify_settings(MIDDLEWARE={"prepend": middleware}):
            self.assert_told("new job", "it is larger than the site takes", emails="x" * 2_700_000)

    @ddt.data("new job", "draft", "licenses", "new path", "path")
    def test_no_form_is_taken_without_its_token(self, name: str) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.sam)
        before = self.everything()
        for file in (b"ana@example.com", ADDRESSES):
            data = {"emails": "ben@example.com", "file": SimpleUploadedFile("people.csv", file), "reason": "x"}
            assert strict.post(self.addresses[name], data).status_code == 403
            assert strict.post(self.addresses[name], {**data, "csrfmiddlewaretoken": "x" * 64}).status_code == 403
        strict.get(self.addresses[name])
        token = strict.cookies["csrftoken"].value
        data = {"emails": "", "csrfmiddlewaretoken": token}
        assert strict.post(self.addresses[name], data).status_code == 200
        assert self.everything() == before

    def test_who_may_not_is_told_nothing(self) -> None:
        self.client.logout()
        for address in self.addresses.values():
            response = self.client.post(address, {"emails": "x" * 2_700_000})
            assert "login" in response["Location"]


class ImageTests(AdminTestCase):
    """The image of a path, which goes from the upload to the storage."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()

    def send(self, image: bytes) -> Any:
        file = SimpleUploadedFile("cover.png", image, "image/png")
        form = path_form(image=file, display_name="Changed")
        return self.client.post(admin_url("learningpath", "change", self.path.pk), form)

    def test_a_storage_without_room(self) -> None:
        noise = io.BytesIO()
        Image.frombytes("RGB", (900, 700), os.urandom(900 * 700 * 3)).save(noise, "PNG")
        with tiny_disk() as directory, override_settings(MEDIA_ROOT=str(directory)):
            response = self.send(noise.getvalue())
            assert response.status_code == 200
            [error] = errors(response)["image"]
            assert "no room for this file" in error
            assert list(directory.rglob("*")) == []
        self.path.refresh_from_db()
        assert (self.path.display_name == "Changed", bool(self.path.image)) == (False, False)

    def test_a_storage_that_fills_up_in_that_moment(self) -> None:
        full = OSError(errno.EDQUOT, "Disk quota exceeded")
        with mock.patch.object(FileSystemStorage, "_save", side_effect=full):
            response = self.send(picture())
        assert response.status_code == 302
        page = self.client.get(response["Location"])
        assert "its disk is full" in str(next(iter(page.context["messages"])))
        self.path.refresh_from_db()
        assert self.path.display_name != "Changed"

    def test_another_fault_is_none_of_the_disk(self) -> None:
        with (
            mock.patch.object(FileSystemStorage, "_save", side_effect=OSError(errno.EIO, "I/O error")),
            self.assertRaises(OSError),
        ):
            self.send(picture())


class TrackingMiddleware:
    """Reads each form, and passes over what goes wrong."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with suppress(Exception):
            dict(request.POST)
        return self.get_response(request)
