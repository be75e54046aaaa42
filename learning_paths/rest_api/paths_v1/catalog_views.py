"""The catalog. The contract is ADR 0008."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.digits import whole_number
from learning_paths.exceptions import LearningPathNotFound
from learning_paths.models import LearningPath
from learning_paths.rest_api.paths_v1.catalog_serializers import (
    CatalogPathSerializer,
    PathDetailSerializer,
    ProgramSerializer,
)
from learning_paths.rest_api.paths_v1.filters import LARGEST_ID, CatalogFilter
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.filters import Filters
from learning_paths.rest_api.v1.pagination import Numbered
from learning_paths.rest_api.v1.views import KEY

if TYPE_CHECKING:
    from learning_paths.models.learning_path import LearningPathQuerySet

NOT_FOUND = OpenApiResponse(description="No such path, or one that the caller may not see.")
ID = OpenApiParameter("id", int, OpenApiParameter.PATH, description="Id of the learning path.")


class CatalogViewSet(PathsViewSet):
    """The paths that the caller may see."""

    permission_classes = [IsAuthenticated]
    pagination_class = Numbered
    queryset = LearningPath.objects.none()

    def get_queryset(self) -> LearningPathQuerySet:
        """Return what the caller may see, the caller's own first."""
        return api.catalog(self.caller)


class LearningPathViewSet(CatalogViewSet):
    """Paths for learners to choose from."""

    filter_backends = [Filters]
    filterset_class = CatalogFilter
    serializer_class = CatalogPathSerializer

    @described(
        summary="List learning paths",
        description=(
            "The paths that the caller may see: first those in which the caller is enrolled, the latest enrollment "
            "first, then the others by name. The steps are in their order, those without a number last."
        ),
        responses={200: CatalogPathSerializer(many=True)},
    )
    def list(self, request: Request) -> Response:
        """Answer GET."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(CatalogPathSerializer(page, many=True, context=self._with_runs(page)).data)

    @described(
        summary="Fetch a learning path",
        description="A path with its description and skills.",
        parameters=[KEY],
        responses={200: PathDetailSerializer, 404: NOT_FOUND},
    )
    def retrieve(self, request: Request, learning_path_key: str) -> Response:
        """Answer GET."""
        path = api.get_catalog_path(self.caller, learning_path_key)
        return Response(PathDetailSerializer(path, context=self._with_runs([path])).data)

    def _with_runs(self, paths: Sequence[LearningPath]) -> dict[str, Any]:
        """Return the context with the course runs of the paths, for which the platform is asked once."""
        runs = api.get_course_runs({step.course_key for path in paths for step in path.steps.all()})
        return {**self.get_serializer_context(), "course_runs": runs}


class ProgramViewSet(CatalogViewSet):
    """Paths as programs, for course-discovery to load."""

    serializer_class = ProgramSerializer

    @described(
        summary="List learning paths as programs",
        description="The paths that the caller may see, in the form in which course-discovery loads programs.",
        responses={200: ProgramSerializer(many=True)},
    )
    def list(self, request: Request) -> Response:
        """Answer GET."""
        page = self.paginate_queryset(self.get_queryset().order_by("pk"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @described(
        summary="Fetch a learning path as a program",
        parameters=[ID],
        responses={200: ProgramSerializer, 404: NOT_FOUND},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """Answer GET."""
        number = whole_number(pk, largest=LARGEST_ID)
        path = None if number is None else self.get_queryset().filter(pk=number).first()
        if path is None:
            raise LearningPathNotFound
        return Response(self.get_serializer(path).data)
