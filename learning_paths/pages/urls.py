"""Addresses of the learners' pages, below ``learning_paths/``."""

from __future__ import annotations

from django.urls import path, re_path

from learning_paths.pages.views import EnrollView, PathsView, PathView, StartView, UnenrollView

# Anything may stand in the place of a key, so that a malformed one is answered like an unknown one.
KEY = r"(?P<learning_path_key>[\s\S]+?)"

urlpatterns = [
    path("", PathsView.as_view(), name="learner-paths"),
    re_path(rf"^{KEY}/enroll/$", EnrollView.as_view(), name="learner-enroll"),
    re_path(rf"^{KEY}/unenroll/$", UnenrollView.as_view(), name="learner-unenroll"),
    re_path(rf"^{KEY}/start/$", StartView.as_view(), name="learner-start"),
    re_path(rf"^{KEY}/$", PathView.as_view(), name="learner-path"),
]
