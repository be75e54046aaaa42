"""What README.rst tells operators to leave out of the tracking log is all that can hold an address."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from django.contrib import admin
from django.test import TestCase
from django.urls import reverse

README = Path(__file__).parent.parent / "README.rst"


def patterns() -> list[str]:
    """Return the patterns of README.rst."""
    [block] = re.findall(
        r"TRACKING_IGNORE_URL_PATTERNS \+= (\[.*?\n +\])", README.read_text(encoding="utf-8"), re.DOTALL
    )
    found: list[str] = ast.literal_eval(block)
    return found


def is_left_out(path: str) -> bool:
    """Decide as the platform's middleware does."""
    return any(re.match(pattern, path) for pattern in patterns())


class TrackingLogTests(TestCase):
    """The patterns against the addresses."""

    def test_all_of_the_rest_api(self) -> None:
        schema = json.loads(self.client.get("/api/learning_paths/schema/?format=json").content)
        paths = [path for path, methods in schema["paths"].items() if not path.endswith("/programs/")]
        assert len(paths) > 10
        for path in paths:
            for address in (path, path.rstrip("/"), path.replace("{learning_path_key}", "path-v1:A+B+C")):
                assert is_left_out(address), address

    def test_all_of_the_admin(self) -> None:
        ours = [model._meta for model in admin.site._registry if model._meta.app_label == "learning_paths"]
        assert len(ours) > 5
        for meta in ours:
            assert is_left_out(reverse(f"admin:learning_paths_{meta.model_name}_changelist"))

    def test_nothing_of_others(self) -> None:
        for path in (
            "/",
            "/dashboard",
            "/courses/course-v1:A+B+C/course/",
            "/learning_paths/",
            "/admin/auth/user/",
            "/api/enrollment/v1/enrollment",
            "/api/v1/enrollments/",
        ):
            assert not is_left_out(path), path
