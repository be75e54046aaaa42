"""
The public Python API of learning paths, for code that runs in the same process.

Everything else in this package may change without notice; what is named here changes only with an entry in the
changelog. Nothing here makes an HTTP request, needs a request object or checks what ``acting_user`` may do: that is the
caller's part, as each docstring says. A function that changes state takes ``acting_user`` (None for the system), does
its work in one transaction (a savepoint inside the caller's, if there is one), returns a value of
``learning_paths.data`` and raises a subclass of ``learning_paths.exceptions.LearningPathsError``. Events leave after
the commit.

A staff member enrolls a learner::

    from learning_paths import api

    path = api.get_learning_path("path-v1:DemoX+DS101+2026")
    outcome = api.enroll(learner, path, reason="Won a scholarship", acting_user=request.user)
    outcome.enrollment.enrolled_at
"""

from __future__ import annotations

from learning_paths.actions.bulk_enrollment import (
    BulkWork,
    bulk_enroll,
    bulk_unenroll,
    plan_bulk_enrollment,
    prepare_bulk,
)
from learning_paths.actions.bulk_job_run import run_bulk_job
from learning_paths.actions.bulk_jobs import (
    cancel_bulk_job,
    confirm_bulk_job,
    discard_bulk_job,
    discard_drafts,
    draft_bulk_job,
    draft_changed_addresses,
    queue_bulk_job,
    resume_bulk_job,
    retry_bulk_job,
    undo_bulk_job,
)
from learning_paths.actions.bulk_licensing import license_gate
from learning_paths.actions.bulk_limits import is_too_much_for_a_request, most_listed_pairs
from learning_paths.actions.bulk_listed import prepare_listed
from learning_paths.actions.bulk_reading import merge, parse_csv, parse_items, parse_text
from learning_paths.actions.bulk_report import job_csv, write_csv
from learning_paths.actions.course_enrollment import enroll_in_step, enroll_user_in_course, invite_to_course
from learning_paths.actions.csv_cells import csv_lines, safe_cell
from learning_paths.actions.deleted_paths import keep_rows_of_deleted_path
from learning_paths.actions.enrollment import enroll, unenroll
from learning_paths.actions.invitations import claim_invitations
from learning_paths.actions.inviting import invite, withdraw_invitation
from learning_paths.actions.job_notices import notices_of_job, send_job_notices
from learning_paths.actions.learning_paths import duplicate_path
from learning_paths.actions.license_gate import apply_license_gate, offered_plans, subscription_offer
from learning_paths.actions.licenses import activate_licenses, assign_licenses, revoke_license, revoke_licenses
from learning_paths.actions.notices import NOTICES_AT_ONCE, notices_of, send_notices
from learning_paths.actions.step_enrollments import enroll_in_steps, retry_step_enrollments
from learning_paths.actions.sweep import claim_waiting
from learning_paths.licensing.asking import licenses_within_a_request
from learning_paths.licensing.base import PlanData
from learning_paths.queries.bulk_jobs import (
    abandoned_bulk_jobs,
    bulk_job_counts,
    bulk_job_counts_of,
    bulk_job_rows,
    get_visible_bulk_job,
    visible_bulk_jobs,
)
from learning_paths.queries.catalog import catalog, get_catalog_path
from learning_paths.queries.course_runs import enrolled_course_runs, get_course_runs, search_course_runs
from learning_paths.queries.enrollments import active_enrollments, get_active_enrollment, visible_enrollments
from learning_paths.queries.learning_paths import get_learning_path, get_visible_path, visible_paths
from learning_paths.queries.notices import count_learners_to_tell, has_learners_to_tell, jobs_left_to_tell, undelivered
from learning_paths.queries.progress import grades_in, progress_in
from learning_paths.queries.step_enrollments import count_failed_step_enrollments, unfinished_step_enrollments
from learning_paths.queries.users import get_user, is_staff
from learning_paths.queries.waiting import what_waits_for

__all__ = [
    "NOTICES_AT_ONCE",
    "BulkWork",
    "PlanData",
    "abandoned_bulk_jobs",
    "activate_licenses",
    "active_enrollments",
    "apply_license_gate",
    "assign_licenses",
    "bulk_enroll",
    "bulk_job_counts",
    "bulk_job_counts_of",
    "bulk_job_rows",
    "bulk_unenroll",
    "cancel_bulk_job",
    "catalog",
    "claim_invitations",
    "claim_waiting",
    "confirm_bulk_job",
    "count_failed_step_enrollments",
    "count_learners_to_tell",
    "csv_lines",
    "discard_bulk_job",
    "discard_drafts",
    "draft_bulk_job",
    "draft_changed_addresses",
    "duplicate_path",
    "enroll",
    "enroll_in_step",
    "enroll_in_steps",
    "enroll_user_in_course",
    "enrolled_course_runs",
    "get_active_enrollment",
    "get_catalog_path",
    "get_course_runs",
    "get_learning_path",
    "get_user",
    "get_visible_bulk_job",
    "get_visible_path",
    "grades_in",
    "has_learners_to_tell",
    "invite",
    "invite_to_course",
    "is_staff",
    "is_too_much_for_a_request",
    "job_csv",
    "jobs_left_to_tell",
    "keep_rows_of_deleted_path",
    "license_gate",
    "licenses_within_a_request",
    "merge",
    "most_listed_pairs",
    "notices_of",
    "notices_of_job",
    "offered_plans",
    "parse_csv",
    "parse_items",
    "parse_text",
    "plan_bulk_enrollment",
    "prepare_bulk",
    "prepare_listed",
    "progress_in",
    "queue_bulk_job",
    "resume_bulk_job",
    "retry_bulk_job",
    "retry_step_enrollments",
    "revoke_license",
    "revoke_licenses",
    "run_bulk_job",
    "safe_cell",
    "search_course_runs",
    "send_job_notices",
    "send_notices",
    "subscription_offer",
    "undelivered",
    "undo_bulk_job",
    "unenroll",
    "unfinished_step_enrollments",
    "visible_bulk_jobs",
    "visible_enrollments",
    "visible_paths",
    "what_waits_for",
    "withdraw_invitation",
    "write_csv",
]
