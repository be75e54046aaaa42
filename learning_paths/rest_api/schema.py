"""The OpenAPI schema of the plugin, by drf-spectacular used as a library: the host need not install or configure it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.utils import OpenApiParameter, extend_schema
from drf_spectacular.views import SpectacularAPIView

import learning_paths
from learning_paths.rest_api.schema_answers import add_errors

Method = TypeVar("Method", bound=Callable[..., Any])


class PathsAutoSchema(AutoSchema):
    """
    The schema class that each view names itself, since the host's default is another one.

    It adds the answers that views have in common, so that each states only what is its own (``schema_answers``).
    """

    has_body = False
    """Whether the method says what its body is. A DELETE has none otherwise; the others have one by default."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """Return what is said of one method of one address."""
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            add_errors(operation, self.method, path, self.view, registry)
        return operation

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        """Describe the body of a DELETE, too: drf-spectacular leaves it out, as few APIs have one."""
        method, self.method = self.method, "POST" if self.has_body else self.method
        try:
            body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method
        serializer: Any = self.get_request_serializer()
        if body and getattr(serializer, "one_of", None):
            body["required"] = True
        return body


class WithBody(PathsAutoSchema):
    """The schema class of a method that says what its body is."""

    has_body = True


class RequestExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # upstream
    """Says which fields of a request are needed though each may be left out, and whether it may have others."""

    target_class = "learning_paths.rest_api.v1.serializers.RequestSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        """Return the schema of the serializer."""
        target: Any = self.target
        schema: dict[str, Any] = auto_schema._map_serializer(  # type: ignore[no-untyped-call]  # upstream
            target, direction, bypass_extensions=True
        )
        if target.one_of:
            schema["allOf"] = [{"anyOf": [{"required": [name]} for name in group]} for group in target.one_of]
        if not target.takes_others:
            schema["additionalProperties"] = False
        return schema


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
        method.schema = WithBody() if kwargs.get("request") else PathsAutoSchema()  # type: ignore[attr-defined]  # where extend_schema looks for it
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
