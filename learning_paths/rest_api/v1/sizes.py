"""Requests that are larger than the site takes, and a disk that is full: what is said."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS

from learning_paths.data import LARGEST_FILE
from learning_paths.digits import whole_number

LARGEST_LENGTH = 2**63


class BodyTooLarge(APIException):
    """A 413 that says what to do."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self, view: Any) -> None:
        size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if size is None:
            reason = _("The request is larger than this site takes.")
        else:
            reason = _("The request is larger than %(size)s or has too many fields, and this site takes no more.")
            reason %= {"size": filesizeformat(size)}
        if view.takes_file:
            hint = _("Send the addresses as a CSV file in the field “file” of a multipart form, of at most %(size)s.")
            hint %= {"size": filesizeformat(LARGEST_FILE)}
        else:
            hint = _("Send it in several requests.")
        super().__init__(f"{reason} {hint}")


class DiskFull(APIException):
    """A 507: what was sent could not be kept while it was read."""

    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_code = "disk_full"
    default_detail = gettext_lazy(
        "This site has no room to take in the file: its disk is full. Nothing was done. Tell the site's operators."
    )


def refuse_what_is_too_large(view: Any, request: Any) -> None:
    """
    Look at how long a body says that it is, before any of it is read: Django looks at what it reads itself only, and
    not at files.

    Raises:
        BodyTooLarge: it is longer than the site takes at once.
    """
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is None or request.method in SAFE_METHODS:  # whose body, if there is one, nobody reads
        return
    if view.takes_file and str(request.content_type or "").startswith("multipart/"):
        most += LARGEST_FILE
    text = str(request.META.get("CONTENT_LENGTH") or "0").strip()
    length = whole_number(text, largest=LARGEST_LENGTH)
    if (length is not None and length > most) or (length is None and text.isdigit()):
        raise BodyTooLarge(view)
