"""The bulk endpoint: many addresses, many paths, and a result for every pair."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_job_serializers import render_job
from learning_paths.rest_api.v1.bulk_schema import (
    ACCEPTED,
    ANSWER,
    BECAME_A_JOB,
    DISK_FULL,
    LOCATION,
    NO_SUBSCRIPTION,
    NOT_CURRENT,
    NOT_STAFF,
    NOTHING_VALID,
    REQUEST,
    TOO_MANY,
)
from learning_paths.rest_api.v1.bulk_serializers import (
    BulkEnrollAnswerSerializer,
    BulkRequestSerializer,
    BulkUnenrollAnswerSerializer,
    counts_of_enrolling,
    counts_of_unenrolling,
    render_report,
)
from learning_paths.rest_api.v1.notices import notifications
from learning_paths.rest_api.v1.permissions import IsStaff
from learning_paths.tasks import start_bulk_job


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BulkEnrollmentViewSet(PathsViewSet):
    """
    Enrolls and unenrolls many at once.

    It opts out of the LMS's ``ATOMIC_REQUESTS``: the chunks are transactions of their own, or their locks would be held
    to the end of the request and one of them could undo the others (ADR 0004).
    """

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    serializer_class = BulkRequestSerializer
    takes_file = True

    @described(
        summary="Enroll many",
        description=(
            "Enrolls the owner of each address in each path, now or as soon as an account with the address is active. "
            "Everything is attempted; one row's failure touches no other row, and the answer accounts for everything "
            "that was named. More than `LEARNING_PATHS_BULK_SYNC_LIMIT` pairs become a job. With `notify` each "
            "learner for whom something changed gets one e-mail."
        ),
        parameters=[LOCATION],
        request=BulkRequestSerializer,
        responses={
            200: OpenApiResponse(BulkEnrollAnswerSerializer, description="`dry_run`: what would happen."),
            201: OpenApiResponse(BulkEnrollAnswerSerializer, description="At least one pair is enrolled or pending."),
            202: ACCEPTED,
            400: OpenApiResponse(BulkEnrollAnswerSerializer, description=NOTHING_VALID),
            403: NOT_STAFF,
            404: NO_SUBSCRIPTION,
            409: NOT_CURRENT,
            413: TOO_MANY,
            507: DISK_FULL,
        },
        examples=[REQUEST, ANSWER, BECAME_A_JOB],
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        asked = self._parse(request)
        if asked.takes_a_job:
            return self._accept(asked, BulkOperation.ENROLL)
        report = self._run(asked, BulkOperation.ENROLL)
        told = notifications(report, notify=asked.is_to_tell and not asked.validated_data["dry_run"])
        body = {**render_report(report, changed_as="created"), **counts_of_enrolling(report), **told}
        success = status.HTTP_200_OK if asked.validated_data["dry_run"] else status.HTTP_201_CREATED
        return Response(body, status=_status(report, success))

    @described(
        summary="Unenroll many",
        description=(
            "Switches the enrollment of each address's owner in each path off, and withdraws what is pending for the "
            "address. A pair with nothing to undo is a success. More than `LEARNING_PATHS_BULK_SYNC_LIMIT` pairs "
            "become a job."
        ),
        parameters=[LOCATION],
        request=BulkRequestSerializer,
        responses={
            200: BulkUnenrollAnswerSerializer,
            202: ACCEPTED,
            400: OpenApiResponse(BulkUnenrollAnswerSerializer, description=NOTHING_VALID),
            403: NOT_STAFF,
            404: NO_SUBSCRIPTION,
            409: NOT_CURRENT,
            413: TOO_MANY,
            507: DISK_FULL,
        },
        examples=[REQUEST, BECAME_A_JOB],
    )
    def destroy(self, request: Request) -> Response:
        """Answer DELETE."""
        asked = self._parse(request)
        asked.refuse_what_only_enrolls()
        if asked.takes_a_job:
            return self._accept(asked, BulkOperation.UNENROLL)
        report = self._run(asked, BulkOperation.UNENROLL)
        body = {**render_report(report, changed_as="changed"), **counts_of_unenrolling(report)}
        return Response(body, status=_status(report, status.HTTP_200_OK))

    def _parse(self, request: Request) -> BulkRequestSerializer:
        asked = BulkRequestSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return asked

    def _run(self, asked: BulkRequestSerializer, operation: BulkOperation) -> BulkReport:
        if asked.validated_data["dry_run"]:
            return api.plan_bulk_enrollment(asked.work, operation=operation)
        run = api.bulk_enroll if operation == BulkOperation.ENROLL else api.bulk_unenroll
        return run(asked.work, **asked.attribution, acting_user=self.caller)

    def _accept(self, asked: BulkRequestSerializer, operation: BulkOperation) -> Response:
        """Make a job of the request, or a draft of a dry run."""
        options: Any = {
            **asked.attribution,
            "notify": asked.is_to_tell,
            "operation": operation,
            "acting_user": self.caller,
        }
        if asked.validated_data["dry_run"]:
            job = api.draft_bulk_job(asked.work, **options)
        else:
            job = api.queue_bulk_job(asked.work, **options)
            start_bulk_job(job)
        job = api.get_visible_bulk_job(self.caller, job.uuid)  # as it is now: without a broker it has run
        body = render_job(job, self.request)
        return Response({"job": body}, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})


def _status(report: BulkReport, success: int) -> int:
    done = any(not row.code.is_failure for row in report.rows)
    return success if done else status.HTTP_400_BAD_REQUEST
