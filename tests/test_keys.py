"""The key of a learning path."""

from __future__ import annotations

import pickle

import ddt
from django.core.exceptions import ValidationError
from django.test import SimpleTestCase, TestCase
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, LearningContextKey

from learning_paths.keys import LearningPathKey, LearningPathKeyFormField
from learning_paths.models import LearningPath, LearningPathStep
from tests.factories import make_path

MOVED_PART = st.from_regex(LearningPathKey.MOVED_PART, fullmatch=True).filter(lambda part: len(part) <= 50)
PART = st.from_regex(LearningPathKey.ALLOWED_PART, fullmatch=True).filter(lambda part: len(part) <= 50)


@ddt.ddt
class LearningPathKeyTests(SimpleTestCase):
    """Both forms parse and print; everything else is an InvalidKeyError."""

    @given(org=PART, number=PART, run=PART, group=st.none() | PART)
    def test_round_trip(self, org: str, number: str, run: str, group: str | None) -> None:
        key = LearningPathKey(org, number, run, group)
        again = LearningPathKey.from_string(str(key))
        assert again == key
        assert hash(again) == hash(key)
        assert (again.org, again.number, again.run, again.group) == (org, number, run, group)
        assert pickle.loads(pickle.dumps(key)) == key

    @given(org=MOVED_PART, number=MOVED_PART, run=MOVED_PART, group=MOVED_PART)
    def test_round_trip_of_what_0_5_0_took(self, org: str, number: str, run: str, group: str) -> None:
        key = LearningPathKey(org, number, run, group)
        assert LearningPathKey.from_string(str(key)) == key

    @given(st.text())
    def test_any_text_parses_or_is_an_invalid_key(self, text: str) -> None:
        for candidate in (text, f"path-v1:{text}"):
            try:
                key = LearningPathKey.from_string(candidate)
            except InvalidKeyError:
                continue
            assert str(key) == candidate

    @ddt.data(
        "",
        "path-v1",
        "path-v1:",
        "path-v1:DemoX",
        "path-v1:DemoX+DS101",
        "path-v1:DemoX+DS101+2026+A+B",
        "path-v1:DemoX++2026",
        "path-v1:+DS101+2026",
        "path-v1:DemoX+DS101+2026+",
        "path-v1:Demo X+DS101+2026",
        "path-v1:DemoX+DS101+2026\n",
        "path-v1:DemoX/DS101/2026",
        "path-v1:DemoX+DS101+20?6",
        "path-v1:" + "D" * 240 + "+DS101+2026",
        "path-v1:" + "D" * 240 + "+DS101+2026+A",
        "path-v1:DemoX++2026+A",
        "path-v1:Demo\0X+DS101+2026+A",
        "path-v1:Demo\ud800X+DS101+2026+A",
        "course-v1:DemoX+DS101+2026",
        "path-v2:DemoX+DS101+2026",
        None,
    )
    def test_malformed(self, text: str) -> None:
        with self.assertRaises(InvalidKeyError):
            LearningPathKey.from_string(text)

    def test_the_constructor_checks_too(self) -> None:
        with self.assertRaises(InvalidKeyError):
            LearningPathKey("DemoX", "DS+101", "2026")
        with self.assertRaises(InvalidKeyError):
            LearningPathKey("DemoX", "DS101", "2026", "")
        with self.assertRaises(InvalidKeyError):
            LearningPathKey("DemoX", "DS101", "2026").replace(org="")

    def test_it_is_registered_as_a_learning_context_but_is_no_course(self) -> None:
        key = LearningContextKey.from_string("path-v1:DemoX+DS101+2026")
        assert key == LearningPathKey("DemoX", "DS101", "2026")
        assert not key.is_course
        with self.assertRaises(InvalidKeyError):
            CourseKey.from_string("path-v1:DemoX+DS101+2026")

    def test_form_field(self) -> None:
        field = LearningPathKeyFormField()
        assert field.clean(" path-v1:DemoX+DS101+2026+A ") == LearningPathKey("DemoX", "DS101", "2026", "A")
        assert LearningPathKeyFormField(required=False).clean("") is None
        with self.assertRaisesMessage(ValidationError, "Enter a key such as path-v1:Org+Number+Run"):
            field.clean("path-v1:DemoX")


class LearningPathKeyFieldTests(TestCase):
    """The model field stores, loads and finds keys."""

    def test_stored_and_loaded(self) -> None:
        make_path("path-v1:DemoX+WEB+2026+A")
        path = LearningPath.objects.get(key="path-v1:DemoX+WEB+2026+A")
        assert path.key == LearningPathKey("DemoX", "WEB", "2026", "A")

    def test_a_path_of_0_5_0_is_loaded_whatever_its_key_but_no_form_makes_another(self) -> None:
        make_path("path-v1:Open Craft+100 %+2026/27+Größe M")
        path = LearningPath.objects.get(key="path-v1:Open Craft+100 %+2026/27+Größe M")
        assert (path.key.org, path.key.group, path.key.is_plain) == ("Open Craft", "Größe M", False)
        field = LearningPath._meta.get_field("key").formfield()
        assert field.clean("path-v1:OpenCraft+100+2026+M").is_plain
        with self.assertRaisesMessage(ValidationError, "Enter a key such as path-v1:Org+Number+Run"):
            field.clean("path-v1:Open Craft+100+2026+M")

    def test_malformed_is_never_stored(self) -> None:
        with self.assertRaises(ValidationError):
            make_path("path-v1:DemoX")

    def test_what_is_read_again_is_not_parsed_again(self) -> None:
        path = make_path("path-v1:DemoX+ONCE+2026")
        LearningPathStep.objects.create(learning_path=path, course_key="course-v1:DemoX+ONCE+2026")
        path_keys = [LearningPath.objects.values_list("key", flat=True).get() for _ in range(2)]
        course_keys = [LearningPathStep.objects.get().course_key for _ in range(2)]
        assert path_keys[0] is path_keys[1]
        assert course_keys[0] is course_keys[1]
        assert course_keys[0] == CourseKey.from_string("course-v1:DemoX+ONCE+2026")
