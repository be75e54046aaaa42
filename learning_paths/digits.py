"""Numbers in addresses and queries."""

from __future__ import annotations


def whole_number(text: str, *, largest: int) -> int | None:
    """
    Return the number that a text of ASCII digits writes; None for one that is larger, and for anything else.

    The length is looked at first: Python refuses to read a number of more than some thousand digits.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(largest)):
        return None
    number = int(text)
    return number if number <= largest else None
