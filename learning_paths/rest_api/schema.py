"""The OpenAPI schema of the plugin, by drf-spectacular used as a library."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView

import learning_paths


class PathsAutoSchema(AutoSchema):
    """The schema class that each view names itself, since the host's default is another one."""


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3 description of this plugin's endpoints, and of nothing else of the host. Open to all."""

    urlconf = "learning_paths.urls"
    schema = PathsAutoSchema()
    custom_settings = {
        "TITLE": _("Learning paths"),
        "DESCRIPTION": _("Enrollment of learners in learning paths."),
        "VERSION": learning_paths.__version__,
        "SERVE_INCLUDE_SCHEMA": False,
    }
