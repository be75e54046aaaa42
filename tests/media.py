"""Images, and files that are stored no longer than a test takes."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from django.test import SimpleTestCase, TestCase, override_settings
from PIL import Image


class MediaFiles(SimpleTestCase):
    """Tests whose files go to a directory of their own."""

    def setUp(self) -> None:
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        settings = override_settings(MEDIA_ROOT=directory.name)
        settings.enable()
        self.addCleanup(settings.disable)
        self.media = Path(directory.name)

    def files(self) -> list[str]:
        """Return the names of the files that are stored."""
        return sorted(found.name for found in self.media.rglob("*") if found.is_file())


class MediaTestCase(MediaFiles, TestCase):
    """The same in a transaction that is rolled back."""


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 36), color: str = "teal", **options: Any) -> bytes:
    """Return an image as a file of this kind, by Pillow's name for it, has it."""
    mode = "CMYK" if kind == "EPS" else "P" if kind == "GIF" else "RGB"
    file = io.BytesIO()
    Image.new("RGB", size, color).convert(mode).save(file, kind, **options)
    return file.getvalue()
