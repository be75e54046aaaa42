"""What the OpenAPI schema says of answers beyond those that a view states itself, above all of errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

Described = dict[str, Any]

JSON = "application/json"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

ERROR: Described = {
    "type": "object",
    "description": "An error, in words for people.",
    "properties": {"detail": {"type": "string"}},
    "required": ["detail"],
}
FIELD_ERRORS: Described = {
    "type": "object",
    "description": (
        "What is wrong with each field or parameter, by its name; with all together, under `non_field_errors`. An "
        "entry of a list has an object of this form, in the place of the entry."
    ),
    "additionalProperties": {
        "oneOf": [
            {
                "type": "array",
                "items": {"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/FieldErrors"}]},
            },
            {"$ref": "#/components/schemas/FieldErrors"},
        ]
    },
}
RETRY_AFTER: Described = {
    "description": "Seconds to wait before the request is sent again.",
    "schema": {"type": "integer", "minimum": 0},
}

GENERAL: dict[str, tuple[str, Described]] = {
    "400": (
        "BadRequest",
        {"description": "A parameter, a field or the whole body is not of the right form. Nothing was done."},
    ),
    "401": (
        "Unauthorized",
        {
            "description": "Nobody is logged in, or the token or password is wrong.",
            "headers": {
                "WWW-Authenticate": {
                    "description": "A way to authenticate.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            },
        },
    ),
    "403": ("Forbidden", {"description": "The caller may not do this, or a browser's request has no CSRF token."}),
    "404": ("NotFound", {"description": "What the address names is not there, or the caller may not see it."}),
    "406": ("NotAcceptable", {"description": "The header `Accept` asks for something else than JSON."}),
    "413": ("TooLarge", {"description": "The body is larger than the site reads. Nothing was done."}),
    "415": ("UnsupportedMediaType", {"description": "The body is of a media type that is not read here."}),
    "429": (
        "TooManyRequests",
        {"description": "The site lets nobody ask so often.", "headers": {"Retry-After": RETRY_AFTER}},
    ),
    "503": (
        "Unavailable",
        {
            "description": "The database or a service is busy or away. Nothing was done, and later it can be.",
            "headers": {"Retry-After": {**RETRY_AFTER, "required": True}},
        },
    ),
}


def add_errors(operation: Described, method: str, path: str, view: APIView, registry: ComponentRegistry) -> None:
    """
    Add the errors that are answered for reasons that views have in common, and a body to each that a view states.

    What a view says of a status stays, with the forms of errors beside its own body.
    """
    for name, schema in (("Error", ERROR), ("FieldErrors", FIELD_ERRORS)):
        registry.register_on_missing(_component(name, ResolvedComponent.SCHEMA, schema))
    answers: dict[str, Described] = operation["responses"]
    for status, answer in answers.items():
        if status >= "400":
            content = answer.setdefault("content", {})
            stated = content.setdefault(JSON, {}).get("schema")
            content[JSON]["schema"] = _forms_of(status, stated)
            _, general = GENERAL.get(status, ("", {}))
            if "headers" in general:
                answer["headers"] = {**general["headers"], **answer.get("headers", {})}
    for status in _general_statuses(operation, method, path, view):
        if status not in answers:
            name, general = GENERAL[status]
            body = {"content": {JSON: {"schema": _forms_of(status)}}}
            component = _component(name, ResolvedComponent.RESPONSE, {**general, **body})
            registry.register_on_missing(component)
            answers[status] = component.ref
    operation["responses"] = dict(sorted(answers.items()))


def _component(name: str, kind: str, schema: Described) -> ResolvedComponent:
    return ResolvedComponent(name, kind, schema, object=name)  # type: ignore[no-untyped-call]  # upstream


def _general_statuses(operation: Described, method: str, path: str, view: APIView) -> Iterator[str]:
    """Yield what may be answered to any request of this kind."""
    is_safe = method in SAFE_METHODS
    parameters = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])}
    if not is_safe or any(place == "query" for place, _ in parameters):
        yield "400"
    yield "401"
    if not is_safe or set(view.permission_classes) - {IsAuthenticated}:
        yield "403"
    if "{" in path or ("query", "page") in parameters:
        yield "404"
    if "text/csv" not in operation["responses"].get("200", {}).get("content", {}):
        yield "406"
    if "requestBody" in operation:
        yield from ("413", "415")
    yield from ("429", "503")


def _forms_of(status: str, stated: Described | None = None) -> Described:
    """Return the schema of the body: the form that a view states, if any, or one of errors."""
    names = ["FieldErrors", "Error"] if status == "400" else ["Error"]
    forms = [*filter(None, [stated]), *({"$ref": f"#/components/schemas/{name}"} for name in names)]
    return {"oneOf": forms} if len(forms) > 1 else forms[0]
