"""What the tests of the routes of ``learning-paths-plugin`` 0.5.0 share."""

from __future__ import annotations

from typing import Any

from learning_paths.models import LearningPathEnrollment

ROOT = "/api/learning_paths/v1"


def with_ids(enrollment: LearningPathEnrollment) -> dict[str, Any]:
    """Return an enrollment as 0.5.0 describes it."""
    return {
        "user": enrollment.user_id,
        "learning_path": enrollment.learning_path_id,
        "is_active": enrollment.is_active,
        "created": enrollment.created.isoformat().replace("+00:00", "Z"),
    }
