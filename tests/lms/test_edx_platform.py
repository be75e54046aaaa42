"""What `EdxPlatform` tells of course runs and of retired accounts, against the stand-in for edx-platform."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha1
from unittest import mock

import ddt
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase, override_settings
from opaque_keys.edx.keys import CourseKey

from learning_paths.lms import chunks
from learning_paths.lms.edx_platform import EdxPlatform
from tests.lms.stand_in import CourseOverview, UserPreference, platform_module

DS101 = CourseKey.from_string("course-v1:DemoX+DS101+2026")
WEB = CourseKey.from_string("course-v1:DemoX+WEB+2026_T1")
OLD = CourseKey.from_string("OtherX/Stats/1T2014")
UNKNOWN = CourseKey.from_string("course-v1:DemoX+NONE+2026")
START = datetime(2026, 1, 7, 9, 30, tzinfo=UTC)
END = datetime(2026, 6, 30, tzinfo=UTC)


class CourseOverviewTestCase(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        # Before the transaction of the class begins: MySQL commits at a CREATE TABLE, SQLite refuses one inside.
        with connection.schema_editor() as editor:
            editor.create_model(CourseOverview)
        cls.addClassCleanup(cls.drop_table)
        modules = platform_module(
            "openedx.core.djangoapps.content.course_overviews.models", CourseOverview=CourseOverview
        )
        cls.enterClassContext(mock.patch.dict("sys.modules", modules))
        super().setUpClass()

    @staticmethod
    def drop_table() -> None:
        with connection.schema_editor() as editor:
            editor.delete_model(CourseOverview)

    def setUp(self) -> None:
        self.lms = EdxPlatform()


@ddt.ddt
class CourseRunsTest(CourseOverviewTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        CourseOverview.objects.create(id=DS101, display_name="Data Science", start=START, end=END)
        CourseOverview.objects.create(id=WEB, display_name="Web Basics")
        CourseOverview.objects.create(id=OLD, display_name="Statistics")

    def test_known_runs_come_with_what_the_platform_knows_of_them(self) -> None:
        with self.assertNumQueries(1):
            runs = self.lms.course_runs([DS101, WEB, OLD, UNKNOWN])
        assert set(runs) == {DS101, WEB, OLD}
        assert (runs[DS101].key, runs[DS101].name) == (DS101, "Data Science")
        assert (runs[DS101].start, runs[DS101].end) == (START, END)
        assert (runs[WEB].start, runs[WEB].end) == (None, None)
        assert runs[OLD].key == OLD

    def test_a_key_in_other_case_is_another_key(self) -> None:
        shouted = CourseKey.from_string("course-v1:DEMOX+DS101+2026")
        assert self.lms.course_runs([shouted]) == {}
        assert set(self.lms.course_runs([shouted, DS101])) == {DS101}

    @ddt.data(None, "")
    def test_a_run_without_a_name_is_called_by_its_run(self, display_name: str | None) -> None:
        CourseOverview.objects.filter(id=DS101).update(display_name=display_name)
        assert self.lms.course_runs([DS101])[DS101].name == "2026"

    def test_no_keys_cost_no_query(self) -> None:
        with self.assertNumQueries(0):
            assert self.lms.course_runs([]) == {}

    def test_many_keys_are_asked_for_in_chunks(self) -> None:
        with mock.patch.object(chunks, "MAX_IN_LIST", 2), self.assertNumQueries(2):
            runs = self.lms.course_runs([DS101, WEB, OLD])
        assert set(runs) == {DS101, WEB, OLD}

    def test_more_keys_than_the_database_takes_parameters(self) -> None:
        others = [CourseKey.from_string(f"course-v1:DemoX+C{number}+2026") for number in range(2500)]
        assert set(self.lms.course_runs([*others, DS101])) == {DS101}


@ddt.ddt
class SearchCourseRunsTest(CourseOverviewTestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        for key, name in {
            "course-v1:DemoX+DS101+2026": "Data Science",
            "course-v1:DemoX+DS102+2026": "data visualization",
            "course-v1:DemoX+DS103+2026_T1": "Data Science",
            "OtherX/Stats/1T2014": r"Statistics: 100% a_b c\d",
            "course-v1:DemoX+NAMELESS+2026": None,
        }.items():
            CourseOverview.objects.create(id=CourseKey.from_string(key), display_name=name)

    def numbers(self, text: str, *, limit: int = 10, offset: int = 0) -> list[str | None]:
        return [run.key.course for run in self.lms.search_course_runs(text, limit=limit, offset=offset)]

    @ddt.data(
        ("", ["NAMELESS", "DS101", "DS103", "DS102", "Stats"]),
        ("  \n", ["NAMELESS", "DS101", "DS103", "DS102", "Stats"]),
        ("data", ["DS101", "DS103", "DS102"]),
        ("SCIENCE data", ["DS101", "DS103"]),
        ("data science ds103", ["DS103"]),
        ("course-v1:demox+ds102+2026", ["DS102"]),
        ("otherx/", ["Stats"]),
        ("nameless", ["NAMELESS"]),
        ("data chemistry", []),
        ("Data%Science", []),
        ("100%", ["Stats"]),
        ("%", ["Stats"]),
        ("a_b", ["Stats"]),
        ("2026_", ["DS103"]),
        ("c\\d", ["Stats"]),
        ("'; --", []),
    )
    @ddt.unpack
    def test_each_word_is_in_the_name_or_the_key(self, text: str, expected: list[str]) -> None:
        with self.assertNumQueries(1):
            assert self.numbers(text) == expected

    def test_pages_follow_each_other_without_a_gap(self) -> None:
        pages = [self.numbers("", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert pages == [["NAMELESS", "DS101"], ["DS103", "DS102"], ["Stats"], []]

    def test_a_run_without_a_name_is_called_by_its_run(self) -> None:
        [run] = self.lms.search_course_runs("nameless", limit=1)
        assert run.name == "2026"


def get_all_retired_emails(email: str, salt_list: list[str], retired_email_fmt: str) -> Iterator[str]:
    """What the platform's `user_util` yields: the address hashed with each salt, the oldest first."""
    for salt in salt_list:
        yield retired_email_fmt.format(sha1((salt + email.lower()).encode()).hexdigest())


@ddt.ddt
@override_settings(RETIRED_USER_SALTS=["old", "new"], RETIRED_EMAIL_FMT="retired__user_{}@retired.invalid")
class RetiredEmailsTest(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        for username, email, salt in [("ana", "ana@example.com", "old"), ("ben", "ben@example.com", "new")]:
            [retired] = get_all_retired_emails(email, [salt], "retired__user_{}@retired.invalid")
            get_user_model().objects.create(username=f"retired__user_{username}", email=retired)
        get_user_model().objects.create(username="chloe", email="chloe@example.com")

    def setUp(self) -> None:
        self.lms = EdxPlatform()
        modules = platform_module("openedx.core.lib.user_util", get_all_retired_emails=get_all_retired_emails)
        self.enterContext(mock.patch.dict("sys.modules", modules))

    @ddt.data("Teak", "Verawood")
    def test_addresses_of_retired_accounts_and_no_others(self, release: str) -> None:
        if release == "Teak":
            del sys.modules["openedx.core.lib.user_util"]
            del sys.modules["openedx.core.lib"].user_util
            package = platform_module("user_util.user_util", get_all_retired_emails=get_all_retired_emails)
            self.enterContext(mock.patch.dict("sys.modules", package))
        asked = ["ana@example.com", "ben@example.com", "chloe@example.com", "dan@example.com"]
        with self.assertNumQueries(1):
            assert self.lms.retired_emails(asked) == {"ana@example.com", "ben@example.com"}

    def test_a_hundred_addresses_are_one_query_too(self) -> None:
        asked = [f"learner{number}@example.com" for number in range(99)]
        with self.assertNumQueries(1):
            assert self.lms.retired_emails([*asked, "ben@example.com"]) == {"ben@example.com"}

    def test_an_internationalized_domain_in_the_form_that_the_account_had(self) -> None:
        for number, email in enumerate(["dan@bücher.example", "eve@xn--bcher-kva.example"]):
            [retired] = get_all_retired_emails(email, ["new"], "retired__user_{}@retired.invalid")
            get_user_model().objects.create(username=f"retired{number}", email=retired)
        asked = [f"{name}@xn--bcher-kva.example" for name in ("dan", "eve", "fay")]
        with self.assertNumQueries(1):
            assert self.lms.retired_emails([*asked, "dan@bucher.example"]) == set(asked[:2])

    @override_settings(RETIRED_USER_SALTS=["new"])
    def test_a_salt_that_was_taken_out_is_forgotten(self) -> None:
        assert self.lms.retired_emails(["ana@example.com", "ben@example.com"]) == {"ben@example.com"}

    def test_the_hash_itself_is_no_retired_address(self) -> None:
        [hashed] = get_all_retired_emails("ben@example.com", ["new"], "retired__user_{}@retired.invalid")
        assert self.lms.retired_emails([hashed]) == set()

    def test_no_addresses_cost_no_query(self) -> None:
        with self.assertNumQueries(0):
            assert self.lms.retired_emails([]) == set()


class PreferredLanguagesTest(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with connection.schema_editor() as editor:
            editor.create_model(UserPreference)
        cls.addClassCleanup(cls.drop_table)
        modules = platform_module("openedx.core.djangoapps.user_api.models", UserPreference=UserPreference)
        modules |= platform_module("openedx.core.djangoapps.lang_pref", LANGUAGE_KEY="pref-lang")
        cls.enterClassContext(mock.patch.dict("sys.modules", modules))
        super().setUpClass()

    @staticmethod
    def drop_table() -> None:
        with connection.schema_editor() as editor:
            editor.delete_model(UserPreference)

    def test_the_languages_of_those_who_chose_one(self) -> None:
        ana, ben, chloe = (get_user_model().objects.create(username=name) for name in ("ana", "ben", "chloe"))
        UserPreference.objects.create(user=ana, key="pref-lang", value="es-419")
        UserPreference.objects.create(user=ana, key="time_zone", value="Europe/Madrid")
        UserPreference.objects.create(user=chloe, key="pref-lang", value="de")
        with self.assertNumQueries(1):
            assert EdxPlatform().preferred_languages([ana.pk, ben.pk]) == {ana.pk: "es-419"}
        with self.assertNumQueries(0):
            assert EdxPlatform().preferred_languages([]) == {}
