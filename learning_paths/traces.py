"""
What the log tells of an error: what went wrong and where, and nothing of anybody.

The text of an error can hold the address of a person: a mail server names whom it refuses, MySQL quotes the value that
is there already. Logs are kept for long and read by many, and no retirement reaches them. So nothing here logs a
traceback as ``logging`` writes it. See ADR 0002, "Logs name nobody".
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from smtplib import SMTPRecipientsRefused, SMTPResponseException

WITHHELD = "(its text is withheld: it may name a person)"


def trace(error: BaseException) -> str:
    """
    Return the traceback of an error and of those that led to it, with their texts as far as those name nobody.

    Arguments:
        error: what was caught. Its ``__cause__`` or ``__context__`` comes before it, as in any traceback.
    """
    return "\n".join(_parts(error))


def outline(error: BaseException) -> str:
    """Return the class of an error, and its text or number as far as that names nobody, in one line."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    text = " ".join(_text(error).split())
    return f"{name}: {text}" if text else name


def _parts(error: BaseException) -> Iterator[str]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and all(link is not each for each in chain):
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    for each in reversed(chain):
        yield "Traceback (most recent call last):"
        yield from (line.rstrip("\n") for line in traceback.format_tb(each.__traceback__))
        yield outline(each)


def _text(error: BaseException) -> str:
    """
    Return what may be told of an error.

    Of an error that a server describes, that is its number: MySQL cuts a value that it quotes, so that no search for
    an “@” would find every address. Of any other it is the text, unless there is an address in it.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return f"{sorted({code for code, _ in error.recipients.values()})} {WITHHELD}"
    if isinstance(error, SMTPResponseException):
        return f"{error.smtp_code} {WITHHELD}"
    first = error.args[0] if error.args else None
    if _is_of_a_database(error) and isinstance(first, int):
        return f"{first} {WITHHELD}"
    text = str(error)
    return WITHHELD if "@" in text or "%40" in text else text


def _is_of_a_database(error: BaseException) -> bool:
    """Return True for Django's errors of databases, and for those of the drivers, which have the same names."""
    return any(each.__name__ in {"DatabaseError", "InterfaceError"} for each in type(error).__mro__)
