"""The one door for addresses."""

from __future__ import annotations

import ddt
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from learning_paths.emails import normalize_email
from learning_paths.exceptions import InvalidEmail


@ddt.ddt
class NormalizeEmailTests(SimpleTestCase):
    """Stripped and lower-cased, or refused."""

    @ddt.data(
        ("dan@example.com", "dan@example.com"),
        (" Dan@Example.COM\r\n", "dan@example.com"),
        ("dan+paths@xn--mnchen-3ya.de", "dan+paths@xn--mnchen-3ya.de"),
    )
    @ddt.unpack
    def test_normalized(self, text: str, expected: str) -> None:
        assert normalize_email(text) == expected

    @ddt.data(
        "",
        "   ",
        "dan",
        "dan@",
        "@example.com",
        "dan@example",
        "dan@ex ample.com",
        "dan@example.com, ana@example.com",
        "josé@example.com",
        "mi\u212ae@example.com",  # the Kelvin sign, which lower() turns into a k
        "dan@münchen.de",
        "dan@example.com\x00",
        "d" * 250 + "@example.com",
    )
    def test_refused(self, text: str) -> None:
        with self.assertRaises(InvalidEmail):
            normalize_email(text)

    @given(st.text() | st.emails())
    def test_twice_is_once(self, text: str) -> None:
        try:
            once = normalize_email(text)
        except InvalidEmail:
            return
        assert normalize_email(once) == once
        assert once.isascii()
