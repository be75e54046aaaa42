"""Enrolling learners in course runs: one by one in a list, or all who hold licenses of a subscription."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.data import BulkReport, RowStatus
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_job_serializers import render_job
from learning_paths.rest_api.v1.bulk_schema import ACCEPTED, LOCATION, NO_SUBSCRIPTION, NOT_STAFF, TOO_MANY
from learning_paths.rest_api.v1.course_serializers import (
    CourseAnswerSerializer,
    EnrollLearnersSerializer,
    LicenseAnswerSerializer,
    LicenseEnrollmentSerializer,
    render_course_report,
)
from learning_paths.rest_api.v1.notices import notifications
from learning_paths.rest_api.v1.permissions import IsStaff
from learning_paths.tasks import start_bulk_job

SUBSCRIPTION = OpenApiParameter(
    "subscription_uuid", UUID, OpenApiParameter.QUERY, required=True, description="The uuid of the plan."
)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class EnrollLearnersViewSet(PathsViewSet):
    """Enrolls learners in course runs, in the contract of edx-enterprise's endpoint of this name (ADR 0006)."""

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser]
    serializer_class = EnrollLearnersSerializer

    @described(
        summary="Enroll learners in course runs",
        description=(
            "Enrolls each learner of the list in the course run named with it. An address without an active account "
            "gets the platform's pending enrollment. Everything is attempted; one entry's failure touches no other."
        ),
        request=EnrollLearnersSerializer,
        responses={
            201: OpenApiResponse(CourseAnswerSerializer, description="All are enrolled."),
            202: OpenApiResponse(CourseAnswerSerializer, description="Some wait for an account, none failed."),
            400: OpenApiResponse(description="The body is not of this form. Nobody was enrolled."),
            403: NOT_STAFF,
            409: OpenApiResponse(
                CourseAnswerSerializer, description="Some failed or are invalid; the others are done."
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        asked = EnrollLearnersSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        work = api.prepare_listed(asked.requests)
        report = api.bulk_enroll(work, reason=asked.validated_data["reason"], acting_user=self.caller)
        told = notifications(report, notify=asked.validated_data["notify"])
        return Response({**render_course_report(report), **told}, status=status_of(report))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class LicenseEnrollmentViewSet(PathsViewSet):
    """Enrolls those who hold a valid license of a subscription in what it covers (ADR 0006)."""

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser]
    serializer_class = LicenseEnrollmentSerializer

    @described(
        summary="Enroll the holders of licenses",
        description=(
            "Enrolls the owner of each address that has a valid license of the subscription in each course run and "
            "learning path that it covers. Other addresses and content are reported, and nothing is done for them. "
            "More than `LEARNING_PATHS_BULK_SYNC_LIMIT` pairs become a job."
        ),
        parameters=[SUBSCRIPTION, LOCATION],
        request=LicenseEnrollmentSerializer,
        responses={
            201: OpenApiResponse(LicenseAnswerSerializer, description="All who hold a license are enrolled."),
            202: ACCEPTED,
            400: OpenApiResponse(description="The body is not of this form. Nobody was enrolled."),
            403: NOT_STAFF,
            404: NO_SUBSCRIPTION,
            409: OpenApiResponse(
                LicenseAnswerSerializer,
                description=(
                    "Some failed or are invalid, or there was nobody to enroll; the others are done. "
                    "Or the subscription is not current, and nothing was done."
                ),
            ),
            413: TOO_MANY,
            503: OpenApiResponse(
                description="The service that knows the licenses can't be reached. Nobody was enrolled."
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        subscription = _Subscription(data=request.query_params)
        subscription.is_valid(raise_exception=True)
        asked = LicenseEnrollmentSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        work = asked.work_of(subscription.validated_data["subscription_uuid"])
        if len(work) > settings.LEARNING_PATHS_BULK_SYNC_LIMIT:
            job = api.queue_bulk_job(
                work, **asked.attribution, notify=asked.validated_data["notify"], acting_user=self.caller
            )
            start_bulk_job(job)
            body = render_job(api.get_visible_bulk_job(self.caller, job.uuid), request)
            return Response({"job": body}, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})
        report = api.bulk_enroll(work, **asked.attribution, acting_user=self.caller)
        told = notifications(report, notify=asked.validated_data["notify"])
        return Response({**render_course_report(report), **told}, status=status_of(report))


class _Subscription(serializers.Serializer[Any]):
    subscription_uuid = serializers.UUIDField(
        error_messages={"required": _("Name the subscription in the query: ?subscription_uuid=…")}
    )


def status_of(report: BulkReport) -> int:
    """Return 409 for any failure and where nothing was left to do, 202 while somebody waits, else 201."""
    invalid = report.invalid_emails or report.invalid_user_ids or report.invalid_course_keys
    if invalid or report.invalid_learning_paths or not report.rows or report.with_status(RowStatus.FAILURE):
        return status.HTTP_409_CONFLICT
    return status.HTTP_202_ACCEPTED if report.with_status(RowStatus.PENDING) else status.HTTP_201_CREATED
