"""Where the plugin's pages and services are, from the root of the LMS."""

from __future__ import annotations

from django.urls import include, path, re_path

from learning_paths.rest_api.schema import SchemaView

urlpatterns = [
    path("api/v1/", include("learning_paths.rest_api.v1.urls")),
    re_path(r"^api/learning_paths/schema/?$", SchemaView.as_view(), name="schema"),
]
