"""Text that is none: encodings that do not exist, and halves of characters, which no answer can hold."""

from __future__ import annotations

import codecs
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.request import Request


def refuse_what_is_no_text(request: Request) -> None:
    """
    Look at the encoding that a request names for its body.

    Raises:
        ParseError: Python knows it, and it is none of text, such as ``hex``; Django and DRF would fail at it.
    """
    encoding = request._request.encoding
    if encoding is not None and not codecs.lookup(encoding)._is_text_encoding:
        raise ParseError(_("The request is too large or malformed."))


def encodable(value: Any) -> Any:
    """
    Return the body of an answer without halves of surrogate pairs.

    A JSON text can hold them, in names too, and the words of an error repeat what was sent.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {encodable(name): encodable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(each) for each in value]
    return value
