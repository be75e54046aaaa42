"""The one door through which e-mail addresses come in."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from learning_paths.exceptions import InvalidEmail

MAX_LENGTH = 254


def normalize_email(text: str) -> str:
    """
    Return the form in which an address is stored and compared: stripped and lower-cased.

    Only ASCII addresses pass (an internationalized domain in its ``xn--`` form). MySQL takes ``jose@`` and ``josé@``
    for the same text, and a few non-ASCII letters, such as the Kelvin sign, become ASCII ones when they are
    lower-cased; either would hand one person's invitation to another. See ADR 0003.

    Raises:
        InvalidEmail: the text is no address, too long for an account to have it, or not ASCII.
    """
    stripped = text.strip()
    if not stripped.isascii() or len(stripped) > MAX_LENGTH:
        raise InvalidEmail
    try:
        validate_email(stripped)
    except ValidationError as error:
        raise InvalidEmail from error
    return stripped.lower()
