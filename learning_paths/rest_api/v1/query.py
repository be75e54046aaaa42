"""
What may stand in the query of a request: nothing that is not heard.

A filter that is misspelled, given twice or left blank would show staff other learners than they think, and enroll or
unenroll them. So each is a 400 that names it. See ADR 0003, "The query".
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

CACHE_BUSTER = "_"
"""What clients add to an address to get past caches, by convention. It asks for nothing."""
LONGEST_NAME = 100


def refuse_what_is_not_heard(view: Any, request: Request) -> None:
    """
    Look at the names in the query of a request, before the view does anything.

    The names that a method takes are those that it says in its description (``described``), and for lists those of
    their filters and pages.

    Raises:
        ValidationError: a parameter is not known, or given more than once, or blank.
    """
    if view.action not in view.action_map.values():
        return  # OPTIONS, or a method that the address does not have
    heard = heard_by(view)
    errors = {}
    for name, values in request.query_params.lists():
        if name not in {*heard, CACHE_BUSTER, api_settings.URL_FORMAT_OVERRIDE}:
            errors[name[:LONGEST_NAME]] = [_not_heard(view, name, heard)]
        elif len(values) > 1:
            errors[name] = [_("Give this once.")]
        elif not values[0].strip() and name != CACHE_BUSTER:
            errors[name] = [_("Give a value, or leave this out.")]
    if errors:
        raise ValidationError(errors)


def refuse_what_is_not_heard_in_a_body(data: Any, heard: Container[str], *, lists: Container[str] = ()) -> None:
    """
    Look at the names of the fields in a body, as above: a condition that is not heard would enroll others, or oneself.

    Arguments:
        data: the body. One that has no fields is for the serializer to refuse.
        heard: the names that are known.
        lists: those that a form may give several times.

    Raises:
        ValidationError: a field is not known, or a form gives it more than once.
    """
    names = set(data) - {"csrfmiddlewaretoken"} if hasattr(data, "keys") else set()
    errors = {name[:LONGEST_NAME]: [_("This field is not known here.")] for name in sorted(names) if name not in heard}
    if isinstance(data, QueryDict):
        repeated = [name for name in sorted(names) if name in heard and len(data.getlist(name)) > 1]
        errors |= {name: [_("Give this once.")] for name in repeated if name not in lists}
    if errors:
        raise ValidationError(errors)


def heard_by(view: Any) -> set[str]:
    """Return the names of the parameters that the action of a view takes."""
    heard = set(getattr(getattr(view, view.action), "query_parameters", ()))
    if view.action == "list":
        filters = getattr(view, "filterset_class", None)
        heard |= set(filters.base_filters) if filters is not None else set()
        for parameter in ("page_query_param", "page_size_query_param", "cursor_query_param"):
            name = getattr(view.pagination_class, parameter, None)
            heard |= {name} if name else set()
    return heard


def _not_heard(view: Any, name: str, heard: set[str]) -> str:
    """Return the words about a parameter that is not known: where it belongs, or which there are."""
    fields = view.get_serializer_class()().fields if view.request.method in ("POST", "DELETE") else {}
    if name in fields and not fields[name].read_only:
        return _("Give this in the body of the request. In its address it is not heard.")
    if not heard:
        return _("This is not known here. This address takes no parameters.")
    return _("This is not known here. Known are: %(names)s.") % {"names": ", ".join(sorted(heard))}
