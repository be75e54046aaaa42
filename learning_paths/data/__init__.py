"""Plain values that cross the layers."""

from learning_paths.data.bulk import (
    INVITING,
    BulkOperation,
    BulkReport,
    JobState,
    RowCode,
    RowGroup,
    RowOutcome,
    RowStatus,
)
from learning_paths.data.enrollment import (
    Attribution,
    CourseEnrollmentOutcome,
    CourseEnrollmentRequest,
    EnrollmentData,
    EnrollmentOutcome,
    InvitationOutcome,
    StateTransition,
    StepState,
    SweepReport,
    Waiting,
)
from learning_paths.data.licenses import (
    GateResult,
    LicenseCode,
    LicenseOutcome,
    LicenseReport,
    LicenseStatus,
    SubscriptionOffer,
)
from learning_paths.data.notices import TELLING, LearnerNotice, NoticeReport, NoticeState
from learning_paths.data.parsing import LARGEST_FILE, InvalidEntry, ParsedEmails
from learning_paths.data.progress import PathGrade, PathProgress, StepGrade, StepProgress

__all__ = [
    "INVITING",
    "LARGEST_FILE",
    "TELLING",
    "Attribution",
    "BulkOperation",
    "BulkReport",
    "CourseEnrollmentOutcome",
    "CourseEnrollmentRequest",
    "EnrollmentData",
    "EnrollmentOutcome",
    "GateResult",
    "InvalidEntry",
    "InvitationOutcome",
    "JobState",
    "LearnerNotice",
    "LicenseCode",
    "LicenseOutcome",
    "LicenseReport",
    "LicenseStatus",
    "NoticeReport",
    "NoticeState",
    "ParsedEmails",
    "PathGrade",
    "PathProgress",
    "RowCode",
    "RowGroup",
    "RowOutcome",
    "RowStatus",
    "StateTransition",
    "StepGrade",
    "StepProgress",
    "StepState",
    "SubscriptionOffer",
    "SweepReport",
    "Waiting",
]
