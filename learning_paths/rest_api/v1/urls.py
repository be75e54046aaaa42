"""Routes of version 1. Each answers with and without a trailing slash."""

from __future__ import annotations

from django.urls import re_path

from learning_paths.rest_api.v1.bulk_job_views import BulkJobViewSet
from learning_paths.rest_api.v1.bulk_views import BulkEnrollmentViewSet
from learning_paths.rest_api.v1.course_views import EnrollLearnersViewSet, LicenseEnrollmentViewSet
from learning_paths.rest_api.v1.views import EnrollmentViewSet, LearningPathEnrollmentViewSet

urlpatterns = [
    re_path(
        # Anything may stand in the place of the key, so that a malformed one is answered like an unknown one.
        r"^learning-path-enrollment/(?P<learning_path_key>[\s\S]+?)/?$",
        LearningPathEnrollmentViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="learning-path-enrollment",
    ),
    re_path(
        r"^enrollment/bulk_enroll/?$",
        BulkEnrollmentViewSet.as_view({"post": "create", "delete": "destroy"}),
        name="bulk-enrollment",
    ),
    re_path(
        r"^enroll_learners_in_courses/?$", EnrollLearnersViewSet.as_view({"post": "create"}), name="enroll-learners"
    ),
    re_path(
        r"^bulk-license-enrollment/?$",
        LicenseEnrollmentViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="license-enrollment",
    ),
    re_path(r"^enrollment/?$", EnrollmentViewSet.as_view({"get": "list"}), name="enrollment-list"),
    re_path(
        r"^bulk-enrollment-jobs/(?P<uuid>[\s\S]+?)/results\.csv/?$",
        BulkJobViewSet.as_view({"get": "results"}),
        name="bulk-job-results",
    ),
    re_path(
        r"^bulk-enrollment-jobs/(?P<uuid>[\s\S]+?)/confirm/?$",
        BulkJobViewSet.as_view({"post": "confirm"}),
        name="bulk-job-confirm",
    ),
    re_path(
        r"^bulk-enrollment-jobs/(?P<uuid>[\s\S]+?)/cancel/?$",
        BulkJobViewSet.as_view({"post": "cancel"}),
        name="bulk-job-cancel",
    ),
    # As above, anything may stand in the place of the uuid.
    re_path(
        r"^bulk-enrollment-jobs/(?P<uuid>[\s\S]+?)/?$", BulkJobViewSet.as_view({"get": "retrieve"}), name="bulk-job"
    ),
    re_path(r"^bulk-enrollment-jobs/?$", BulkJobViewSet.as_view({"get": "list"}), name="bulk-job-list"),
]
