"""Keyset pagination: page 1,000 of a million rows costs what page 1 does."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request

from learning_paths.digits import whole_number

LARGEST_ID = 2**63 - 1


class StrictPages:
    """What both ways to divide a list into pages do about ``page_size``. To be mixed in before DRF's class."""

    page_size_query_param: str

    def get_page_size(self, request: Request) -> int | None:
        """Refuse a page size that is no positive number; one above the maximum counts as the maximum."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is not None and not whole_number(asked, largest=LARGEST_ID):
            raise ValidationError({self.page_size_query_param: [_("Give a whole number above 0.")]})
        size: int | None = super().get_page_size(request)  # type: ignore[misc]  # of DRF's class
        return size


class NewestFirst(StrictPages, CursorPagination):
    """
    Pages by descending id: ``next``, ``previous``, ``results``.

    The id is unique and part of every index of InnoDB, so each page is one range of the index that the filter uses.
    See ADR 0003 for why it is not ``enrolled_at``. A cursor or ``page_size`` that is no such thing is a 400.
    """

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 1000

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Refuse a cursor that this class can't have made; DRF alone would let it reach the database."""
        try:
            cursor: Cursor | None = super().decode_cursor(request)
        except NotFound as error:
            raise _invalid_cursor() from error
        if cursor is not None and whole_number(str(cursor.position or ""), largest=LARGEST_ID) is None:
            raise _invalid_cursor()
        return cursor

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page: all its fields are always there."""
        return _with_all_required(super().get_paginated_response_schema(schema))


class Numbered(StrictPages, PageNumberPagination):
    """
    Pages by number: ``count``, ``next``, ``previous``, ``results``.

    A page holds the whole catalog of most sites, as some clients never ask for the second. A ``page`` beyond the last
    is a 404; a ``page`` or ``page_size`` that is no number is a 400.
    """

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_number(self, request: Request, paginator: Any) -> int | str:
        """Refuse a page that is neither a number above 0 nor ``last``."""
        asked = request.query_params.get(self.page_query_param)
        if asked is not None and asked not in self.last_page_strings and not whole_number(asked, largest=LARGEST_ID):
            raise ValidationError({self.page_query_param: [_("Give a whole number above 0.")]})
        number: int | str = super().get_page_number(request, paginator)
        return number

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page: all its fields are always there."""
        return _with_all_required(super().get_paginated_response_schema(schema))


def _with_all_required(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "required": list(described["properties"])}


def _invalid_cursor() -> ValidationError:
    return ValidationError({"cursor": [_("This is no cursor of this list. Follow the links of its pages.")]})
