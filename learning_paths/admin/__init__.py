"""The screens of the Django admin. Importing them registers them."""

from learning_paths.admin.audit import ManualEnrollmentAuditAdmin
from learning_paths.admin.bulk_job import BulkEnrollmentJobAdmin
from learning_paths.admin.enrollment import LearningPathEnrollmentAdmin
from learning_paths.admin.invitation import InvitationAdmin
from learning_paths.admin.learning_path import LearningPathAdmin
from learning_paths.admin.license import LicenseAdmin
from learning_paths.admin.skill import SkillAdmin
from learning_paths.admin.step_enrollment import StepEnrollmentAdmin
from learning_paths.admin.subscription import SubscriptionPlanAdmin

__all__ = [
    "BulkEnrollmentJobAdmin",
    "InvitationAdmin",
    "LearningPathAdmin",
    "LearningPathEnrollmentAdmin",
    "LicenseAdmin",
    "ManualEnrollmentAuditAdmin",
    "SkillAdmin",
    "StepEnrollmentAdmin",
    "SubscriptionPlanAdmin",
]
