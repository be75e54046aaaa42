"""Keyset pagination: page 1,000 of a million rows costs what page 1 does."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

LARGEST_ID = 2**63 - 1


class NewestFirst(CursorPagination):
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
        if cursor is not None:
            position = str(cursor.position or "")
            if not (position.isascii() and position.isdigit() and int(position) <= LARGEST_ID):
                raise _invalid_cursor()
        return cursor

    def get_page_size(self, request: Request) -> int | None:
        """Refuse a page size that is no positive number; one above the maximum counts as the maximum."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) < 20 and int(asked) > 0):
            raise ValidationError({self.page_size_query_param: [_("Give a whole number above 0.")]})
        size: int | None = super().get_page_size(request)
        return size

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page: all three fields are always there."""
        described: dict[str, Any] = super().get_paginated_response_schema(schema)
        return {**described, "required": ["next", "previous", "results"]}


def _invalid_cursor() -> ValidationError:
    return ValidationError({"cursor": [_("This is no cursor of this list. Follow the links of its pages.")]})
