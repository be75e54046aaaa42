"""How far learners are in a path. The contract is ADR 0008."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.models import LearningPath
from learning_paths.rest_api.paths_v1.catalog_views import NOT_FOUND
from learning_paths.rest_api.paths_v1.progress_serializers import (
    DetailSerializer,
    GradeSerializer,
    ProgressSerializer,
)
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.learner import USERNAME, OfLearner
from learning_paths.rest_api.v1.views import FORBIDDEN, KEY

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.keys import LearningPathKey

STEPS = OpenApiParameter("steps", bool, description="With `true`, the answer has the values of each step, too.")


class ProgressViewSet(OfLearner, PathsViewSet):
    """The progress and the grade of one learner in one path, enrolled or not."""

    permission_classes = [IsAuthenticated]
    serializer_class = ProgressSerializer
    queryset = LearningPath.objects.none()

    @described(
        summary="Fetch progress",
        description="How far the caller, or `username`, is in a path: the mean of what is completed of its steps.",
        parameters=[KEY, USERNAME, STEPS],
        responses={200: ProgressSerializer, 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def progress(self, request: Request, learning_path_key: str) -> Response:
        """Answer GET."""
        return self._answer(request, learning_path_key, api.progress_in, ProgressSerializer)

    @described(
        summary="Fetch a grade",
        description="The grade of the caller, or of `username`, in a path: the weighted mean of the steps' grades.",
        parameters=[KEY, USERNAME, STEPS],
        responses={200: GradeSerializer, 403: FORBIDDEN, 404: NOT_FOUND},
    )
    def grade(self, request: Request, learning_path_key: str) -> Response:
        """Answer GET."""
        return self._answer(request, learning_path_key, api.grades_in, GradeSerializer)

    def _answer(
        self,
        request: Request,
        learning_path_key: str,
        ask: Callable[[User, Collection[LearningPath]], Mapping[LearningPathKey, Any]],
        serializer: type[serializers.Serializer[Any]],
    ) -> Response:
        """Return what ``ask`` tells of the learner in the path, without the steps unless they are asked for."""
        detail = DetailSerializer(data=request.query_params.dict())
        detail.is_valid(raise_exception=True)
        path = api.get_visible_path(self.caller, learning_path_key)
        found = dict(serializer(ask(self.learner(request), [path])[path.key]).data)
        if not detail.validated_data.get("steps"):
            del found["steps"]
        return Response(found)
