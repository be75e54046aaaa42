"""Fields, constraints and querysets. What changes them lives in ``learning_paths.actions``."""

from learning_paths.models.enrollment import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from learning_paths.models.learning_path import (
    AcquiredSkill,
    LearningPath,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
    Skill,
)

__all__ = [
    "AcquiredSkill",
    "LearningPath",
    "LearningPathEnrollment",
    "LearningPathEnrollmentAllowed",
    "LearningPathGradingCriteria",
    "LearningPathStep",
    "ManualEnrollmentAudit",
    "RequiredSkill",
    "Skill",
]
