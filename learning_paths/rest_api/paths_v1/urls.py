"""Routes of version 1 under ``/api/learning_paths/``. Each answers with and without a trailing slash."""

from __future__ import annotations

from django.urls import re_path

from learning_paths.rest_api.paths_v1.enrollment_views import (
    BulkEnrollViewSet,
    EnrollmentsViewSet,
    PathEnrollmentsViewSet,
    StepEnrollmentViewSet,
)

# Anything may stand in the place of a key, so that a malformed one is answered like an unknown one.
KEY = r"(?P<learning_path_key>[\s\S]+?)"

urlpatterns = [
    re_path(
        r"^enrollments/bulk-enroll/?$",
        BulkEnrollViewSet.as_view({"post": "create", "delete": "destroy"}),
        name="path-bulk-enroll",
    ),
    re_path(r"^enrollments/?$", EnrollmentsViewSet.as_view({"get": "list"}), name="path-enrollment-list"),
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
