"""Staff who copy learning paths at the same time: real threads, real commits, a real database server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import override_settings

from learning_paths import api
from learning_paths.exceptions import LearningPathExists
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath
from tests.factories import make_path
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
    pytest.mark.django_db(transaction=True),
]


def test_one_of_ten_copies_takes_the_key(tmp_path: Path) -> None:
    with override_settings(MEDIA_ROOT=tmp_path):
        original = make_path()
        original.image.save("cover.png", ContentFile(b"a picture"))

        def copy_to(key: str) -> Callable[[], str]:
            def copy() -> str:
                try:
                    api.duplicate_path(
                        original, LearningPathKey.from_string(key), display_name="Copy", acting_user=None
                    )
                except LearningPathExists as error:
                    return error.code
                return "copied"

            return copy

        keys = ["path-v1:DemoX+Copy+2027", "path-v1:DEMOX+copy+2027"] * 5
        assert Counter(at_once([copy_to(key) for key in keys])) == {"copied": 1, "learning_path_exists": 9}
        copy = LearningPath.objects.exclude(pk=original.pk).get()
        files = {str(found.relative_to(tmp_path)) for found in tmp_path.rglob("*") if found.is_file()}
        assert files == {original.image.name, copy.image.name}
