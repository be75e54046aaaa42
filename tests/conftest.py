"""What every test shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings


@pytest.fixture(scope="session", autouse=True)
def _settings_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    Hash passwords the cheap way, and let no variable of the developer's shell change what is tested.

    Files that are uploaded or made go to a directory of the session, not among those of the demo.
    """
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=False,
        MEDIA_ROOT=tmp_path_factory.mktemp("media"),
    ):
        yield
