"""The sandbox keeps the promises of ``learning_paths.lms.base.LMS``."""

from __future__ import annotations

from datetime import UTC, datetime

from ddt import data, ddt, unpack
from django.core.exceptions import ValidationError
from django.test import TestCase
from opaque_keys.edx.keys import CourseKey

from learning_paths.lms import CourseRun as Run
from learning_paths.lms import get_lms
from sandbox.accounts.models import RetiredAccount
from sandbox.courses.models import CourseRun
from sandbox.lms import SandboxLMS

START = datetime(2026, 1, 12, tzinfo=UTC)
END = datetime(2026, 3, 20, tzinfo=UTC)


def key(number: str) -> CourseKey:
    return CourseKey.from_string(f"course-v1:DemoX+{number}+2026")


def make_run(number: str, name: str) -> CourseKey:
    CourseRun.objects.create(course_key=key(number), display_name=name, start=START, end=END)
    return key(number)


class TestCourseRuns(TestCase):
    def test_the_setting_names_the_sandbox(self) -> None:
        assert isinstance(get_lms(), SandboxLMS)

    def test_known_runs_come_back_in_one_query_and_unknown_ones_are_absent(self) -> None:
        python, statistics = make_run("PY101", "Python"), make_run("STAT1", "Statistics")
        with self.assertNumQueries(1):
            runs = get_lms().course_runs([python, statistics, key("NONE")])
        assert runs == {
            python: Run(key=python, name="Python", start=START, end=END),
            statistics: Run(key=statistics, name="Statistics", start=START, end=END),
        }

    def test_a_key_in_another_case_is_another_key(self) -> None:
        python = make_run("PY101", "Python")
        assert get_lms().course_runs([key("py101")]) == {}
        assert list(get_lms().course_runs([key("py101"), python])) == [python]

    def test_a_run_without_a_name_is_called_by_its_run(self) -> None:
        nameless = CourseRun.objects.create(course_key=key("PY101")).course_key
        assert get_lms().course_runs([nameless])[nameless] == Run(key=nameless, name="2026", start=None, end=None)

    def test_no_keys_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().course_runs([]) == {}


@ddt
class TestSearch(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_run("PY101", "Python for Data Work")
        make_run("STAT1", "Statistics you will use")
        make_run("STAT2", "statistics and more")
        make_run("UP_DOWN", "100% Sure")

    @unpack
    @data(
        ("statistics", ["STAT2", "STAT1"]),
        ("USE stat", ["STAT1"]),
        ("demox python", ["PY101"]),
        ("course-v1:DemoX+STAT2+2026", ["STAT2"]),
        ("statistics python", []),
        ("%", ["UP_DOWN"]),
        ("_", ["UP_DOWN"]),
        ("P_101", []),
        ("'; --", []),
        ("  ", ["UP_DOWN", "PY101", "STAT2", "STAT1"]),
    )
    def test_every_word_is_in_the_name_or_the_key(self, text: str, found: list[str]) -> None:
        with self.assertNumQueries(1):
            runs = get_lms().search_course_runs(text, limit=10)
        assert [run.key.course for run in runs] == found

    def test_pages(self) -> None:
        pages = [get_lms().search_course_runs("", limit=3, offset=offset) for offset in (0, 3, 6)]
        assert [[run.key.course for run in page] for page in pages] == [["UP_DOWN", "PY101", "STAT2"], ["STAT1"], []]


class TestRetiredEmails(TestCase):
    def test_those_that_were_retired_in_one_query(self) -> None:
        RetiredAccount.objects.create(email="gone@example.com")
        with self.assertNumQueries(1):
            retired = get_lms().retired_emails(["gone@example.com", "here@example.com"])
        assert retired == {"gone@example.com"}

    def test_no_addresses_cost_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert get_lms().retired_emails([]) == set()

    def test_the_admin_stores_an_address_in_the_form_that_is_asked_for(self) -> None:
        account = RetiredAccount(email=" Gone@Example.com ")
        account.clean()
        account.save()
        assert get_lms().retired_emails(["gone@example.com"]) == {"gone@example.com"}
        with self.assertRaises(ValidationError):
            RetiredAccount(email="gone@example.com").full_clean()
