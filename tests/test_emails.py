"""The one door for addresses."""

from __future__ import annotations

import ddt
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from learning_paths.emails import comparable, normalize_email, spellings
from learning_paths.exceptions import InvalidEmail


@ddt.ddt
class NormalizeEmailTests(SimpleTestCase):
    """Stripped and lower-cased, or refused."""

    @ddt.data(
        ("dan@example.com", "dan@example.com"),
        (" Dan@Example.COM\r\n", "dan@example.com"),
        ("dan+paths@xn--mnchen-3ya.de", "dan+paths@xn--mnchen-3ya.de"),
        ("dan@münchen.de", "dan@xn--mnchen-3ya.de"),
        ("Dan@MÜNCHEN.De", "dan@xn--mnchen-3ya.de"),
        ("dan@mu\u0308nchen.de", "dan@xn--mnchen-3ya.de"),
        ("dan@XN--Mnchen-3YA.de", "dan@xn--mnchen-3ya.de"),
        ("dan@xn--mnchen-3ya.vermögensberater", "dan@xn--mnchen-3ya.xn--vermgensberater-ctb"),
        ("dan@straße.de", "dan@xn--strae-oqa.de"),
        ("dan@ΔΣ.gr", "dan@xn--pxa4a.gr"),
        ("dan@例え.jp", "dan@xn--r8jz45g.jp"),
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
        "dän@münchen.de",
        "dan@münchen",
        "dan@e\u212aample.com",  # nor is the Kelvin sign one there
        "dan@\uff45xample.com",  # full-width
        "dan@example\uff0ecom",
        "dan@exam\u00adple.com",  # a soft hyphen
        "dan@\u0130stanbul.tr",  # its lower case begins with a plain i
        "dan@o\ufb03ce.com",  # a ligature
        "dan@\u2603.net",  # IDNA 2008 has letters and digits only
        "dan@" + "ü" * 60 + ".de",
        "dan@" + "ü" * 50 + "." + "ü" * 50 + "." + "ü" * 50 + "." + "ü" * 50 + "." + "ü" * 50 + ".de",
        "dan@xn--mnchen-3ya.münchen.\ud800",
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

    @given(st.from_regex("[a-zäöüßéèñøœå\u03c3\u03c2\u03a3\u0410\u0430\u0431-]{1,9}\\.[a-zü]{2,3}", fullmatch=True))
    def test_a_domain_is_the_same_in_all_its_forms_and_no_other(self, domain: str) -> None:
        try:
            address = normalize_email(f"dan@{domain}")
        except InvalidEmail:
            return
        for form in spellings(address):
            assert comparable(form) == address
            assert normalize_email(form) == address
        if domain.isascii():
            assert spellings(address) == (address,)
        else:
            assert f"dan@{domain.lower()}" in spellings(address) or "\u03a3" in domain

    def test_lookalikes_stay_apart(self) -> None:
        """Each of these is another domain, of which somebody else can be the owner."""
        alike = ["strasse.de", "straße.de", "bucher.de", "bücher.de", "buecher.de", "apple.de", "\u0430pple.de"]
        alike += ["\u03b1\u03c2.de", "\u03b1\u03c3.de", "xn--bcher-kva.xn--bcher-kva.de"]
        assert len({normalize_email(f"dan@{domain}") for domain in alike}) == len(alike)

    @ddt.data(
        ("DAN@Example.com", "dan@example.com"),
        (" dan@MÜNCHEN.de", "dan@xn--mnchen-3ya.de"),
        ("mi\u212ae@example.com", None),
        ("josé@example.com", None),
    )
    @ddt.unpack
    def test_what_accounts_have(self, email: str, expected: str | None) -> None:
        assert comparable(email) == expected

    @ddt.data("dan@xn--.de", "dan@xn--a.de", "dan@xn--99999999999.de", "dan@xn--example-.de")
    def test_what_only_looks_encoded_has_one_form(self, email: str) -> None:
        assert spellings(email) == (email,)
