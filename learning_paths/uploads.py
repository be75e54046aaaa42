"""What can go wrong while the body of a request is read: it is larger than the site takes, or the disk is full."""

from __future__ import annotations

import errno
from contextlib import suppress

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest

TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
"""What Django raises by its settings ``DATA_UPLOAD_MAX_...``."""
DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException) -> bool:
    """Return whether an error says that a disk, or somebody's share of it, is full."""
    return isinstance(error, OSError) and error.errno in DISK_IS_FULL


def drop_uploads(request: HttpRequest) -> None:
    """Delete the temporary files of an upload that broke off: Django leaves them to the garbage collector."""
    for handler in request.upload_handlers:
        file = getattr(handler, "file", None)
        if file is not None:
            with suppress(OSError):
                file.close()
