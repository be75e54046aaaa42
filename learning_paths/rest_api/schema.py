"""The OpenAPI schema of the plugin, by drf-spectacular used as a library: the host need not install or configure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema
from drf_spectacular.views import SpectacularAPIView

import learning_paths

Method = TypeVar("Method", bound=Callable[..., Any])


class PathsAutoSchema(AutoSchema):
    """The schema class that each view names itself, since the host's default is another one."""


class JwtScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # upstream
    """Describes the LMS's JWT authentication, which drf-spectacular does not know."""

    target_class = "edx_rest_framework_extensions.auth.jwt.authentication.JwtAuthentication"
    name = "jwtAuth"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the header that carries the token."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`JWT ` and the token."}


def described(**kwargs: Any) -> Callable[[Method], Method]:
    """
    Describe a method of a view, as ``extend_schema`` does.

    That builds upon the host's default schema class unless the method names one, so this names ours first.
    """

    def decorate(method: Method) -> Method:
        method.schema = PathsAutoSchema()  # type: ignore[attr-defined]  # where extend_schema looks for it
        described_method = extend_schema(**kwargs)(method)
        described_method.query_parameters = query_parameters(kwargs.get("parameters"))  # type: ignore[attr-defined]  # read by v1.query
        return described_method

    return decorate


def query_parameters(parameters: Iterable[OpenApiParameter] | None) -> frozenset[str]:
    """Return the names of those of the parameters that stand in the query: what is described is what is heard."""
    return frozenset(each.name for each in parameters or () if each.location == OpenApiParameter.QUERY)


class SchemaView(SpectacularAPIView):
    """The OpenAPI 3 description of this plugin's endpoints, and of nothing else of the host. Open to all."""

    urlconf = "learning_paths.rest_api.urls"
    custom_settings = {
        "TITLE": _("Learning paths"),
        "DESCRIPTION": _("Enrollment of learners in learning paths."),
        "VERSION": learning_paths.__version__,
    }

    def _get_version_parameter(self, request: Any) -> None:
        """Know of one version only, whatever the query says: it would stand in a header."""
