"""A disk that is soon full."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

from django.core.files.uploadhandler import TemporaryFileUploadHandler


@contextmanager
def tiny_disk() -> Iterator[Path]:
    """
    Yield a directory on a disk of one megabyte.

    Raises:
        SkipTest: whoever runs the tests may not mount one.
    """
    with TemporaryDirectory() as directory:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]
        try:
            subprocess.run(mount, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SkipTest("a disk of one megabyte can't be mounted here") from error
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


class FullDiskHandler(TemporaryFileUploadHandler):
    """Stands in for a full disk where none can be mounted: it takes the first piece of a file, and no more."""

    def receive_data_chunk(self, raw_data: Any, start: int) -> None:
        """Write a little."""
        if start:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().receive_data_chunk(raw_data, start)


STAND_IN = {"FILE_UPLOAD_HANDLERS": ["tests.tiny_disk.FullDiskHandler"]}
