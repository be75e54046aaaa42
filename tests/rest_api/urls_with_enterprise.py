"""The addresses of a site that does without edx-enterprise, and answers at its address."""

from __future__ import annotations

from django.test import override_settings

from learning_paths.rest_api.urls import enterprise_patterns
from sandbox.urls import urlpatterns as all_of_them

with override_settings(LEARNING_PATHS_ENTERPRISE_ROUTES=True):
    urlpatterns = [*all_of_them, *enterprise_patterns()]
