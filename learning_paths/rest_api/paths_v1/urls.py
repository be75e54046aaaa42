"""Routes of ``learning-paths-plugin`` 0.5.0. Each answers with and without a trailing slash."""

from __future__ import annotations

from django.urls import re_path

from learning_paths.rest_api.paths_v1.enrollment_views import (
    BulkEnrollViewSet,
    EnrollmentsViewSet,
    PathEnrollmentsViewSet,
    StepEnrollmentViewSet,
)

urlpatterns = [
    re_path(
        r"^enrollments/bulk-enroll/?$",
        BulkEnrollViewSet.as_view({"post": "create", "delete": "destroy"}),
        name="paths-v1-bulk-enroll",
    ),
    re_path(r"^enrollments/?$", EnrollmentsViewSet.as_view({"get": "list"}), name="paths-v1-enrollments"),
    # Anything may stand in the place of the keys, so that a malformed one is answered like an unknown one.
    re_path(
        r"^(?P<learning_path_key>[\s\S]+?)/enrollments/?$",
        PathEnrollmentsViewSet.as_view({"get": "list", "post": "create", "delete": "destroy"}),
        name="paths-v1-path-enrollments",
    ),
    re_path(
        r"^(?P<learning_path_key>[\s\S]+?)/enrollments/(?P<course_key>[\s\S]+?)/?$",
        StepEnrollmentViewSet.as_view({"post": "create"}),
        name="paths-v1-step-enrollment",
    ),
]
