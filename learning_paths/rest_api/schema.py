"""The OpenAPI schema of the plugin, by drf-spectacular used as a library: the host need not install or configure it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

import learning_paths

Method = TypeVar("Method", bound=Callable[..., Any])


class PathsAutoSchema(AutoSchema):
    """The schema class that each view names itself, since the host's default is another one."""


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # upstream
    """
    Describes the LMS's JWT authentication, which drf-spectacular does not know.

    The defaults of the LMS are subclasses of the usual classes, so this one and the next match those too. What the host
    describes itself goes before.
    """

    target_class = "edx_rest_framework_extensions.auth.jwt.authentication.JwtAuthentication"
    name = "jwtAuth"
    match_subclasses = True
    priority = -2

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the header that carries the token."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`JWT ` and the token."}


class SessionSchemeOfSubclasses(SessionScheme):  # type: ignore[no-untyped-call]  # as above
    """Describes subclasses of session authentication as drf-spectacular describes the class itself."""

    match_subclasses = True
    priority = -2


def described(**kwargs: Any) -> Callable[[Method], Method]:
    """
    Describe a method of a view, as ``extend_schema`` does.

    That builds upon the host's default schema class unless the method names one, so this names ours first.
    """

    def decorate(method: Method) -> Method:
        method.schema = PathsAutoSchema()  # type: ignore[attr-defined]  # where extend_schema looks for it
        return extend_schema(**kwargs)(method)

    return decorate


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3 description of this plugin's endpoints, and of nothing else of the host. Open to all."""

    urlconf = "learning_paths.rest_api.urls"
    custom_settings = {
        "TITLE": _("Learning paths"),
        "DESCRIPTION": _("Enrollment of learners in learning paths."),
        "VERSION": learning_paths.__version__,
    }
