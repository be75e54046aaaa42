"""Bulk jobs: what was asked for, how far it is, what became of each row, and how to stop it. See ADR 0010."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.decorators import method_decorator
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.exceptions import BulkJobNotFound
from learning_paths.models import BulkEnrollmentJob
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_job_serializers import (
    BulkJobSerializer,
    ConfirmSerializer,
    render_job,
    render_jobs,
)
from learning_paths.rest_api.v1.bulk_schema import (
    CONFIRMED,
    CSV,
    LOCATION,
    NO_DRAFT,
    NO_JOB,
    NO_VERSION,
    NOT_GOING_ON,
    NOT_STAFF,
    QUEUED,
    UUID_OF_JOB,
)
from learning_paths.rest_api.v1.filters import BulkJobFilter, Filters
from learning_paths.rest_api.v1.pagination import NewestFirst
from learning_paths.rest_api.v1.permissions import IsStaff
from learning_paths.tasks import start_bulk_job, start_telling

LINES_AT_ONCE = 500


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BulkJobViewSet(PathsViewSet):
    """
    Bulk jobs.

    It opts out of the LMS's ``ATOMIC_REQUESTS``: a worker must see what was confirmed before it is told of it, and
    without a broker the job runs at once, in transactions of its own.
    """

    permission_classes = [IsAuthenticated, IsStaff]
    filter_backends = [Filters]
    filterset_class = BulkJobFilter
    pagination_class = NewestFirst
    serializer_class = BulkJobSerializer
    queryset = BulkEnrollmentJob.objects.none()

    def get_queryset(self) -> QuerySet[BulkEnrollmentJob]:
        """Return what the caller may see."""
        return api.visible_bulk_jobs(self.caller)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Let the CSV be asked for by any media type; no renderer makes it, and errors stay JSON."""
        negotiated: tuple[Any, str] = super().perform_content_negotiation(request, force or self.action == "results")
        return negotiated

    @described(
        summary="List bulk jobs",
        description="All jobs but the drafts of others, newest first. A superuser sees those too.",
        responses={200: BulkJobSerializer(many=True), 403: NOT_STAFF},
    )
    def list(self, request: Request) -> Response:
        """Answer GET of all."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(render_jobs(page or [], request))

    @described(
        summary="Fetch a bulk job",
        description="What was asked for, and how far it is.",
        parameters=[UUID_OF_JOB],
        responses={200: BulkJobSerializer, 403: NOT_STAFF, 404: NO_JOB},
    )
    def retrieve(self, request: Request, uuid: str) -> Response:
        """Answer GET of one."""
        return Response(render_job(self._job(uuid), request))

    @described(
        operation_id="bulk_enrollment_jobs_results",
        summary="Download the rows of a bulk job",
        description=(
            "CSV: of a draft what is planned for each row, else what became of it so far. No cell can be taken for a "
            "formula."
        ),
        parameters=[UUID_OF_JOB],
        responses={(200, "text/csv"): CSV, 403: NOT_STAFF, 404: NO_JOB},
    )
    def results(self, request: Request, uuid: str) -> StreamingHttpResponse:
        """Answer GET of the rows."""
        job = self._job(uuid)
        return StreamingHttpResponse(
            _in_blocks(api.job_csv(job)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="bulk-enrollment-job-{job.uuid}.csv"'},
        )

    @described(
        operation_id="bulk_enrollment_jobs_confirm",
        summary="Confirm a draft",
        description=(
            "Queues it. From now on it is the job of who confirmed it. With the `version` that the draft had when you "
            "looked at it, a draft that has changed since is refused."
        ),
        parameters=[UUID_OF_JOB, LOCATION],
        request=ConfirmSerializer,
        responses={202: QUEUED, 400: NO_VERSION, 403: NOT_STAFF, 404: NO_JOB, 409: NO_DRAFT},
        examples=[CONFIRMED],
    )
    def confirm(self, request: Request, uuid: str) -> Response:
        """Answer POST."""
        job = self._job(uuid)
        asked = ConfirmSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        start_bulk_job(api.confirm_bulk_job(job, **asked.validated_data, acting_user=self.caller))
        body = render_job(self._job(uuid), request)  # as it is now: without a broker it has run
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})

    @described(
        operation_id="bulk_enrollment_jobs_cancel",
        summary="Cancel a bulk job",
        description=(
            "Stops a job that waits or runs. What is done stays done, and with `notify` its learners are told; after "
            "the answer, nothing more is done."
        ),
        parameters=[UUID_OF_JOB],
        request=None,
        responses={200: BulkJobSerializer, 403: NOT_STAFF, 404: NO_JOB, 409: NOT_GOING_ON},
    )
    def cancel(self, request: Request, uuid: str) -> Response:
        """Answer POST."""
        start_telling(api.cancel_bulk_job(self._job(uuid)))
        return Response(render_job(self._job(uuid), request))

    def _job(self, uuid: str) -> BulkEnrollmentJob:
        try:
            return api.get_visible_bulk_job(self.caller, UUID(uuid))
        except ValueError as error:
            raise BulkJobNotFound from error


def _in_blocks(lines: Iterator[str]) -> Iterator[str]:
    """Put lines together: each block is a write to the socket of its own."""
    while block := "".join(islice(lines, LINES_AT_ONCE)):
        yield block
