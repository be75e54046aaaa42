"""The versions of the REST API: what the schema describes."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path

from learning_paths.rest_api.v1.course_views import EnterpriseEnrollLearnersViewSet


def enterprise_patterns() -> list[URLPattern | URLResolver]:
    """Return edx-enterprise's address of a service that is ours too, where the site wants that and it has none."""
    if settings.LEARNING_PATHS_ENTERPRISE_ROUTES is not True or apps.is_installed("enterprise"):
        return []
    return [
        re_path(
            r"^enterprise/api/v1/enterprise-customer/(?P<enterprise_customer_uuid>[^/]+)/enroll_learners_in_courses/?$",
            EnterpriseEnrollLearnersViewSet.as_view({"post": "create"}),
            name="enterprise-enroll-learners",
        )
    ]


urlpatterns = [
    path("api/v1/", include("learning_paths.rest_api.v1.urls")),
    path("api/learning_paths/v1/", include("learning_paths.rest_api.paths_v1.urls")),
    *enterprise_patterns(),
]
