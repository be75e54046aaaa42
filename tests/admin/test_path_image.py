"""The image of a path in its form."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import ddt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape

from learning_paths.admin import path_image
from learning_paths.models import LearningPath
from tests.admin.base import AdminTestCase, admin_url, errors
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path
from tests.media import MediaTestCase, picture

BROKEN = "This is no image, or a broken one. Choose a JPEG, PNG, GIF or WebP file."


@ddt.ddt
class PathImageTests(MediaTestCase, AdminTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()

    @property
    def change(self) -> str:
        return admin_url("learningpath", "change", self.path.pk)

    def send(self, content: bytes, name: str = "cover.png", **fields: Any) -> Any:
        file = SimpleUploadedFile(name, content, "image/png")
        return self.client.post(self.change, path_form(image=file, **fields))

    def refusal(self, content: bytes, name: str = "cover.png") -> str:
        """Return why a file is refused, which must be all that is wrong, and must store nothing."""
        response = self.send(content, name)
        assert response.status_code == 200
        assert list(errors(response)) == ["image"]
        assert self.files() == []
        assert not LearningPath.objects.get().image
        (text,) = errors(response)["image"]
        self.assertContains(response, escape(text))
        return text

    @ddt.data(
        ("PNG", "cover.png"),
        ("JPEG", "cover.jpg"),
        ("JPEG", "Cover of the path.JPEG"),
        ("MPO", "phone.jpg"),
        ("GIF", "cover.gif"),
        ("WEBP", "cover.webp"),
    )
    @ddt.unpack
    def test_what_every_browser_shows_is_stored_as_it_is_and_shown(self, kind: str, name: str) -> None:
        content = picture(kind)
        assert self.send(content, name).status_code == 302
        image = LearningPath.objects.get().image
        with image.open() as file:
            assert file.read() == content
        self.assertContains(self.client.get(self.change), f'src="{image.url}" alt="The stored image"')

    @ddt.data(("BMP", "cover.bmp"), ("TIFF", "cover.tiff"), ("BMP", "cover.png"), ("ICO", "cover.ico"))
    @ddt.unpack
    def test_what_some_browsers_do_not_show_is_refused(self, kind: str, name: str) -> None:
        assert self.refusal(picture(kind), name).startswith("This kind of image can't be shown by every browser.")

    @ddt.data(
        ("PNG", "cover.html", "This is a PNG image, so the name of its file must end in .png."),
        ("PNG", "cover.jpg", "This is a PNG image, so the name of its file must end in .png."),
        ("PNG", "cover", "This is a PNG image, so the name of its file must end in .png."),
        ("MPO", "cover.png", "This is a JPEG image, so the name of its file must end in .jpeg / .jpg."),
    )
    @ddt.unpack
    def test_a_name_that_says_something_else_is_refused(self, kind: str, name: str, text: str) -> None:
        assert self.refusal(picture(kind), name) == text

    def test_what_is_no_image_is_refused(self) -> None:
        assert self.refusal(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "cover.svg") == BROKEN
        assert self.refusal(b"hello") == BROKEN
        assert self.refusal(picture()[:20]) == BROKEN
        assert self.refusal(b"") == "The submitted file is empty."

    @ddt.data("PNG", "JPEG", "GIF", "WEBP")
    def test_an_image_that_ends_too_soon_is_refused(self, kind: str) -> None:
        """Django sees no more of a JPEG than its beginning."""
        whole = picture(kind, (400, 400))
        extension = {"JPEG": "jpg"}.get(kind, kind.lower())
        assert self.refusal(whole[: len(whole) * 2 // 3], f"cover.{extension}") == BROKEN

    def test_a_file_that_is_too_large_is_refused_unread(self) -> None:
        with mock.patch.object(path_image, "LARGEST_FILE", 2048):
            assert self.refusal(b"x" * 2049) == "The file is too large: at most 2.0\xa0KB."

    def test_an_image_with_too_many_pixels_is_refused_however_small_its_file(self) -> None:
        with mock.patch.object(path_image, "MOST_PIXELS", 4_000_000):
            assert self.send(picture(size=(2000, 2000))).status_code == 302
            LearningPath.objects.get().image.delete()
            text = self.refusal(picture(size=(2001, 2000)))
        assert text == "The image is too large: at most 4 million pixels, and it has 2001 by 2000."

    def test_an_image_is_replaced_and_removed(self) -> None:
        self.send(picture())
        self.send(picture("GIF"), "other.gif")
        assert re.fullmatch(r"learning_paths/other_[0-9a-f]{16}\.gif", str(LearningPath.objects.get().image.name))
        data = path_form(**{"image-clear": "on"})
        assert self.client.post(self.change, data).status_code == 302
        assert not LearningPath.objects.get().image
        self.assertNotContains(self.client.get(self.change), "<img class=")

    def test_a_form_without_a_file_keeps_the_image(self) -> None:
        self.send(picture())
        name = LearningPath.objects.get().image.name
        assert self.client.post(self.change, path_form(display_name="Data")).status_code == 302
        path = LearningPath.objects.get()
        assert (path.display_name, path.image.name) == ("Data", name)

    def test_a_file_that_the_storage_lost_breaks_no_page(self) -> None:
        LearningPath.objects.update(image="learning_paths/gone.png")
        self.assertContains(self.client.get(self.change), 'alt="The stored image"')
        assert self.client.post(self.change, path_form(display_name="Data")).status_code == 302
        assert LearningPath.objects.get().display_name == "Data"

    def test_the_form_says_what_may_be_chosen(self) -> None:
        page = self.client.get(admin_url("learningpath", "add"))
        self.assertContains(page, 'accept="image/jpeg,image/png,image/gif,image/webp"')
        self.assertContains(page, "A JPEG, PNG, GIF or WebP file of at most 5 MB.")
        assert path_image.LARGEST_FILE == 5 * 2**20
