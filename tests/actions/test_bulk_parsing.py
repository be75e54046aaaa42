"""What staff paste or upload, turned into addresses."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import ddt
import pytest
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from learning_paths.actions.bulk_parsing import merge, parse_csv, parse_items, parse_text
from learning_paths.data import InvalidEntry, ParsedEmails
from learning_paths.emails import normalize_email, spellings
from learning_paths.exceptions import InvalidEmail

DAN, ANA, EVE = "dan@example.com", "ana@example.com", "eve@example.com"

BREAKS = ("\n", "\r\n", "\r")
HARD_SEPARATORS = (*BREAKS, ",", ";", ", ", " ;\t", ",,")
SEPARATORS = (*HARD_SEPARATORS, " ", "\t", "\u00a0", "\u3000", "\u200b \ufeff")
# Text that meets every rule of the parser now and then.
NOTATION = st.text(alphabet="ab@@..,;<>\"' \t\r\n\u00a0\u200b\x00\ud800é=:")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")


def is_address(text: str) -> bool:
    try:
        normalize_email(text)
    except InvalidEmail:
        return False
    return True


def invalid_of(parsed: ParsedEmails) -> list[tuple[str, int]]:
    return [(entry.text, entry.line) for entry in parsed.invalid]


def distinct(entries: list[InvalidEntry]) -> tuple[InvalidEntry, ...]:
    first: dict[str, InvalidEntry] = {}
    for entry in entries:
        first.setdefault(entry.text.lower(), entry)
    return tuple(first.values())


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Addresses as people have them, some with the signs that few have, in random case."""
    local = draw(st.from_regex(r"[a-z0-9][a-z0-9!#$%&'*+/=?^_{|}~-]{0,8}(\.[a-z0-9]{1,4})?", fullmatch=True))
    domain = draw(st.from_regex(r"[a-z0-9]{1,6}\.(xn--mnchen-3ya\.)?(org|example|co)", fullmatch=True))
    address = f"{local}@{domain}"
    return "".join(draw(st.sampled_from([letter, letter.upper()])) for letter in address)


JUNK = st.text(alphabet="aBz09é-_@.", min_size=1, max_size=12).filter(
    lambda text: not is_address(text) and not is_address(text.removesuffix("."))
)
NAMES = st.text(alphabet="Aböé',;-. ", max_size=12)


@dataclass(frozen=True)
class Piece:
    """A thing in a list: an address, or else junk."""

    text: str
    is_junk: bool


PIECES = st.lists(
    st.builds(Piece, addresses(), st.just(False)) | st.builds(Piece, JUNK, st.just(True)), min_size=1, max_size=25
).flatmap(lambda pieces: st.lists(st.sampled_from(pieces), max_size=5).map(lambda again: pieces + again))

WRAPPINGS: tuple[Callable[[str], str], ...] = (
    lambda address: address,
    lambda address: f'"{address}"',
    lambda address: f"'{address}'",
    lambda address: f"\u201c{address}\u201d",
    lambda address: f"mailto:{address}",
    lambda address: f"MailTo:{address}.",
    lambda address: f"{address}.",
    lambda address: f"\ufeff{address}\u200b",
)
BRACKETS: tuple[Callable[[str], str], ...] = (
    lambda address: f"<{address}>",
    lambda address: f"Jo van Öst <{address}>",
    lambda address: f'"Öst, Jo" <{address}>',
    lambda address: f'Dr. "Öst; Jo" (sales)< mailto:{address} >',
)


@ddt.ddt
class TextTests(SimpleTestCase):
    """Text as it is pasted."""

    @ddt.data(*SEPARATORS)
    def test_separators(self, separator: str) -> None:
        parsed = parse_text(f"{DAN}{separator}{ANA}{separator}nope{separator}")
        assert parsed.emails == (DAN, ANA)
        assert [entry.text for entry in parsed.invalid] == ["nope"]

    @ddt.data("/", "|", ":", "\u200b", "\u00ad")
    def test_no_separators(self, text: str) -> None:
        parsed = parse_text(f"{DAN}{text}{ANA}")
        assert parsed.emails == ()
        assert len(parsed.invalid) == 1

    @ddt.data("", " ", "\n\n", ",;, ,", "\ufeff", '""', "<>", "''\n <\"> ")
    def test_nothing(self, text: str) -> None:
        assert parse_text(text) == ParsedEmails((), ())

    @ddt.data(
        f"Dan <{DAN}>",
        f"Dan Dent <{DAN}>",
        f"Dan\tDent\t< {DAN} >",
        f"Dan<{DAN}>",
        f'"Dent, Dan" <{DAN}>',
        f'"Dent; Dan"<{DAN}>',
        f'"Dent, Dan" (sales) <{DAN}>',
        f"Dan 'Dent' O'Hara <{DAN}>",
        f"<{DAN}>",
        f"<<{DAN}>>",
        f"> {DAN}",
        f"<{DAN}",
        f"{DAN} <{DAN}>",
        f"{DAN}<mailto:{DAN}>",
        f'"{DAN}" <{DAN}>',
        f"<Mailto:{DAN}>;",
    )
    def test_names_are_dropped(self, text: str) -> None:
        assert parse_text(text) == ParsedEmails((DAN,), ())

    @ddt.data(
        ("Dan <>", [("Dan", 1)]),
        ('Dan <"">', [("Dan", 1)]),
        ("Dan <nope>", [("nope", 1)]),
        ("nope <nope>", [("nope", 1)]),
        ("Dan Dent", [("Dan", 1), ("Dent", 1)]),
        ('"Dent, Dan"', [('"Dent', 1), ('Dan"', 1)]),
        ("Dan\n<nope>", [("Dan", 1), ("nope", 2)]),
        ("Dan <nope@> Ana", [("nope@", 1), ("Ana", 1)]),
        ("Dan @dan <nope>", [("@dan", 1), ("nope", 1)]),
    )
    @ddt.unpack
    def test_names_without_an_address(self, text: str, expected: list[tuple[str, int]]) -> None:
        parsed = parse_text(text)
        assert parsed.emails == ()
        assert invalid_of(parsed) == expected

    @ddt.data(
        (f"Dan <{DAN}> Ana <{ANA}>", (DAN, ANA), []),
        (f"Dan <{DAN}><{ANA}>{EVE}", (DAN, ANA, EVE), []),
        (f"nope, Dan <{DAN}>, nay", (DAN,), [("nope", 1), ("nay", 1)]),
        (f"Ana <{DAN}>; Ana", (DAN,), [("Ana", 1)]),
        (f"Dan {ANA} <{DAN}>", (ANA, DAN), []),
        (f'"{ANA}, Dan" <{DAN}>', (ANA, DAN), []),
        (f"Dan <{DAN}, {ANA}>", (DAN, ANA), []),
        (f"Dan <{DAN}; nope", (DAN,), [("Dan", 1), ("nope", 1)]),
        (f'"ana.dent"@example.com <{DAN}>', ('"ana.dent"@example.com', DAN), []),
        (f'5" nope, 6" wide <{DAN}>', (DAN,), [('5"', 1), ("nope", 1)]),
        (f'"unbalanced\n"Dent, Dan" <{DAN}>', (DAN,), [('"unbalanced', 1)]),
    )
    @ddt.unpack
    def test_names_and_addresses(self, text: str, emails: tuple[str, ...], invalid: list[tuple[str, int]]) -> None:
        parsed = parse_text(text)
        assert parsed.emails == emails
        assert invalid_of(parsed) == invalid

    @ddt.data(
        (f'"{DAN}"', DAN),
        (f"'{DAN}'", DAN),
        (f"'{DAN}", DAN),
        (f"`{DAN}`", DAN),
        (f"\u00ab{DAN}\u00bb", DAN),
        (f"{DAN}.", DAN),
        (f'"{DAN}".', DAN),
        (f'"{DAN}."', DAN),
        (f"mailto:{DAN}", DAN),
        (f'MAILTO:"{DAN}"', DAN),
        (f"\u200e{DAN}\u202c", DAN),
        ("o'hara@example.com", "o'hara@example.com"),
        ("'o'hara@example.com'", "o'hara@example.com"),
        ('"dan.dent"@example.com', '"dan.dent"@example.com'),
        ('mailto:"dan.dent"@example.com.', '"dan.dent"@example.com'),
    )
    @ddt.unpack
    def test_forgiven(self, text: str, expected: str) -> None:
        assert parse_text(text) == ParsedEmails((expected,), ())

    @ddt.data(
        "dan",
        "dan@example",
        f"({DAN})",
        f"{DAN}..",
        f"{DAN}:",
        f"mailto:mailto:{DAN}",
        f"http:{DAN}",
        "da\u200bn@example.com",
        "josé@example.com",
        f"mailto:{DAN}?subject=Hi",
        "@",
        ".",
        "mailto:",
    )
    def test_not_forgiven(self, text: str) -> None:
        parsed = parse_text(text)
        assert parsed.emails == ()
        assert len(parsed.invalid) == 1

    def test_each_thing_once_where_it_is_first(self) -> None:
        parsed = parse_text(f"\n{DAN}\r\nNope {ANA}\r{DAN.upper()}\n\nnope, NOPE\nnay\u2028nay\nÉa\néA")
        assert parsed == ParsedEmails(
            (DAN, ANA), (InvalidEntry("Nope", 3), InvalidEntry("nay", 7), InvalidEntry("Éa", 8))
        )

    @ddt.data(
        ("\ufeffnope\u200b", "nope"),
        ("no\x00pe", "no\ufffdpe"),
        ("no\x1b[31mpe", "no\ufffd[31mpe"),
        ("no\ud800pe", "no\ufffdpe"),
        ("no\u202epe", "no\ufffdpe"),
        ("x" * 254, "x" * 254),
        ("x" * 255, "x" * 253 + "…"),
        ("x" * 253 + "@example.com", "x" * 253 + "…"),
        ("<script>", "script"),
        ("&lt;é&gt", "&lt"),
    )
    @ddt.unpack
    def test_invalid_text_is_fit_to_be_shown(self, text: str, expected: str) -> None:
        assert parse_text(text).invalid[0] == InvalidEntry(expected, 1)

    @pytest.mark.no_cover  # as below
    @ddt.data("<", '"', "a", "@", ".", '<"', '"a, ', '"a" b ', "<a", "mailto:", "a@a.", "'", " ", "\r", '",\n')
    def test_adversaries_get_a_short_answer(self, pattern: str) -> None:
        text = pattern * 100_000
        for parsed in (parse_text(text), parse_items([text]), parse_csv(text.encode())):
            assert parsed.emails == ()
            assert len(parsed.invalid) <= 3

    def test_a_very_long_word(self) -> None:
        assert invalid_of(parse_text("a" * 10**6)) == [("a" * 253 + "…", 1)]


@ddt.ddt
class ItemsTests(SimpleTestCase):
    """A JSON list."""

    def test_items(self) -> None:
        parsed = parse_items([DAN, "", f"Ana <{ANA}>", f"nope,{DAN}\n{EVE}", "NOPE", "nay"])
        assert parsed == ParsedEmails((DAN, ANA, EVE), (InvalidEntry("nope", 4), InvalidEntry("nay", 6)))

    def test_any_iterable(self) -> None:
        assert parse_items(iter([DAN])) == ParsedEmails((DAN,), ())

    def test_an_item_of_separators_is_not_passed_over(self) -> None:
        assert parse_items([" , "]) == ParsedEmails((), (InvalidEntry(",", 1),))

    def test_name_and_address_in_different_items(self) -> None:
        assert parse_items(["Dan", f"<{DAN}>"]) == ParsedEmails((DAN,), (InvalidEntry("Dan", 1),))


@ddt.ddt
class CsvTests(SimpleTestCase):
    """A file that a spreadsheet wrote, or somebody by hand."""

    @ddt.data(
        "email",
        "E-Mail",
        "e mail",
        "Email Address",
        "email_address",
        '"E-mail address"',
        "'mail'",
        "User Email",
        "Email:",
        "\u200bEMAIL",
    )
    def test_column_by_header(self, header: str) -> None:
        parsed = parse_csv(f"\n\nmanager_email,{header},name\n{EVE},{DAN},Dan\n{EVE},{ANA},Ana\n".encode())
        assert parsed == ParsedEmails((DAN, ANA), ())

    @ddt.data("name", "address", "telephone", "user@email")
    def test_other_headers_leave_it_to_the_content(self, header: str) -> None:
        parsed = parse_csv(f"{header},title\n{DAN},Dr.\n{ANA},Prof.\n".encode())
        assert parsed == ParsedEmails((DAN, ANA), (InvalidEntry(header, 1),))

    def test_header_of_a_file_with_one_column(self) -> None:
        assert parse_csv(f"Email\n{DAN}\n\n{ANA}\n".encode()) == ParsedEmails((DAN, ANA), ())

    @ddt.data(
        (f"Dan,{DAN}\nAna,{ANA}", []),
        (f"Dan,{DAN}\nAna,{ANA}\nEve,nope\nEve,nay", [("nope", 3), ("nay", 4)]),
        (f"Name,Contact\nDan,{DAN}\nAna,{ANA}", [("Contact", 1)]),
        (f'"Dent, Dan",{DAN},"a,b"\nAna,{ANA}', []),
        (f",,\nDan,{DAN},\n,,\nAna,{ANA},\n", []),
    )
    @ddt.unpack
    def test_column_by_content(self, text: str, invalid: list[tuple[str, int]]) -> None:
        parsed = parse_csv(text.encode())
        assert parsed.emails == (DAN, ANA)
        assert invalid_of(parsed) == invalid

    @ddt.data(
        (f"{DAN},{ANA}", (DAN, ANA), []),
        (f"{DAN}\n{ANA},{EVE}", (DAN, ANA, EVE), []),
        (f"Dan,{DAN},{ANA}\nEve,{EVE},{EVE}", (DAN, ANA, EVE), [("Dan", 1), ("Eve", 2)]),
        (f"x,{DAN}\ny,nope\nz,nay", (DAN,), [("x", 1), ("y", 2), ("nope", 2), ("z", 3), ("nay", 3)]),
        ("x,y", (), [("x", 1), ("y", 1)]),
    )
    @ddt.unpack
    def test_none_or_several_columns_are_text(
        self, text: str, emails: tuple[str, ...], invalid: list[tuple[str, int]]
    ) -> None:
        parsed = parse_csv(text.encode())
        assert parsed.emails == emails
        assert invalid_of(parsed) == invalid

    @ddt.data(
        f"name;email\nDent, Dan;{DAN}\nDent, Ana;{ANA}",
        f"Dent, Dan;{DAN}\nDent, Ana;{ANA}",
        f"Dent; Dan,{DAN}\nDent; Ana,{ANA}",
        f"Dent, Dan\t{DAN}\nAna;\t{ANA}",
        f"Dan\tDent <{DAN}>\nAna\tDent <{ANA}>",
        f"sep=;\nDent, Dan;{DAN}\n,;{ANA}",
        f'"sep=|"\r\nname|email\r\nDan|{DAN}\r\nAna|{ANA}',
        f"SEP=,\n\nname,email\n;;;,{DAN}\n;,{ANA}",
    )
    def test_delimiters(self, text: str) -> None:
        assert parse_csv(text.encode()) == ParsedEmails((DAN, ANA), ())

    @ddt.data(f"sep=x\n{DAN}", f"sep=\n{DAN}")
    def test_a_separator_line_that_names_none(self, text: str) -> None:
        parsed = parse_csv(text.encode())
        assert parsed.emails == (DAN,)
        assert parsed.invalid[0].text.startswith("sep=")

    @ddt.data(
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("cp1252", b""),
        ("latin-1", b""),
    )
    @ddt.unpack
    def test_encodings(self, encoding: str, mark: bytes) -> None:
        content = mark + f"email;name\r\n{DAN};Zoë\r\nzoë@example.com;Zoë\r\n{ANA};Ana".encode(encoding)
        assert parse_csv(content) == ParsedEmails((DAN, ANA), (InvalidEntry("zoë@example.com", 3),))

    def test_windows_1252_has_holes(self) -> None:
        assert parse_csv(b"Dan \x93D\x94,dan@example.com\n\x81\x8d\xff,ana@example.com") == ParsedEmails((DAN, ANA), ())

    @ddt.data(
        b"", b"\x00", b"\xff\xfe", b"\xfe\xff\x00", b"\x00" * 99, b"\xef\xbb\xbf", b"sep=;", b"\n", b",,\n,,", b"email"
    )
    def test_nothing(self, content: bytes) -> None:
        assert parse_csv(content).emails == ()

    def test_an_unbalanced_quote_costs_one_line(self) -> None:
        parsed = parse_csv(f'name,email\n"Dan,{DAN}\nAna,{ANA}\nEve "E" Dent,{EVE}\n'.encode())
        assert parsed == ParsedEmails((DAN, ANA, EVE), (InvalidEntry('"Dan', 2),))

    def test_a_row_wider_than_the_table_is_text(self) -> None:
        parsed = parse_csv(f"name,email\nDent,Dan,{DAN}\nAna,{ANA},,\n".encode())
        assert parsed == ParsedEmails((DAN, ANA), (InvalidEntry("Dent", 2), InvalidEntry("Dan", 2)))

    def test_a_row_that_gets_wider_after_the_sample_loses_nothing(self) -> None:
        rows = [f"learner{number}@example.com" for number in range(500)]
        assert parse_csv("\n".join([*rows, f"{DAN},{ANA}"]).encode()).emails == (*rows, DAN, ANA)

    @ddt.data(
        ("Eve,", "Eve,"),
        ("Eve", "Eve"),
        ("Eve,  ,", "Eve,  ,"),
        ('Eve,""', 'Eve,""'),
        ("Eve,<>", "Eve,<>"),
        (f'"{EVE}",\u200b', f'"{EVE}",'),
    )
    @ddt.unpack
    def test_a_row_without_an_address(self, row: str, expected: str) -> None:
        parsed = parse_csv(f"name,email\nDan,{DAN}\n{row}\n".encode())
        assert parsed == ParsedEmails((DAN,), (InvalidEntry(expected, 3),))

    def test_tabs_in_the_text_of_a_row(self) -> None:
        assert parse_csv(b"name\temail\tx\nEve\t\t1").invalid == (InvalidEntry("Eve  1", 2),)

    def test_a_cell_is_text(self) -> None:
        parsed = parse_csv(f'email,name\n"Dan <{DAN}>; nope",x\n"""Dent, Ana"" <{ANA}>",y\n'.encode())
        assert parsed == ParsedEmails((DAN, ANA), (InvalidEntry("nope", 2),))

    def test_cells_above_the_limit_of_the_csv_module(self) -> None:
        text = f"name,email\n{'x' * (csv.field_size_limit() + 1)},{DAN}\nAna,{ANA}\n"
        parsed = parse_csv(text.encode())
        assert parsed == ParsedEmails((DAN, ANA), (InvalidEntry("x" * 253 + "…", 2),))

    def test_no_cell_holds_a_line_break(self) -> None:
        parsed = parse_csv(f'name,email\n"Dan\nDent",{DAN}\n'.encode())
        assert parsed == ParsedEmails((DAN,), (InvalidEntry('"Dan', 2),))


class MergeTests(SimpleTestCase):
    """Several sources, one result."""

    def test_order_is_kept_and_duplicates_are_folded(self) -> None:
        merged = merge(parse_text(f"{DAN}\nNope"), ParsedEmails((), ()), parse_items([ANA, DAN, "nope", "nay"]))
        assert merged == ParsedEmails((DAN, ANA), (InvalidEntry("Nope", 2), InvalidEntry("nay", 4)))

    def test_nothing(self) -> None:
        assert merge() == ParsedEmails((), ())


@pytest.mark.no_cover  # measuring which lines run doubles the time, and the other tests run them all
class PromiseTests(SimpleTestCase):
    """Never raises, never invents, never loses."""

    def check(self, parsed: ParsedEmails, *sources: str) -> None:
        """Check what holds of every result."""
        for email in parsed.emails:
            assert any(form in source.lower() for source in sources for form in spellings(email))
            assert normalize_email(email) == email
        assert len(set(parsed.emails)) == len(parsed.emails)
        assert parse_text(", ".join(parsed.emails)) == ParsedEmails(parsed.emails, ())
        assert merge(parsed, parsed) == parsed
        texts = [entry.text for entry in parsed.invalid]
        json.dumps(texts, ensure_ascii=False).encode()
        assert all(text.strip() and text.isprintable() and len(text) <= 254 for text in texts)
        assert len({text.lower() for text in texts}) == len(texts)

    @given(st.text() | NOTATION)
    def test_any_text(self, text: str) -> None:
        parsed = parse_text(text)
        self.check(parsed, text)
        for entry in parsed.invalid:
            assert 1 <= entry.line <= 1 + len(re.findall(r"\r\n?|\n", text))

    @given(st.text(alphabet='a@.,;<>" \nx') | st.lists(st.emails() | NOTATION).map(" ".join))
    def test_no_word_with_an_at_sign_is_lost(self, text: str) -> None:
        parsed = parse_text(text)
        words = [word for word in re.split(r"[\s,;<>]", text) if "@" in word]
        shown = {entry.text.lower() for entry in parsed.invalid}
        for word in words:
            found = [email for email in parsed.emails if email in word.lower()]
            assert found or any(is_same(word, text) for text in shown), word

    @given(st.lists(st.text() | NOTATION))
    def test_any_list(self, items: list[str]) -> None:
        parsed = parse_items(items)
        self.check(parsed, *items)
        assert all(1 <= entry.line <= len(items) for entry in parsed.invalid)

    @given(
        st.binary()
        | st.builds(
            lambda text, encoding: text.encode(encoding, "replace"),
            NOTATION | st.lists(st.lists(NOTATION | addresses()).map(",".join)).map("\n".join),
            st.sampled_from(ENCODINGS),
        )
    )
    def test_any_bytes(self, content: bytes) -> None:
        self.check(parse_csv(content), *(content.decode(encoding, "replace") for encoding in ENCODINGS))

    @given(PIECES, st.data())
    def test_nothing_is_lost_in_text(self, pieces: list[Piece], data: st.DataObject) -> None:
        text, line, junk = "", 1, []
        for piece in pieces:
            if piece.is_junk:
                form, separator = piece.text, data.draw(st.sampled_from(SEPARATORS))
            elif data.draw(st.booleans()):
                form = data.draw(st.sampled_from(WRAPPINGS))(piece.text)
                separator = data.draw(st.sampled_from(SEPARATORS))
            else:  # what stands before it on its line would be its name
                form = data.draw(st.sampled_from(BRACKETS))(piece.text)
                separator = data.draw(st.sampled_from(HARD_SEPARATORS))
            line += separator in BREAKS
            text += separator + form
            if piece.is_junk:
                junk.append(InvalidEntry(piece.text, line))
        emails = dict.fromkeys(piece.text.lower() for piece in pieces if not piece.is_junk)
        assert parse_text(text) == ParsedEmails(tuple(emails), distinct(junk))

    @given(PIECES)
    def test_nothing_is_lost_in_a_list(self, pieces: list[Piece]) -> None:
        junk = [InvalidEntry(piece.text, number) for number, piece in enumerate(pieces, start=1) if piece.is_junk]
        emails = dict.fromkeys(piece.text.lower() for piece in pieces if not piece.is_junk)
        assert parse_items([piece.text for piece in pieces]) == ParsedEmails(tuple(emails), distinct(junk))

    @given(PIECES, st.data())
    def test_nothing_is_lost_in_csv(self, pieces: list[Piece], data: st.DataObject) -> None:
        before, after = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))
        rows = [
            [*(data.draw(NAMES) for _ in range(before)), piece.text, *(data.draw(NAMES) for _ in range(after))]
            for piece in pieces
        ]
        header = data.draw(st.sampled_from(["Email", "e-mail", "EMAIL_ADDRESS", "Mail"]) | st.none())
        if header is not None:
            rows.insert(0, [*["Name"] * before, header, *["Notes"] * after])
        elif 2 * sum("@" in piece.text for piece in pieces) < len(pieces) or all(piece.is_junk for piece in pieces):
            return  # nothing tells the column
        file = io.StringIO(newline="")
        writer = csv.writer(
            file,
            delimiter=data.draw(st.sampled_from(",;\t")),
            quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
            lineterminator=data.draw(st.sampled_from(BREAKS)),
        )
        writer.writerows(rows)
        content = file.getvalue().encode(data.draw(st.sampled_from(ENCODINGS)))
        first_line = 1 if header is None else 2
        junk = [InvalidEntry(piece.text, line) for line, piece in enumerate(pieces, first_line) if piece.is_junk]
        emails = dict.fromkeys(piece.text.lower() for piece in pieces if not piece.is_junk)
        assert parse_csv(content) == ParsedEmails(tuple(emails), distinct(junk))


def is_same(word: str, shown: str) -> bool:
    """Return whether ``shown`` is how ``word`` is shown."""
    pattern = "".join(re.escape(letter) if letter.isprintable() else ".?" for letter in word.lower())
    return re.fullmatch(pattern, shown, re.DOTALL) is not None or len(word) > 254


@pytest.mark.no_cover  # as above
@ddt.ddt
class SizeTests(SimpleTestCase):
    """A hundred thousand lines, of which many say the same: what is kept is the result."""

    learners = tuple(f"learner{number}@example.com" for number in range(1_000))
    lines = (*(f"Learner <{learner}>" for learner in learners), *["nope"] * 9_000) * 10

    def parse_within(self, parse: Callable[[], ParsedEmails], limit: int) -> None:
        parse_csv(DAN.encode())  # so that what is loaded at the first call is not counted
        tracemalloc.start()
        try:
            parsed = parse()
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert parsed.emails == self.learners
        assert [entry.text for entry in parsed.invalid] == ["nope"]
        assert peak - kept < limit

    @ddt.data("\n", ",")
    def test_text(self, separator: str) -> None:
        text = separator.join(self.lines)
        self.parse_within(lambda: parse_text(text), limit=500_000)

    def test_items(self) -> None:
        self.parse_within(lambda: parse_items(self.lines), limit=500_000)

    @ddt.data("utf-8", "utf-16")
    def test_csv(self, encoding: str) -> None:
        content = "\n".join(["name;email", *(f"Zoë;{line}" for line in self.lines)]).encode(encoding)
        self.parse_within(lambda: parse_csv(content), limit=500_000)
