"""What goes out about bulk jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from learning_paths import api
from learning_paths.data import BulkOperation, JobState
from learning_paths.models import BulkEnrollmentJob
from learning_paths.rest_api.v1.bulk_serializers import StrictSerializer
from learning_paths.rest_api.v1.notices import NotificationsSerializer, notifications_of_job


class BulkJobCountsSerializer(serializers.Serializer[Any]):
    """How many rows there are of each kind: of a draft by what is planned, else by what became of them so far."""

    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text=_("Nothing had to change."))
    pending = serializers.IntegerField(help_text=_("Addresses that wait for an account."))
    failure = serializers.IntegerField()
    invalid = serializers.IntegerField(
        help_text=_("What was named and is no address, learning path or course run, or is not licensed.")
    )
    not_done = serializers.IntegerField(help_text=_("Not done yet; or, when the job is over, never."))


class BulkJobSerializer(serializers.Serializer[Any]):
    """What was asked for, and how far it is."""  # Its context holds the request, and counts by the ids of jobs.

    uuid = serializers.UUIDField(read_only=True)
    url = serializers.SerializerMethodField(help_text=_("Where the job is looked at again."))
    results_url = serializers.SerializerMethodField(help_text=_("Where each row is told as CSV."))
    operation = serializers.ChoiceField(choices=BulkOperation.choices, read_only=True)
    state = serializers.ChoiceField(choices=JobState.choices, read_only=True)
    version = serializers.IntegerField(
        read_only=True, help_text=_("Raised whenever what a draft would do changes. Send it along when you confirm.")
    )
    author = serializers.CharField(source="author.username", allow_null=True, read_only=True)
    learning_paths = serializers.SerializerMethodField(
        help_text=_("Their keys, sorted; also of those that were deleted since.")
    )
    course_run_keys = serializers.ListField(source="course_keys", child=serializers.CharField(), read_only=True)
    subscription = serializers.UUIDField(
        allow_null=True, read_only=True, help_text=_("The plan whose licenses the learners need.")
    )
    notify = serializers.BooleanField(read_only=True, help_text=_("Whether the learners are told, in the end."))
    notifications = serializers.SerializerMethodField(help_text=_("Null where the learners are not told."))
    reason = serializers.CharField(read_only=True)
    role = serializers.CharField(read_only=True)
    org = serializers.CharField(read_only=True)
    total = serializers.IntegerField(
        read_only=True, help_text=_("Pairs of an address and a learning path or course run.")
    )
    done = serializers.IntegerField(read_only=True, help_text=_("Pairs that have an outcome."))
    counts = serializers.SerializerMethodField()
    origin = serializers.UUIDField(
        source="origin.uuid", allow_null=True, read_only=True, help_text=_("The job that this one retries or undoes.")
    )
    created = serializers.DateTimeField(read_only=True)
    confirmed_at = serializers.DateTimeField(allow_null=True, read_only=True)
    started_at = serializers.DateTimeField(allow_null=True, read_only=True)
    finished_at = serializers.DateTimeField(allow_null=True, read_only=True)

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, job: BulkEnrollmentJob) -> str:
        """Return the absolute address of the job."""
        return self._address_of("bulk-job", job)

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_results_url(self, job: BulkEnrollmentJob) -> str:
        """Return the absolute address of its rows."""
        return self._address_of("bulk-job-results", job)

    def get_learning_paths(self, job: BulkEnrollmentJob) -> list[str]:
        """Return the keys, sorted: a job does not know the order of its request."""
        return sorted([*(str(path.key) for path in job.learning_paths.all()), *job.deleted_paths])

    @extend_schema_field(BulkJobCountsSerializer)
    def get_counts(self, job: BulkEnrollmentJob) -> dict[str, int]:
        """Return what ``render_jobs`` looked up."""
        return {group.value: count for group, count in self.context["counts"][job.pk].items()}

    @extend_schema_field(NotificationsSerializer(allow_null=True))
    def get_notifications(self, job: BulkEnrollmentJob) -> dict[str, int] | None:
        """Return how far the e-mails are."""
        return notifications_of_job(job)

    def _address_of(self, name: str, job: BulkEnrollmentJob) -> str:
        # A route with an optional slash is reversed to the one without.
        address = reverse(f"learning_paths:{name}", kwargs={"uuid": job.uuid}, request=self.context["request"])
        return f"{address}/"


class ConfirmSerializer(StrictSerializer):
    """What may be sent along with a confirmation."""

    version = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text=_("The version of the draft that you looked at. Without it the draft is confirmed as it is by now."),
    )


class BulkJobAcceptedSerializer(serializers.Serializer[Any]):
    """The job that a bulk request became."""

    job = BulkJobSerializer()


def render_jobs(jobs: Sequence[BulkEnrollmentJob], request: Request) -> list[dict[str, Any]]:
    """Return the bodies of jobs that ``visible_bulk_jobs`` found, in one query for the drafts among them or in none."""
    context = {"request": request, "counts": api.bulk_job_counts_of(jobs)}
    return [dict(body) for body in BulkJobSerializer(jobs, many=True, context=context).data]


def render_job(job: BulkEnrollmentJob, request: Request) -> dict[str, Any]:
    """Return the body of one job."""
    return render_jobs([job], request)[0]
