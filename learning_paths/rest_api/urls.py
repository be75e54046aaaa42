"""The versions of the REST API: what the schema describes."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("learning_paths.rest_api.v1.urls")),
    path("api/learning_paths/v1/", include("learning_paths.rest_api.paths_v1.urls")),
]
