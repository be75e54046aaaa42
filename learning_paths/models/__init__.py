"""Fields, constraints and querysets. What changes them lives in ``learning_paths.actions``."""

from learning_paths.models.enrollment import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from learning_paths.models.job import BulkEnrollmentJob, BulkEnrollmentRow
from learning_paths.models.learning_path import (
    AcquiredSkill,
    LearningPath,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
    Skill,
)
from learning_paths.models.license import License, SubscriptionPlan, SubscriptionPlanCourse
from learning_paths.models.step_enrollment import StepEnrollment

__all__ = [
    "AcquiredSkill",
    "BulkEnrollmentJob",
    "BulkEnrollmentRow",
    "LearningPath",
    "LearningPathEnrollment",
    "LearningPathEnrollmentAllowed",
    "LearningPathGradingCriteria",
    "LearningPathStep",
    "License",
    "ManualEnrollmentAudit",
    "RequiredSkill",
    "Skill",
    "StepEnrollment",
    "SubscriptionPlan",
    "SubscriptionPlanCourse",
]
