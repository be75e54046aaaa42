"""Sites with other templates around the learners' pages than the sandbox has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

HERE = Path(__file__).parent
OWN = HERE.parents[1] / "learning_paths/templates"
LMS, THEME = HERE / "lms_templates", HERE / "theme_templates"


def templates_from(*directories: Path) -> Any:
    """Let templates of these directories come before those of the sandbox."""
    [engine] = settings.TEMPLATES
    return override_settings(TEMPLATES=[{**engine, "DIRS": [*directories]}])
