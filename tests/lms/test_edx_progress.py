"""What `EdxPlatform` tells of a learner's completion and grades, against the stand-in for edx-platform."""

from __future__ import annotations

from unittest import mock

import ddt
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import TestCase
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey, UsageKey

from learning_paths.lms import chunks
from learning_paths.lms.edx_platform import EdxPlatform
from tests.factories import make_user
from tests.lms import stand_in, stand_in_progress
from tests.lms.stand_in import CourseEnrollment, ItemNotFoundError
from tests.lms.stand_in_progress import (
    Aggregator,
    BlockCompletion,
    Modulestore,
    PersistentCourseGrade,
)


def key(number: str) -> CourseKey:
    return CourseKey.from_string(f"course-v1:DemoX+{number}+2026")


DS101, WEB, UNKNOWN = key("DS101"), key("WEB"), key("NONE")
SHOUTED = CourseKey.from_string("course-v1:DEMOX+DS101+2026")
TWELVE = [key(f"C{number}") for number in range(12)]
TOO_MANY = [key(f"N{number}") for number in range(2500)]


class ProgressTestCase(TestCase):
    """Ana and Ben, and the tables of the platform."""

    ana: User
    ben: User

    @classmethod
    def setUpClass(cls) -> None:
        # Before the transaction of the class begins: MySQL commits at a CREATE TABLE, SQLite refuses one inside.
        with connection.schema_editor() as editor:
            for model in [*stand_in.MODELS, *stand_in_progress.MODELS]:
                editor.create_model(model)
        cls.addClassCleanup(cls.drop_tables)
        modules = stand_in.platform_modules() | stand_in_progress.progress_modules()
        cls.enterClassContext(mock.patch.dict("sys.modules", modules))
        super().setUpClass()

    @staticmethod
    def drop_tables() -> None:
        with connection.schema_editor() as editor:
            for model in reversed([*stand_in.MODELS, *stand_in_progress.MODELS]):
                editor.delete_model(model)

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ana, cls.ben = make_user("ana"), make_user("ben")

    def setUp(self) -> None:
        Modulestore.reset()
        self.addCleanup(Modulestore.reset)
        self.lms = EdxPlatform()


@ddt.ddt
class GradesTest(ProgressTestCase):
    def grade(self, course_key: CourseKey, grade: float, user: User | None = None) -> None:
        PersistentCourseGrade.objects.create(
            user_id=(user or self.ana).pk, course_id=course_key, percent_grade=grade, letter_grade="Pass"
        )

    def test_the_grades_of_twelve_courses_are_one_query(self) -> None:
        for number, course_key in enumerate(TWELVE):
            self.grade(course_key, number / 20)
        with self.assertNumQueries(1):
            grades = self.lms.course_grades(self.ana, TWELVE)
        assert grades == {course_key: number / 20 for number, course_key in enumerate(TWELVE)}

    def test_a_grade_of_zero_is_a_grade_and_none_is_none(self) -> None:
        self.grade(DS101, 0.0)
        self.grade(WEB, 0.9, self.ben)
        assert self.lms.course_grades(self.ana, [DS101, WEB, UNKNOWN]) == {DS101: 0.0}
        assert self.lms.course_grades(self.ben, [DS101, WEB, UNKNOWN]) == {WEB: 0.9}

    def test_a_key_in_other_case_is_another_key(self) -> None:
        self.grade(DS101, 0.87)
        assert self.lms.course_grades(self.ana, [SHOUTED]) == {}
        assert self.lms.course_grades(self.ana, [SHOUTED, DS101]) == {DS101: 0.87}

    @ddt.data((1.04, 1.0), (-0.1, 0.0))
    @ddt.unpack
    def test_a_grade_stays_between_nothing_and_all(self, recorded: float, told: float) -> None:
        self.grade(DS101, recorded)
        assert self.lms.course_grades(self.ana, [DS101]) == {DS101: told}

    def test_as_many_courses_as_there_are(self) -> None:
        self.grade(DS101, 0.5)
        assert self.lms.course_grades(self.ana, [*TOO_MANY, DS101]) == {DS101: 0.5}
        with mock.patch.object(chunks, "MAX_IN_LIST", 2), self.assertNumQueries(2):
            assert self.lms.course_grades(self.ana, [WEB, UNKNOWN, DS101]) == {DS101: 0.5}
        with self.assertNumQueries(0):
            assert self.lms.course_grades(self.ana, []) == {}


class RecordedCompletionsTest(ProgressTestCase):
    """Where the completion aggregator is installed."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.dict(apps.app_configs, stand_in_progress.aggregator_app()))

    def record(
        self,
        course_key: CourseKey,
        earned: float,
        possible: float,
        *,
        user: User | None = None,
        block_type: str = "course",
    ) -> None:
        Aggregator.objects.create(
            user=user or self.ana,
            course_key=course_key,
            aggregation_name=block_type,
            block_key=course_key.make_usage_key(block_type, block_type),
            earned=earned,
            possible=possible,
            percent=earned / possible if possible else 1.0,
            last_modified=timezone.now(),
        )

    def test_twelve_courses_are_one_query_and_nothing_is_counted(self) -> None:
        for number, course_key in enumerate(TWELVE):
            self.record(course_key, number, 16)
        with self.assertNumQueries(1):
            shares = self.lms.course_completions(self.ana, TWELVE)
        assert shares == {course_key: number / 16 for number, course_key in enumerate(TWELVE)}
        assert Modulestore.counted == []

    def test_of_the_course_as_a_whole_and_of_this_learner(self) -> None:
        self.record(DS101, 1, 4)
        self.record(DS101, 3, 3, block_type="chapter")
        self.record(WEB, 3, 3, block_type="vertical")
        self.record(WEB, 1, 2, user=self.ben)
        assert self.lms.course_completions(self.ana, [DS101, WEB, UNKNOWN]) == {DS101: 0.25}
        assert self.lms.course_completions(self.ben, [DS101, WEB, UNKNOWN]) == {WEB: 0.5}

    def test_where_there_is_nothing_to_complete_nothing_is_completed(self) -> None:
        self.record(DS101, 0, 0)
        self.record(WEB, 5, 5)
        assert self.lms.course_completions(self.ana, [DS101, WEB]) == {WEB: 1.0}

    def test_a_key_in_other_case_is_another_key(self) -> None:
        self.record(DS101, 1, 4)
        assert self.lms.course_completions(self.ana, [SHOUTED]) == {}
        assert self.lms.course_completions(self.ana, [SHOUTED, DS101]) == {DS101: 0.25}

    def test_as_many_courses_as_there_are(self) -> None:
        self.record(DS101, 1, 4)
        assert self.lms.course_completions(self.ana, [*TOO_MANY, DS101]) == {DS101: 0.25}
        with mock.patch.object(chunks, "MAX_IN_LIST", 2), self.assertNumQueries(2):
            assert self.lms.course_completions(self.ana, [WEB, UNKNOWN, DS101]) == {DS101: 0.25}
        with self.assertNumQueries(0):
            assert self.lms.course_completions(self.ana, []) == {}


@ddt.ddt
class CountedCompletionsTest(ProgressTestCase):
    """Where it is not, the platform counts units."""

    PER_COURSE = 3  # a savepoint set and released, and the one query of the stand-in

    def study(self, course_key: CourseKey, complete: int, *, units: int, locked: int = 0) -> None:
        """Enroll Ana in a course of so many units, and let her complete some."""
        CourseEnrollment.objects.create(user=self.ana, course_id=course_key)
        Modulestore.units[course_key] = (units, locked)
        blocks: list[UsageKey] = [course_key.make_usage_key("vertical", f"unit{number}") for number in range(complete)]
        BlockCompletion.objects.bulk_create(
            BlockCompletion(user=self.ana, context_key=course_key, block_key=block, completion=1.0) for block in blocks
        )

    def test_what_is_counted_for_each_course_and_what_for_all(self) -> None:
        for number, course_key in enumerate(TWELVE):
            self.study(course_key, number, units=16)
        for few in (1, 12):
            with self.assertNumQueries(1 + few * self.PER_COURSE):
                shares = self.lms.course_completions(self.ana, TWELVE[:few])
            assert shares == {course_key: number / 16 for number, course_key in enumerate(TWELVE[:few])}

    @ddt.data(
        (0, 4, 0, 0.0),
        (2, 3, 1, 0.5),
        (3, 3, 1, 0.75),
        (199, 200, 0, 0.995),
        (3, 3, 0, 1.0),
        (0, 0, 2, 0.0),
        (0, 0, 0, 0.0),
    )
    @ddt.unpack
    def test_the_share_is_of_all_units_the_locked_ones_too(
        self, complete: int, units: int, locked: int, share: float
    ) -> None:
        self.study(DS101, complete, units=units, locked=locked)
        assert self.lms.course_completions(self.ana, [DS101]) == {DS101: share}

    def test_courses_in_which_the_learner_is_not_active_are_not_counted(self) -> None:
        self.study(DS101, 1, units=2)
        self.study(WEB, 1, units=2)
        CourseEnrollment.objects.filter(course_id=WEB).update(is_active=False)
        with self.assertNumQueries(1):
            assert self.lms.course_completions(self.ben, [DS101, WEB]) == {}
        with self.assertNumQueries(1):
            assert self.lms.course_completions(self.ana, [WEB, SHOUTED, UNKNOWN]) == {}
        with self.assertNumQueries(0):
            assert self.lms.course_completions(self.ana, []) == {}
        assert Modulestore.counted == []
        assert self.lms.course_completions(self.ana, [DS101, WEB]) == {DS101: 0.5}

    def test_an_account_that_is_not_activated_has_its_progress_all_the_same(self) -> None:
        self.study(DS101, 1, units=2)
        self.ana.is_active = False
        self.ana.save()
        assert self.lms.course_completions(self.ana, [DS101]) == {DS101: 0.5}

    def test_a_course_that_is_gone_does_not_take_the_others_down(self) -> None:
        self.study(DS101, 1, units=2)
        self.study(WEB, 1, units=4)
        del Modulestore.units[DS101]
        with self.assertLogs("learning_paths.lms.guard", "DEBUG") as logs:
            assert self.lms.course_completions(self.ana, [DS101, WEB]) == {WEB: 0.25}
        [record] = logs.records
        assert record.levelname == "DEBUG"
        told = f"the platform does not know it: tell what user {self.ana.pk} has completed in {DS101}"
        assert record.getMessage() == f"Learning paths: {told}"
        assert record.exc_info is None

    def test_an_error_of_the_database_costs_neither_the_others_nor_what_was_done_before(self) -> None:
        self.study(DS101, 1, units=2)
        self.study(WEB, 1, units=4)
        Modulestore.corrupt.add(DS101)
        with self.assertLogs("learning_paths.lms.guard", "ERROR") as logs:
            assert self.lms.course_completions(self.ana, [DS101, WEB]) == {WEB: 0.25}
        assert "IntegrityError" in logs.output[0]
        assert CourseEnrollment.objects.count() == 2

    def test_an_error_that_broke_the_whole_transaction_comes_through(self) -> None:
        self.study(DS101, 1, units=2)
        Modulestore.deadlocked.add(DS101)
        rollback = mock.patch.object(connection, "savepoint_rollback", side_effect=DatabaseError("no such savepoint"))
        with rollback, self.assertRaises(ItemNotFoundError), self.assertNoLogs("learning_paths.lms.guard"):
            self.lms.course_completions(self.ana, [DS101])
        connection.needs_rollback = False  # for the test's own transaction, which nobody broke
