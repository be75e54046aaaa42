"""The views. Each parses, authorizes, calls the API and renders; the contract is ADR 0003."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.filters import EnrollmentFilter, Filters
from learning_paths.rest_api.v1.learner import USERNAME, OfLearner
from learning_paths.rest_api.v1.pagination import NewestFirst
from learning_paths.rest_api.v1.permissions import MayUnenroll
from learning_paths.rest_api.v1.serializers import EnrollmentSerializer, LearnerSerializer

KEY = OpenApiParameter("learning_path_key", str, OpenApiParameter.PATH, description="Key of the learning path.")
CURSOR = OpenApiParameter("cursor", str, description="Which page; the links of a page have it.")
PAGE_SIZE = OpenApiParameter("page_size", int, description="How many enrollments a page has.")
NOT_FOUND = OpenApiResponse(description="No such path (or one that the caller may not see), learner or enrollment.")
FORBIDDEN = OpenApiResponse(description="The caller may not do this.")
ONE_OR_A_PAGE = OpenApiResponse(
    {
        "oneOf": [
            {"$ref": "#/components/schemas/Enrollment"},
            {"$ref": "#/components/schemas/PaginatedEnrollmentList"},
        ]
    },
    description="The enrollment, or for staff who name nobody a page of all.",
)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class LearningPathEnrollmentViewSet(OfLearner, PathsViewSet):
    """
    The enrollment of one learner in one path.

    It opts out of the LMS's ``ATOMIC_REQUESTS``: a deadlock undoes the whole transaction, so only an action that is a
    transaction of its own can be tried again (ADR 0003, "Locks").
    """

    permission_classes = [IsAuthenticated, MayUnenroll]
    pagination_class = NewestFirst
    serializer_class = EnrollmentSerializer
    queryset = LearningPathEnrollment.objects.none()

    @described(
        summary="Fetch an enrollment",
        description=(
            "The active enrollment of the caller, or of `username`. Staff who name nobody get a page of all active "
            "enrollments of the path instead, newest first."
        ),
        parameters=[KEY, USERNAME, CURSOR, PAGE_SIZE],
        responses={200: ONE_OR_A_PAGE, 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def retrieve(self, request: Request, learning_path_key: str) -> Response:
        """Answer GET."""
        path = api.get_visible_path(self.caller, learning_path_key)
        if api.is_staff(self.caller) and self.named(request) is None:
            page = self.paginate_queryset(api.active_enrollments(path))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        enrollment = api.get_active_enrollment(self.learner(request), path)
        return Response(self.get_serializer(enrollment).data)

    @described(
        summary="Enroll",
        description="Enrolls the caller, or `username`, for the first time (201) or again (200).",
        parameters=[KEY, USERNAME],
        request=LearnerSerializer,
        responses={
            200: EnrollmentSerializer,
            201: EnrollmentSerializer,
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
            self.get_serializer(outcome.enrollment).data,
            status=status.HTTP_201_CREATED if outcome.created else status.HTTP_200_OK,
        )

    @described(
        summary="Unenroll",
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


class EnrollmentViewSet(PathsViewSet):
    """Enrollments across paths."""

    permission_classes = [IsAuthenticated]
    filter_backends = [Filters]
    filterset_class = EnrollmentFilter
    pagination_class = NewestFirst
    serializer_class = EnrollmentSerializer
    queryset = LearningPathEnrollment.objects.none()

    def get_queryset(self) -> QuerySet[LearningPathEnrollment]:
        """Return what the caller may see."""
        return api.visible_enrollments(self.caller)

    @described(
        summary="List enrollments",
        description="The caller's own enrollments, or everyone's for staff, active or not, newest first.",
        responses={200: EnrollmentSerializer(many=True), 403: FORBIDDEN},
    )
    def list(self, request: Request, **kwargs: Any) -> Response:
        """Answer GET."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
