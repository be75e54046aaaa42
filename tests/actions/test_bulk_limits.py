"""What staff's input may come to, and that reading stops where it is more: nothing here measures time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from unittest import mock

import ddt
from django.test import SimpleTestCase, TestCase, override_settings

from learning_paths import api, emails
from learning_paths.actions import bulk_csv, bulk_parsing, bulk_words
from learning_paths.data import InvalidEntry, ParsedEmails
from learning_paths.exceptions import BulkTooLarge
from learning_paths.models import SubscriptionPlan
from tests.factories import make_path

MOST = 3


class Endless:
    """A list that has no end, and knows how far it was read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        for self.read in count(1):
            yield self.pattern.format(self.read)


@ddt.ddt
class StopTests(SimpleTestCase):
    """One too many, of either kind, ends it."""

    @ddt.data(("a{}@x.org", "more than 3 addresses"), ("a{}@", "More than 3 of the addresses are not valid"))
    @ddt.unpack
    def test_a_list(self, pattern: str, says: str) -> None:
        endless = Endless(pattern)
        with self.assertRaisesMessage(BulkTooLarge, says):
            bulk_parsing.parse_items(endless, most=MOST)
        assert endless.read == MOST + 1
        fits = list(islice(Endless(pattern), MOST))
        parsed = bulk_parsing.parse_items(fits, most=MOST)
        assert len(parsed.emails) + len(parsed.invalid) == MOST

    @ddt.data("same@x.org", "nope", "", "a@")
    def test_one_thing_over_and_over(self, text: str) -> None:
        """Ten times as many words as there may be entries are no list of them, whatever they are."""
        endless = Endless(text)
        with mock.patch.object(bulk_words, "_FEWEST_WORDS", 100), self.assertRaises(BulkTooLarge):
            bulk_parsing.parse_items(endless, most=MOST)
        assert endless.read <= 101

    @ddt.data("a{} ", "a{}@x.org,", "a{}@x.org\n", "Ana <a{}@x.org>, ", '"a{}" ', "<a{}>", "a{},a{}@x.org\n")
    def test_text_and_files(self, pattern: str) -> None:
        text = "".join(pattern.replace("{}", str(number)) for number in range(10))
        with self.assertRaises(BulkTooLarge):
            bulk_parsing.parse_text(text, most=MOST)
        with self.assertRaises(BulkTooLarge):
            bulk_parsing.parse_csv(text.encode(), most=MOST)
        assert bulk_parsing.parse_text(text) == bulk_parsing.parse_text(text, most=100)
        assert bulk_parsing.parse_csv(text.encode()) == bulk_parsing.parse_csv(text.encode(), most=100)

    def test_the_first_words_of_a_long_line_are_enough(self) -> None:
        with mock.patch.object(bulk_words, "_WORDS_AT_ONCE", 10), mock.patch.object(bulk_words, "address_in") as read:
            read.side_effect = lambda word: word
            with self.assertRaises(BulkTooLarge):
                bulk_parsing.parse_text(" ".join(f"a{number}@x.org" for number in range(1000)), most=MOST)
        assert read.call_count == MOST + 1

    def test_several_sources(self) -> None:
        two = ParsedEmails(("a@x.org", "b@x.org"), (InvalidEntry("c", 1), InvalidEntry("d", 1)))
        more = ParsedEmails(("e@x.org", "f@x.org"), ())
        assert bulk_parsing.merge(two, two, most=2) == two
        with self.assertRaises(BulkTooLarge):
            bulk_parsing.merge(two, more, most=3)
        with self.assertRaises(BulkTooLarge):
            bulk_parsing.merge(two, ParsedEmails((), (InvalidEntry("g", 1), InvalidEntry("h", 1))), most=3)

    def test_what_was_parsed_is_not_parsed_again(self) -> None:
        parsed = ParsedEmails(("a@x.org",) * 9, ())
        assert bulk_parsing.parse(parsed, most=1) is parsed


class EffortTests(SimpleTestCase):
    """How often the expensive parts run."""

    def test_a_word_with_nothing_after_its_at_sign_is_not_validated(self) -> None:
        with mock.patch.object(emails, "_RULES") as rules:
            parsed = bulk_parsing.parse_text("a@ b@, @ <c@> 'd@' @@ e@nodot " + "f" * 300 + "@x.org")
        assert not rules.user_regex.match.called
        assert not rules.validate_domain_part.called
        assert len(parsed.invalid) == 8

    def test_a_word_is_looked_at_once(self) -> None:
        for text in ("ana@x.org ana@x.org\n" * 500, "nope@x\n" * 500, "<ana@x.org> " * 500, "ana@x.org," * 50_000):
            with mock.patch.object(bulk_words, "address_in", side_effect=bulk_words.address_in) as look:
                bulk_parsing.parse_text(text)
            assert look.call_count == 1, text[:20]

    def test_a_name_that_was_dropped_is_told_where_it_is_none(self) -> None:
        """What is remembered of a word must not hide it."""
        parsed = bulk_parsing.parse_text("Dan <dan@x.org>\nDan\nDan <ana@x.org>")
        assert parsed == ParsedEmails(("dan@x.org", "ana@x.org"), (InvalidEntry("Dan", 2),))

    def test_the_sample_of_a_file_is_small_whatever_its_lines_are(self) -> None:
        row = "a," * 10_000
        with mock.patch.object(bulk_csv, "_column_by_content", side_effect=bulk_csv._column_by_content) as look:
            bulk_parsing.parse_csv("\n".join([row] * 200).encode())
        assert all(sum(map(len, rows)) <= 100_000 for [rows], _ in look.call_args_list)

    def test_a_line_too_long_for_a_row_is_read_as_text(self) -> None:
        line = "x," * 70_000 + "ana@x.org"
        parsed = bulk_parsing.parse_csv(f"name,email\nDan,dan@x.org\n{line}\n".encode())
        assert parsed == ParsedEmails(("dan@x.org", "ana@x.org"), (InvalidEntry("x", 3),))


@override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=MOST)
class SettingTests(TestCase):
    """The site's limit holds for whoever calls the API."""

    four = [f"a{number}@x.org" for number in range(4)]

    def test_each_parser(self) -> None:
        text = "\n".join(self.four)
        for parse in (
            lambda: api.parse_text(text),
            lambda: api.parse_items(self.four),
            lambda: api.parse_csv(text.encode()),
            lambda: api.merge(api.parse_items(self.four[:2]), api.parse_items(self.four[2:])),
            lambda: api.prepare_bulk(text),
            lambda: api.prepare_bulk(self.four),
            lambda: api.prepare_bulk("", [f"path-v1:x+{number}+z" for number in range(4)]),
            lambda: api.prepare_bulk("", (), (f"course-v1:x+{number}+z" for number in count())),
        ):
            with self.assertRaises(BulkTooLarge):
                parse()
        assert len(api.prepare_bulk(self.four[:3])) == 0

    def test_licenses(self) -> None:
        plan = SubscriptionPlan(title="Plan", num_licenses=9)
        with self.assertRaises(BulkTooLarge):
            api.assign_licenses(plan, self.four, acting_user=None)

    @override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=100_000)
    def test_more_keys_than_a_database_takes_in_one_list(self) -> None:
        path = make_path("path-v1:x+y+z")
        work = api.prepare_bulk("", [*(f"path-v1:x+{number}+z" for number in range(40_000)), "path-v1:x+y+z"])
        assert work.paths == (path,)
        assert len(work.invalid_learning_paths) == 40_000
