"""The addresses among words, and what is none of them: what all parsers of staff's input have in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from django.utils.translation import gettext as _

from learning_paths.data import InvalidEntry, ParsedEmails
from learning_paths.emails import normalized_or_none
from learning_paths.exceptions import BulkTooLarge

_INVALID_TEXT_LENGTH = 254
_WORDS_PER_ENTRY = 10
"""More words and lines than this for each entry that there may be are no list of addresses, whatever they are."""
_FEWEST_WORDS = 100_000
_WORDS_REMEMBERED = 50_000
_WORDS_AT_ONCE = 10_000

_WORD = re.compile(r"[^\s,;<>]++")
_BRACKETS = re.compile(r"[<>]")
# A quoted string is a name only when an address in angle brackets follows; elsewhere its words stand for themselves.
# Each repetition stops at a character that can begin the next attempt, so that no stretch is scanned more than twice.
_LEXEME = re.compile(
    r"""
    (?P<bracket> <[^<>\r\n]*+> )
    | (?P<name> "[^"<>\r\n]*+" (?= (?: [^\S\r\n] [^"<>,;\r\n]*+ )? < ) )
    | (?P<word> [^\s,;<>]++ )
    | (?P<end> [,;\r\n] )
    """,
    re.VERBOSE,
)

# Zero-width characters, soft hyphen and marks of direction: copied along with an address, and not seen by anyone.
INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
BLANK = "".join(character for character in map(chr, range(0x3001)) if character.isspace()) + INVISIBLE
_QUOTES = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a"
WRAPPING = BLANK + _QUOTES


class Found:
    """
    What was found so far, each thing once.

    Raises:
        BulkTooLarge: by whatever finds one address, or one invalid entry, or one word too many.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._words_left = None if most is None else max(_WORDS_PER_ENTRY * most, _FEWEST_WORDS)
        self._emails: dict[str, None] = {}
        self._invalid: dict[str, InvalidEntry] = {}
        self._perhaps_name: list[str] = []
        self._keys: dict[str, str] = {}
        """What the first words came to: a text of ten megabytes can say one and the same word millions of times."""

    def result(self) -> ParsedEmails:
        return ParsedEmails(tuple(self._emails), tuple(self._invalid.values()))

    def add(self, parsed: ParsedEmails) -> None:
        """Take in what another source came to."""
        for email in parsed.emails:
            self._accept(email)
        for entry in parsed.invalid:
            self._keep(entry.text.lower(), entry)

    def read(self, text: str, line: int) -> bool:
        """Take in what is written in ``text``, all of it on ``line``; return whether there was anything."""
        anything = False
        self._perhaps_name.clear()
        self._spend(1)
        if not _BRACKETS.search(text):  # without them there are no names: each word stands for itself
            for words in _some_words(text):
                self._spend(len(words))
                for word in dict.fromkeys(words):
                    anything |= self._take(word, line)
            return anything
        for match in _LEXEME.finditer(text):
            self._spend(1)
            kind, lexeme = match.lastgroup, match.group()
            if kind == "word":
                anything |= self._take(lexeme, line)
                continue
            if kind != "end":
                words = _WORD.findall(lexeme)
                if kind == "bracket" and any(word.strip(WRAPPING) for word in words):
                    self._drop_name()
                for word in words:
                    anything |= self._take(word, line)
            if kind != "name":
                self._perhaps_name.clear()
        return anything

    def refuse(self, text: str, line: int) -> str | None:
        """Take in ``text`` as an invalid entry; return its key when it is a new one. Blank text is none."""
        shown = presentable(text)
        key = shown.lower()
        if not shown or not self._keep(key, InvalidEntry(shown, line)):
            return None
        return key

    def _take(self, word: str, line: int) -> bool:
        known = self._keys.get(word)
        if known is not None and (known in self._invalid or known in self._emails):
            return True
        email = address_in(word) if "@" in word else None
        if email is not None:
            self._accept(email)
            self._remember(word, email)
            return True
        if not word.strip(WRAPPING):
            return False
        key = self.refuse(word, line)
        if key is not None:
            self._remember(word, key)
            if "@" not in word:
                self._perhaps_name.append(key)
        return True

    def _accept(self, email: str) -> None:
        self._emails[email] = None
        if self._most is not None and len(self._emails) > self._most:
            text = _("These are more than %(most)d addresses. One job takes at most %(most)d. Take fewer at a time.")
            raise BulkTooLarge(text % {"most": self._most})

    def _keep(self, key: str, entry: InvalidEntry) -> bool:
        """Keep an invalid entry, if it is a new one; return whether it is."""
        if key in self._invalid:
            return False
        self._invalid[key] = entry
        if self._most is not None and len(self._invalid) > self._most:
            raise BulkTooLarge(
                _("More than %(most)d of the addresses are not valid. Is this the right list?") % {"most": self._most}
            )
        return True

    def _spend(self, words: int) -> None:
        if self._words_left is None:
            return
        self._words_left -= words
        if self._words_left < 0:
            raise BulkTooLarge(
                _("There are far more words here than in a list of %(most)d addresses. Is this the right list?")
                % {"most": self._most}
            )

    def _remember(self, word: str, key: str) -> None:
        if len(self._keys) < _WORDS_REMEMBERED and len(word) <= _INVALID_TEXT_LENGTH:
            self._keys[word] = key

    def _drop_name(self) -> None:
        for key in self._perhaps_name:
            del self._invalid[key]
        self._perhaps_name.clear()


def _some_words(text: str) -> Iterator[list[str]]:
    """Yield the words of a text, so many at once that it is quick, and not so many that they fill the memory."""
    if len(text) <= _WORDS_AT_ONCE:
        yield _WORD.findall(text)
        return
    words = (match.group() for match in _WORD.finditer(text))
    while some := list(islice(words, _WORDS_AT_ONCE)):
        yield some


def address_in(word: str) -> str | None:
    """Return the address in ``word``, which may be quoted, be a ``mailto:`` link and end a sentence; None for none."""
    unwrapped = _without_link_and_stop(word.strip(WRAPPING)).strip(WRAPPING)
    if (email := normalized_or_none(unwrapped)) is not None:
        return email
    # The local part of an address can itself be quoted: then the quotes must stay.
    bare = word.strip(BLANK)
    for reading in {bare: None, _without_link_and_stop(bare): None}:
        if reading != unwrapped and (email := normalized_or_none(reading)) is not None:
            return email
    return None


def _without_link_and_stop(text: str) -> str:
    return (text[7:] if text[:7].lower() == "mailto:" else text).removesuffix(".")


def presentable(text: str) -> str:
    """Return ``text`` as it can be shown on a page, in JSON and in CSV."""
    text = text.strip(BLANK)
    if len(text) > _INVALID_TEXT_LENGTH:
        text = text[: _INVALID_TEXT_LENGTH - 1] + "\u2026"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
