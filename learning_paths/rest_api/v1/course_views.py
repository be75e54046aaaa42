"""Enrolling learners in course runs: one by one in a list, or all who hold licenses of a subscription."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.data import BulkReport, JobState, RowStatus
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_job_serializers import render_job
from learning_paths.rest_api.v1.bulk_schema import (
    ACCEPTED,
    LOCATION,
    NO_JOB,
    NO_SUBSCRIPTION,
    NOT_STAFF,
    TOO_MANY,
)
from learning_paths.rest_api.v1.course_serializers import (
    EnrollLearnersSerializer,
    JobIdSerializer,
    JobStatusSerializer,
    LicenseAnswerSerializer,
    LicenseEnrollmentSerializer,
    ListedAnswerSerializer,
    render_course_report,
)
from learning_paths.rest_api.v1.notices import notifications
from learning_paths.rest_api.v1.permissions import IsStaff
from learning_paths.tasks import start_bulk_job

SUBSCRIPTION = OpenApiParameter(
    "subscription_uuid", UUID, OpenApiParameter.QUERY, required=True, description="The uuid of the plan."
)
CUSTOMER = OpenApiParameter(
    "enterprise_customer_uuid",
    OpenApiTypes.UUID,
    OpenApiParameter.PATH,
    description="Any uuid; nothing is done with it.",
)
OF_CUSTOMER = OpenApiParameter(
    "enterprise_customer_uuid",
    OpenApiTypes.UUID,
    OpenApiParameter.QUERY,
    description="Any uuid. It says that the request and its answer have license-manager's form: a job, and its id.",
)
ENROLL_ALL = OpenApiParameter(
    "enroll_all", bool, OpenApiParameter.QUERY, description="As in the body; license-manager has it here."
)
JOB = OpenApiParameter(
    "bulk_enrollment_job_uuid", OpenApiTypes.UUID, OpenApiParameter.QUERY, required=True, description="Its `job_id`."
)
LISTED_ANSWERS: dict[Any, Any] = {
    201: OpenApiResponse(ListedAnswerSerializer, description="All are enrolled."),
    202: OpenApiResponse(ListedAnswerSerializer, description="Some wait for an account, none failed."),
    400: OpenApiResponse(
        description="The body is not of this form, or has more entries than one request handles. Nobody was enrolled."
    ),
    403: NOT_STAFF,
    409: OpenApiResponse(ListedAnswerSerializer, description="Some failed or are invalid; the others are done."),
}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class EnrollLearnersViewSet(PathsViewSet):
    """Enrolls learners in course runs, in the contract of edx-enterprise's endpoint of this name (ADR 0006)."""

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser]
    serializer_class = EnrollLearnersSerializer

    @described(
        summary="Enroll learners in course runs",
        description=(
            "Enrolls each learner of the list in the course run named with it, in the best mode that it offers or in "
            "its default one. An address without an active account gets the platform's pending enrollment. Everything "
            "is attempted; one entry's failure touches no other."
        ),
        request=EnrollLearnersSerializer,
        responses=LISTED_ANSWERS,
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        asked = EnrollLearnersSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        with api.licenses_within_a_request():
            work = api.prepare_listed(asked.requests)
        report = api.bulk_enroll(work, reason=asked.validated_data["reason"], acting_user=self.caller)
        told = notifications(report, notify=asked.validated_data["notify"])
        outcome = status.HTTP_409_CONFLICT if asked.malformed else status_of(report)
        return Response({**asked.render(report), **told}, status=outcome)


class EnterpriseEnrollLearnersViewSet(EnrollLearnersViewSet):
    """The same at edx-enterprise's own address, for a site that does without edx-enterprise."""

    @described(
        operation_id="enterprise_enroll_learners_in_courses",
        summary="Enroll learners in course runs, at edx-enterprise's address",
        description="Does what `/api/v1/enroll_learners_in_courses/` does. There are no customers here.",
        parameters=[CUSTOMER],
        request=EnrollLearnersSerializer,
        responses={**LISTED_ANSWERS, 404: OpenApiResponse(description="This is not the uuid of a customer.")},
    )
    def create(self, request: Request, enterprise_customer_uuid: str = "") -> Response:
        """Answer POST."""
        try:
            UUID(enterprise_customer_uuid)
        except ValueError as error:
            raise NotFound from error
        return super().create(request)


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
            "More than `LEARNING_PATHS_BULK_SYNC_LIMIT` pairs, or `LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT` of course "
            "runs, become a job. With `enterprise_customer_uuid` in the query everything does, and the answer is that "
            "of license-manager."
        ),
        parameters=[SUBSCRIPTION, OF_CUSTOMER, ENROLL_ALL, LOCATION],
        request=LicenseEnrollmentSerializer,
        responses={
            201: OpenApiResponse(
                PolymorphicProxySerializer(
                    component_name="LicenseEnrolled",
                    serializers=[LicenseAnswerSerializer, JobIdSerializer],
                    resource_type_field_name=None,
                ),
                description="All who hold a license are enrolled; or, in license-manager's form, there is a job.",
            ),
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
        query = _Query(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = LicenseEnrollmentSerializer(data=query.completed(request.data), context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        work = asked.work_of(query.validated_data["subscription_uuid"])
        if query.is_of_license_manager or work.is_too_much_for_a_request:
            job = api.queue_bulk_job(
                work, **asked.attribution, notify=asked.validated_data["notify"], acting_user=self.caller
            )
            start_bulk_job(job)
            if query.is_of_license_manager:
                return Response({"job_id": str(job.uuid)}, status=status.HTTP_201_CREATED)
            body = render_job(api.get_visible_bulk_job(self.caller, job.uuid), request)
            return Response({"job": body}, status=status.HTTP_202_ACCEPTED, headers={"Location": body["url"]})
        report = api.bulk_enroll(work, **asked.attribution, acting_user=self.caller)
        told = notifications(report, notify=asked.validated_data["notify"])
        return Response({**render_course_report(report), **told}, status=status_of(report))

    @described(
        operation_id="bulk_license_enrollment_status",
        summary="Ask for the result of a job",
        description=(
            "What license-manager's clients ask for after a POST: where the result is. "
            "`/api/v1/bulk-enrollment-jobs/` tells more."
        ),
        parameters=[JOB, OF_CUSTOMER],
        responses={
            200: JobStatusSerializer,
            400: OpenApiResponse(description="The query names no job."),
            403: NOT_STAFF,
            404: NO_JOB,
        },
    )
    def retrieve(self, request: Request) -> Response:
        """Answer GET."""
        query = _Job(data=request.query_params)
        query.is_valid(raise_exception=True)
        job = api.get_visible_bulk_job(self.caller, query.validated_data["bulk_enrollment_job_uuid"])
        url = render_job(job, request)["results_url"] if JobState(job.state).is_over else None
        return Response({"job_id": str(job.uuid), "download_url": url})


class _Query(serializers.Serializer[Any]):
    subscription_uuid = serializers.UUIDField(
        error_messages={"required": _("Name the subscription in the query: ?subscription_uuid=…")}
    )
    enterprise_customer_uuid = serializers.UUIDField(required=False)
    enroll_all = serializers.BooleanField(required=False, allow_null=True)

    @property
    def is_of_license_manager(self) -> bool:
        """Whether the request has license-manager's form, which knows no other answer than a job."""
        return "enterprise_customer_uuid" in self.validated_data

    def completed(self, body: Any) -> Any:
        """Return the body with what license-manager's clients say in the query: then the addresses do not count."""
        if not self.validated_data.get("enroll_all") or not isinstance(body, dict):
            return body
        ignored = {"emails"} if self.is_of_license_manager else set()
        return {**{name: body[name] for name in body if name not in ignored}, "enroll_all": True}


class _Job(serializers.Serializer[Any]):
    bulk_enrollment_job_uuid = serializers.UUIDField(
        error_messages={"required": _("Name the job in the query: ?bulk_enrollment_job_uuid=…")}
    )
    enterprise_customer_uuid = serializers.UUIDField(required=False)


def status_of(report: BulkReport) -> int:
    """Return 409 for any failure and where nothing was left to do, 202 while somebody waits, else 201."""
    invalid = report.invalid_emails or report.invalid_user_ids or report.invalid_course_keys
    if invalid or report.invalid_learning_paths or not report.rows or report.with_status(RowStatus.FAILURE):
        return status.HTTP_409_CONFLICT
    return status.HTTP_202_ACCEPTED if report.with_status(RowStatus.PENDING) else status.HTTP_201_CREATED
