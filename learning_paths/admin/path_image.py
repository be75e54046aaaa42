"""The image of a learning path in a form: what may be one, and how it looks before and after it is chosen."""

from __future__ import annotations

import os
import warnings
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from PIL import Image

from learning_paths.models import LearningPath
from learning_paths.uploads import is_full

LARGEST_FILE = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000
"""An image takes up to four bytes of memory for each while it is checked, however small its file is."""

EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg"},
    "MPO": {".jpg", ".jpeg"},  # what some phones write: a JPEG with further pictures after it
    "PNG": {".png"},
    "GIF": {".gif"},
    "WEBP": {".webp"},
}
"""What every browser shows, by Pillow's name for it. A web server tells browsers the type by the extension."""

MEDIA_TYPES = "image/jpeg,image/png,image/gif,image/webp"


class PathImageInput(AdminFileWidget):
    """The admin's file field beside the image: the stored one, and with the script the chosen one."""

    template_name = "learning_paths/admin/path_image.html"

    class Media:
        js = ["learning_paths/admin/path_image.js"]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Tell the script how large a file may be."""
        return {**super().get_context(name, value, attrs), "largest_file": LARGEST_FILE}


class PathImageField(forms.ImageField):
    """An image that every browser shows, whole, and no larger than a page of a path has use for."""

    default_validators = []  # of Django's, which knows extensions that browsers do not
    default_error_messages = {
        "invalid_image": _("This is no image, or a broken one. Choose a JPEG, PNG, GIF or WebP file."),
        "format": _("This kind of image can't be shown by every browser. Choose a JPEG, PNG, GIF or WebP file."),
        "extension": _("This is a %(format)s image, so the name of its file must end in %(extensions)s."),
        "too_large": _("The file is too large: at most %(size)s."),
        "no_room": _("The site has no room for this file: its disk is full. Tell the site's operators."),
        "too_many_pixels": _(
            "The image is too large: at most %(most)d million pixels, and it has %(width)d by %(height)d."
        ),
    }

    def __init__(self, **kwargs: Any) -> None:
        """Say what may be chosen, beside the field."""
        help_text = _("A JPEG, PNG, GIF or WebP file of at most 5 MB.")
        super().__init__(**{**kwargs, "help_text": kwargs.get("help_text") or help_text})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser offer what may be chosen."""
        return {**super().widget_attrs(widget), "accept": MEDIA_TYPES}

    def to_python(self, data: Any) -> Any:
        """Return the file if it is what it should be."""
        if getattr(data, "size", 0) > LARGEST_FILE:
            raise self._error("too_large", size=filesizeformat(LARGEST_FILE))
        file: Any = super().to_python(data)
        if file is not None:
            self._check(file, file.image)
            self._check_room(file.size)
        return file

    def _check(self, file: Any, image: Image.Image) -> None:
        """Look at what Django, which reads no further than the beginning of some formats, leaves unseen."""
        extensions = EXTENSIONS.get(image.format or "")
        if extensions is None:
            raise self._error("format")
        if PurePath(file.name).suffix.lower() not in extensions:
            name = "JPEG" if image.format == "MPO" else image.format
            raise self._error("extension", format=name, extensions=" / ".join(sorted(extensions)))
        if image.width * image.height > MOST_PIXELS:
            raise self._error("too_many_pixels", most=MOST_PIXELS // 1_000_000, width=image.width, height=image.height)
        file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about metadata, which does not matter here
                with Image.open(file) as whole:
                    whole.load()
        except Exception as error:  # Pillow's decoders raise what they like
            raise self._error("invalid_image") from error
        file.seek(0)

    def _check_room(self, size: int) -> None:
        """Try whether the storage takes the file, if it is a directory: a half of it would stay there for good."""
        storage: Any = LearningPath._meta.get_field("image").storage
        try:
            directory = Path(storage.path(""))
        except NotImplementedError:
            return
        nearest = next(each for each in [directory, *directory.parents] if each.is_dir())
        try:
            with TemporaryFile(dir=nearest) as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if is_full(error):
                raise self._error("no_room") from error

    def _error(self, code: str, **params: Any) -> ValidationError:
        return ValidationError(self.error_messages[code], code=code, params=params)
