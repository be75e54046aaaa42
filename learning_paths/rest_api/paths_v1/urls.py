"""Routes of version 1 under ``/api/learning_paths/``. Each answers with and without a trailing slash."""

from __future__ import annotations

from django.urls import re_path

from learning_paths.rest_api.paths_v1.catalog_views import LearningPathViewSet, ProgramViewSet
from learning_paths.rest_api.paths_v1.enrollment_views import (
    BulkEnrollViewSet,
    EnrollmentsViewSet,
    PathEnrollmentsViewSet,
    StepEnrollmentViewSet,
)
from learning_paths.rest_api.paths_v1.progress_views import ProgressViewSet

# Anything may stand in the place of a key, so that a malformed one is answered like an unknown one.
KEY = r"(?P<learning_path_key>[\s\S]+?)"

urlpatterns = [
    re_path(r"^learning-paths/?$", LearningPathViewSet.as_view({"get": "list"}), name="path-list"),
    re_path(rf"^learning-paths/{KEY}/?$", LearningPathViewSet.as_view({"get": "retrieve"}), name="path-detail"),
    re_path(r"^programs/?$", ProgramViewSet.as_view({"get": "list"}), name="program-list"),
    re_path(r"^programs/(?P<pk>[\s\S]+?)/?$", ProgramViewSet.as_view({"get": "retrieve"}), name="program-detail"),
    re_path(
        r"^enrollments/bulk-enroll/?$",
        BulkEnrollViewSet.as_view({"post": "create", "delete": "destroy"}),
        name="path-bulk-enroll",
    ),
    re_path(r"^enrollments/?$", EnrollmentsViewSet.as_view({"get": "list"}), name="path-enrollment-list"),
    re_path(rf"^{KEY}/progress/?$", ProgressViewSet.as_view({"get": "progress"}), name="path-progress"),
    re_path(rf"^{KEY}/grade/?$", ProgressViewSet.as_view({"get": "grade"}), name="path-grade"),
    re_path(
        rf"^{KEY}/enrollments/?$",
        PathEnrollmentsViewSet.as_view({"get": "list", "post": "create", "delete": "destroy"}),
        name="path-enrollments",
    ),
    re_path(
        rf"^{KEY}/enrollments/(?P<course_key>[\s\S]+?)/?$",
        StepEnrollmentViewSet.as_view({"post": "create"}),
        name="path-step-enrollment",
    ),
]
