"""The views. Each parses, authorizes, calls the API and renders; the contract is ADR 0003."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.filters import EnrollmentFilter
from learning_paths.rest_api.v1.pagination import NewestFirst
from learning_paths.rest_api.v1.permissions import MayUnenroll
from learning_paths.rest_api.v1.serializers import EnrollmentSerializer, LearnerSerializer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEY = OpenApiParameter("learning_path_key", str, OpenApiParameter.PATH, description="Key of the learning path.")
USERNAME = OpenApiParameter("username", str, description="The learner; staff may name another than themselves.")
NOT_FOUND = OpenApiResponse(description="No such path (or one that the caller may not see), learner or enrollment.")
FORBIDDEN = OpenApiResponse(description="The caller may not do this.")


class LearningPathEnrollmentViewSet(PathsViewSet):
    """The enrollment of one learner in one path."""

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
        parameters=[KEY, USERNAME],
        responses={200: EnrollmentSerializer, 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def retrieve(self, request: Request, learning_path_key: str) -> Response:
        """Answer GET."""
        path = api.get_visible_path(self.caller, learning_path_key)
        if api.is_staff(self.caller) and self._named(request) is None:
            page = self.paginate_queryset(api.active_enrollments(path))
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        enrollment = api.get_active_enrollment(self._learner(request), path)
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
        outcome = api.enroll(self._learner(request), path, acting_user=self.caller)
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
        api.unenroll(self._learner(request), path, acting_user=self.caller)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _learner(self, request: Request) -> User:
        """Return whom the request is about. To others than staff, another's name tells nothing."""
        username = self._named(request)
        if username is None or username == self.caller.get_username():
            return self.caller
        if not api.is_staff(self.caller):
            raise PermissionDenied
        return api.get_user(username)

    @staticmethod
    def _named(request: Request) -> str | None:
        """Return the username in the query or, where there may be one, in the body."""
        sources = [request.query_params] if request.method == "GET" else [request.query_params, request.data]
        names: set[str] = set()
        for source in sources:
            # A form can't tell a blank name from none; a blank one is no reason to act on the caller.
            parsed = LearnerSerializer(data=source.dict() if isinstance(source, QueryDict) else source)
            parsed.is_valid(raise_exception=True)
            names |= set(parsed.validated_data.values())
        if len(names) > 1:
            raise ValidationError({"username": [_("The query and the body name different learners.")]})
        return next(iter(names), None)


class EnrollmentViewSet(PathsViewSet):
    """Enrollments across paths."""

    permission_classes = [IsAuthenticated]
    filter_backends = [DjangoFilterBackend]
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
