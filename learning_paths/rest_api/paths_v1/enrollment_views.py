"""
The enrollment routes of ``learning-paths-plugin`` 0.5.0.

Each view keeps that version's routes, fields and statuses, and calls what the views of ``rest_api.v1`` call. See
ADR 0012.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.exceptions import UserNotFound
from learning_paths.models import LearningPathEnrollment
from learning_paths.rest_api.paths_v1.enrollment_serializers import (
    BulkEnrolledSerializer,
    BulkEnrollSerializer,
    BulkUnenrolledSerializer,
    CountedNoContent,
    EnrollmentWithIdsSerializer,
    StepEnrolledSerializer,
    render_failures,
    render_outcome,
    whole_list,
)
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_schema import NOT_STAFF
from learning_paths.rest_api.v1.bulk_serializers import counts_of_enrolling, counts_of_unenrolling
from learning_paths.rest_api.v1.filters import EnrollmentFilter, Filters
from learning_paths.rest_api.v1.learner import USERNAME, OfLearner
from learning_paths.rest_api.v1.permissions import IsStaff, MayUnenroll
from learning_paths.rest_api.v1.serializers import LearnerSerializer
from learning_paths.rest_api.v1.views import FORBIDDEN, KEY, NOT_FOUND

COURSE_KEY = OpenApiParameter("course_key", str, OpenApiParameter.PATH, description="Key of the course run.")
TOO_MANY_OR_MALFORMED = OpenApiResponse(
    description="The body is not of this form, or more pairs than `LEARNING_PATHS_BULK_SYNC_LIMIT`. Nothing was done."
)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class PathEnrollmentsViewSet(OfLearner, PathsViewSet):
    """
    The enrollments in one path, in the contract of ``learning-paths-plugin`` 0.5.0.

    Not atomic, as ``rest_api.v1.views`` is not (ADR 0003, "Locks").
    """

    permission_classes = [IsAuthenticated, MayUnenroll]
    pagination_class = None
    serializer_class = EnrollmentWithIdsSerializer
    queryset = LearningPathEnrollment.objects.none()

    @described(
        operation_id="learning_paths_v1_path_enrollments_list",
        summary="List the enrollments in a path",
        description=(
            "The active enrollment of the caller, or of `username`, in a list; an empty one where there is none. Staff "
            "who name nobody get all active enrollments of the path."
        ),
        parameters=[KEY, USERNAME],
        responses={200: EnrollmentWithIdsSerializer(many=True), 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def list(self, request: Request, learning_path_key: str) -> Response | StreamingHttpResponse:
        """Answer GET."""
        path = api.get_visible_path(self.caller, learning_path_key)
        return whole_list(self._of_whom(request, api.active_enrollments(path)))

    @described(
        operation_id="learning_paths_v1_path_enrollments_create",
        summary="Enroll in a path",
        description="Enrolls the caller, or `username`, for the first time (201) or again (200).",
        parameters=[KEY, USERNAME],
        request=LearnerSerializer,
        responses={
            200: EnrollmentWithIdsSerializer,
            201: EnrollmentWithIdsSerializer,
            403: FORBIDDEN,
            404: NOT_FOUND,
            409: OpenApiResponse(description="The learner is enrolled already."),
        },
    )
    def create(self, request: Request, learning_path_key: str) -> Response:
        """Answer POST."""
        path = api.get_visible_path(self.caller, learning_path_key)
        outcome = api.enroll(self.learner(request), path, acting_user=self.caller)
        return Response(
            render_outcome(outcome, path), status=status.HTTP_201_CREATED if outcome.created else status.HTTP_200_OK
        )

    @described(
        operation_id="learning_paths_v1_path_enrollments_destroy",
        summary="Unenroll from a path",
        description=(
            "Unenrolls the caller, or `username`. Learners may unenroll themselves only where the site sets "
            "`LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT`."
        ),
        parameters=[KEY, USERNAME],
        responses={204: None, 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def destroy(self, request: Request, learning_path_key: str) -> Response:
        """Answer DELETE."""
        path = api.get_visible_path(self.caller, learning_path_key)
        api.unenroll(self.learner(request), path, acting_user=self.caller)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _of_whom(
        self, request: Request, enrollments: QuerySet[LearningPathEnrollment]
    ) -> QuerySet[LearningPathEnrollment]:
        """Narrow to the learner whom the request is about. Somebody who is not there has no enrollment."""
        if api.is_staff(self.caller) and self.named(request) is None:
            return enrollments
        try:
            return enrollments.filter(user=self.learner(request))
        except UserNotFound:
            return enrollments.none()


class EnrollmentsViewSet(PathsViewSet):
    """Enrollments across paths, in the contract of ``learning-paths-plugin`` 0.5.0."""

    permission_classes = [IsAuthenticated]
    filter_backends = [Filters]
    filterset_class = EnrollmentFilter
    pagination_class = None
    serializer_class = EnrollmentWithIdsSerializer
    queryset = LearningPathEnrollment.objects.none()

    @described(
        summary="List enrollments with ids",
        description=(
            "The caller's own enrollments, or everyone's for staff, active or not, oldest first and without pages. "
            "`/api/v1/enrollment/` has pages."
        ),
        responses={200: EnrollmentWithIdsSerializer(many=True), 403: FORBIDDEN},
    )
    def list(self, request: Request) -> Response | StreamingHttpResponse:
        """Answer GET."""
        return whole_list(self.filter_queryset(api.visible_enrollments(self.caller)))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BulkEnrollViewSet(PathsViewSet):
    """
    Enrolls and unenrolls many at once, in the contract of ``learning-paths-plugin`` 0.5.0.

    Not atomic, as ``rest_api.v1.bulk_views`` is not (ADR 0004).
    """

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    serializer_class = BulkEnrollSerializer

    @described(
        summary="Enroll many, and count",
        description=(
            "Enrolls the owner of each address in each path, now or as soon as an account with the address is active. "
            "What is no address or no path is left out. `/api/v1/enrollment/bulk_enroll/` does the same, accounts for "
            "each pair, and takes more of them."
        ),
        request=BulkEnrollSerializer,
        responses={201: BulkEnrolledSerializer, 400: TOO_MANY_OR_MALFORMED, 403: NOT_STAFF},
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        asked = self._parse(request)
        report = api.bulk_enroll(asked.work, **asked.attribution, acting_user=self.caller)
        body = {**counts_of_enrolling(report), **render_failures(report)}
        return Response(body, status=status.HTTP_201_CREATED)

    @described(
        summary="Unenroll many, and count",
        description=(
            "Switches the enrollment of each address's owner in each path off, and withdraws what is pending for the "
            "address."
        ),
        request=BulkEnrollSerializer,
        responses={
            200: OpenApiResponse(BulkUnenrolledSerializer, description="Some failed; the others are done."),
            204: OpenApiResponse(description="Done, however many there were."),
            400: TOO_MANY_OR_MALFORMED,
            403: NOT_STAFF,
        },
    )
    def destroy(self, request: Request) -> Response:
        """Answer DELETE. Only where something failed there is more to say than that it is done."""
        asked = self._parse(request)
        report = api.bulk_unenroll(asked.work, **asked.attribution, acting_user=self.caller)
        counts, failures = counts_of_unenrolling(report), render_failures(report)
        return Response({**counts, **failures}) if failures else CountedNoContent(counts, status=204)

    def _parse(self, request: Request) -> BulkEnrollSerializer:
        asked = BulkEnrollSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return asked


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class StepEnrollmentViewSet(OfLearner, PathsViewSet):
    """
    The enrollment in a course run that is a step of a path, in the contract of ``learning-paths-plugin`` 0.5.0.

    Not atomic, as ``PathEnrollmentsViewSet`` is not.
    """

    permission_classes = [IsAuthenticated]
    serializer_class = StepEnrolledSerializer

    @described(
        operation_id="learning_paths_v1_step_enrollments_create",
        summary="Enroll in a course run of a path",
        description=(
            "Enrolls the caller, or `username`, who must be enrolled in the path, in the course run of one of its "
            "steps. Who is enrolled in it already stays so."
        ),
        parameters=[KEY, COURSE_KEY, USERNAME],
        request=LearnerSerializer,
        responses={
            201: StepEnrolledSerializer,
            400: OpenApiResponse(description="The course run is no step of the path, or does not let the learner in."),
            403: FORBIDDEN,
            404: OpenApiResponse(
                description="No such path (or one that the caller may not see), learner or course run, or the learner "
                "is not enrolled in the path."
            ),
        },
    )
    def create(self, request: Request, learning_path_key: str, course_key: str) -> Response:
        """Answer POST."""
        path = api.get_visible_path(self.caller, learning_path_key)
        api.enroll_in_step(self.learner(request), path, course_key, acting_user=self.caller)
        return Response({"detail": _("The learner is enrolled in the course.")}, status=status.HTTP_201_CREATED)
