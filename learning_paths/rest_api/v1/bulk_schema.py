"""What the OpenAPI schema says of the bulk endpoints beyond their serializers: examples, and answers without a body."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from learning_paths.rest_api.v1.bulk_job_serializers import BulkJobAcceptedSerializer, BulkJobSerializer

JOBS_URL = "https://lms.example.com/api/v1/bulk-enrollment-jobs/"
UUID = "8f0e6c0a-6d0b-4f0e-9d55-0c5f1f2b7a11"
A_JOB: dict[str, Any] = {
    "uuid": UUID,
    "url": f"{JOBS_URL}{UUID}/",
    "results_url": f"{JOBS_URL}{UUID}/results.csv/",
    "operation": "enroll",
    "state": "queued",
    "version": 1,
    "author": "staff",
    "learning_paths": ["path-v1:DemoX+DS101+2026"],
    "course_run_keys": [],
    "subscription": None,
    "notify": False,
    "notifications": None,
    "reason": "Cohort of autumn",
    "role": "",
    "org": "",
    "total": 5000,
    "done": 0,
    "counts": {"changed": 0, "unchanged": 0, "pending": 0, "failure": 0, "invalid": 1, "not_done": 5000},
    "origin": None,
    "created": "2026-11-22T12:00:00.000000Z",
    "confirmed_at": "2026-11-22T12:00:00.000000Z",
    "started_at": None,
    "finished_at": None,
}

REQUEST = OpenApiExample(
    "Two paths, three people",
    request_only=True,
    value={
        "learning_paths": ["path-v1:DemoX+DS101+2026", "path-v1:DemoX+WEB+2026+A"],
        "emails": "ana@example.com, Ben Okri <ben@example.com>; new@example.com",
        "reason": "Cohort of autumn",
    },
)
ANSWER = OpenApiExample(
    "One of each",
    response_only=True,
    status_codes=["201"],
    value={
        "successes": [
            {
                "email": "ana@example.com",
                "learning_path": "path-v1:DemoX+DS101+2026",
                "username": "ana",
                "created": True,
            }
        ],
        "pending": [{"email": "new@example.com", "learning_path": "path-v1:DemoX+DS101+2026", "created": True}],
        "failures": [
            {
                "email": "twice@example.com",
                "learning_path": "path-v1:DemoX+DS101+2026",
                "code": "ambiguous_email",
                "reason": "More than one account has this e-mail address. Enroll the learner by username.",
            }
        ],
        "invalid_email_addresses": ["nope"],
        "invalid_learning_paths": ["path-v1:x"],
        "enrollments_created": 1,
        "enrollment_allowed_created": 1,
    },
)
BECAME_A_JOB = OpenApiExample("A job", response_only=True, status_codes=["202"], value={"job": A_JOB})
CONFIRMED = OpenApiExample("The job", response_only=True, status_codes=["202"], value=A_JOB)

UUID_OF_JOB = OpenApiParameter("uuid", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The job's `uuid`.")
LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[202], description="The job's `url`."
)

NOT_STAFF = OpenApiResponse(description="The caller is not staff.")
NOTHING_VALID = "A field is missing or of the wrong type, or nothing could be done for any pair (then the same body)."
NO_SUBSCRIPTION = OpenApiResponse(description="There is no such subscription. Nothing was done.")
NOT_CURRENT = OpenApiResponse(
    description="The subscription is switched off, has not begun or has expired. Nothing was done."
)
TOO_MANY = OpenApiResponse(
    description=(
        "More pairs, addresses or invalid addresses than `LEARNING_PATHS_BULK_MAX_PAIRS`, or a body that is larger "
        "than the site takes: many addresses are sent as a CSV file. Nothing was stored."
    )
)
DISK_FULL = OpenApiResponse(
    description="The site's disk has no room to take in the file. Nothing was done; its operators have to be told."
)
ACCEPTED = OpenApiResponse(
    BulkJobAcceptedSerializer,
    description=(
        "More pairs than `LEARNING_PATHS_BULK_SYNC_LIMIT`: a job does it. With `dry_run` it is a draft, which does "
        "nothing before it is confirmed."
    ),
)
QUEUED = OpenApiResponse(BulkJobSerializer, description="A worker runs it, or where there is none it has run.")
CSV = OpenApiResponse(
    OpenApiTypes.STR, description="A header, then a row for each pair and for what is no address or no learning path."
)
NO_JOB = OpenApiResponse(description="No such job, or the draft of somebody else.")
NO_DRAFT = OpenApiResponse(
    description=(
        "It is no draft any more, or has another version than the one that was sent: look at it again. Or its learning "
        "paths were deleted, so that nothing is left to do."
    )
)
NO_VERSION = OpenApiResponse(description="`version` is no number, or a field is not known.")
NOT_GOING_ON = OpenApiResponse(description="It is a draft, or over.")
