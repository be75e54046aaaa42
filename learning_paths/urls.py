"""Where the plugin's services and pages are, from the root of the LMS."""

from __future__ import annotations

from django.urls import include, path, re_path

from learning_paths.rest_api.schema import SchemaView

urlpatterns = [
    re_path(r"^api/learning_paths/schema/?$", SchemaView.as_view(), name="schema"),
    path("", include("learning_paths.rest_api.urls")),
    path("learning_paths/", include("learning_paths.pages.urls")),
]
