"""The one door through which e-mail addresses come in."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna
from django.core.validators import EmailValidator

from learning_paths.exceptions import InvalidEmail

MAX_LENGTH = 254

_RULES = EmailValidator()


def normalize_email(text: str) -> str:
    """
    Return the form in which an address is stored and compared: stripped, lower-cased, its domain in ASCII.

    An internationalized domain and its ``xn--`` form (IDNA 2008) are one domain, so they become one address. The local
    part must be ASCII. MySQL takes ``jose@`` and ``josé@`` for the same text, and a few non-ASCII letters, such as the
    Kelvin sign, become ASCII ones when they are lower-cased; either would hand one person's invitation to another. See
    ADR 0003.

    Raises:
        InvalidEmail: the text is no address, too long for an account to have it, or not ASCII before the "@".
    """
    address = normalized_or_none(text)
    if address is None:
        raise InvalidEmail
    return address


def normalized_or_none(text: str) -> str | None:
    """Return what ``normalize_email`` returns, and None where it raises: a parser asks this of millions of words."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or not domain or len(local) + len(domain) >= MAX_LENGTH or not local.isascii():
        return None
    if not domain.isascii():
        encoded = _ascii_domain(domain)
        if encoded is None or len(local) + len(encoded) >= MAX_LENGTH:
            return None
        domain = encoded
    # As Django's own validator, but without its exceptions and its other readings of the domain: it is ASCII by now.
    if domain not in _RULES.domain_allowlist:
        if "." not in domain and not domain.startswith("["):
            return None
        if not _RULES.validate_domain_part(domain):
            return None
    if not _RULES.user_regex.match(local):
        return None
    return f"{local}@{domain}".lower()


def comparable(email: str) -> str | None:
    """
    Return the address that an account has in the normalized form; None for one that can't be invited.

    An account is asked for nothing but that its address is ASCII, but for the domain, as others let it in. To compare
    a lower-cased address is no substitute: the lower case of the Kelvin sign is a plain k.
    """
    return email.strip().lower() if email.isascii() else normalized_or_none(email)


def spellings(address: str) -> tuple[str, ...]:
    """
    Return the forms in which an account may have this normalized address, itself first.

    A domain without ``xn--`` has one. Others have the form with their own letters, in lower case and with the letters
    beyond ASCII in upper case: a database may know lower and upper case of ASCII alone.
    """
    local, _, domain = address.rpartition("@")
    if "xn--" not in domain:
        return (address,)
    try:
        own = idna.decode(domain, strict=True)
    except (idna.IDNAError, UnicodeError):
        return (address,)
    upper = "".join(letter if letter.isascii() else letter.upper() for letter in own)
    forms = dict.fromkeys(f"{local}@{form}" for form in (own, upper))
    return (address, *(form for form in forms if normalized_or_none(form) == address))


def in_stored_form(search: str) -> str:
    """Return what is searched for, with those of its words that are addresses beyond ASCII as they are stored."""
    if search.isascii():
        return search
    return " ".join(word if word.isascii() else normalized_or_none(word) or word for word in search.split())


def _ascii_domain(domain: str) -> str | None:
    """
    Return the ``xn--`` form of a domain by IDNA 2008; None for one that has none, or that only looks like another.

    Case and the way in which accents are composed do not matter; nothing else is mapped. Letters are lower-cased one by
    one, since Python gives a Greek word another last letter.
    """
    lowered = [letter.lower() if letter.isascii() else _lowered(letter) for letter in domain]
    return None if None in lowered else _encoded("".join(map(str, lowered)))


@lru_cache(maxsize=4096)
def _lowered(letter: str) -> str | None:
    """
    Return a letter beyond ASCII in lower case; None for one that stands for an ASCII one.

    The Kelvin sign and full-width letters are such. Whoever owns an address with one, if anybody does, need not own the
    plain one.
    """
    lowered = letter.lower()
    return None if any(map(str.isascii, unicodedata.normalize("NFKC", lowered))) else lowered


@lru_cache(maxsize=4096)
def _encoded(domain: str) -> str | None:
    try:
        return idna.encode(unicodedata.normalize("NFC", domain), strict=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return None
