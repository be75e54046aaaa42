"""The steps of a path, and the search for their course runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import ddt

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathStep
from sandbox.courses.models import CourseRun
from tests.admin.base import AdminTestCase, admin_url
from tests.admin.test_learning_path_admin import inline_errors, path_form
from tests.factories import make_path

SEARCH = "/admin/learning_paths/learningpath/course-runs/"
DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"
GONE = "course-v1:DemoX+GONE+2020"
START, END = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


class StepTestCase(AdminTestCase):
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path(display_name="Data Science")
        CourseRun.objects.create(course_key=DS, display_name="Data Science", start=START, end=END)
        CourseRun.objects.create(course_key=WEB, display_name="Web Basics")

    @property
    def change(self) -> str:
        return admin_url("learningpath", "change", self.path.pk)

    def save(self, *rows: dict[str, Any]) -> Any:
        steps: dict[str, Any] = {
            "steps-TOTAL_FORMS": len(rows),
            "steps-INITIAL_FORMS": sum("id" in row for row in rows),
        }
        for number, row in enumerate(rows):
            row = {"weight": "1.0", "learning_path": self.path.pk, **row}
            steps |= {f"steps-{number}-{name}": value for name, value in row.items()}
        return self.client.post(self.change, path_form(**steps))

    def add_step(self, key: str, **fields: Any) -> LearningPathStep:
        return LearningPathStep.objects.create(learning_path=self.path, course_key=key, **fields)


@ddt.ddt
class StepFormTest(StepTestCase):
    def test_a_run_that_the_platform_knows_becomes_a_step(self) -> None:
        assert self.save({"course_key": DS, "order": "1"}).status_code == 302
        step = self.path.steps.get()
        assert (str(step.course_key), step.order) == (DS, 1)

    def test_a_run_that_the_platform_does_not_know_is_refused_and_stays_in_the_form(self) -> None:
        response = self.save({"course_key": DS}, {"course_key": GONE, "order": "7"})
        assert inline_errors(response, "steps") == [
            {},
            {"course_key": [f"The platform has no course run with the key {GONE}."]},
        ]
        self.assertContains(response, f'<option value="{GONE}" selected>{GONE}</option>', html=True)
        self.assertContains(response, "Data Science (course-v1:DemoX+DS+2026), Jan. 5, 2026 to June 1, 2026</option>")
        self.assertContains(response, 'value="7"')
        assert not self.path.steps.exists()

    @ddt.data(DS.upper(), "course-v1:demox+ds+2026", DS + "+branch@draft")
    def test_a_run_by_nearly_that_name_is_unknown(self, key: str) -> None:
        (row,) = inline_errors(self.save({"course_key": key}), "steps")
        assert list(row) == ["course_key"]

    def test_a_malformed_key_is_an_error_of_its_field(self) -> None:
        for key in ("nonsense", "course-v1:DemoX", "path-v1:DemoX+DS101+2026", "<script>no", "x" * 300, "a\0b"):
            response = self.save({"course_key": key})
            (row,) = inline_errors(response, "steps")
            assert list(row) == ["course_key"], key
            self.assertNotContains(response, "<script>no")

    def test_a_row_without_a_run_is_asked_for_one(self) -> None:
        (row,) = inline_errors(self.save({"course_key": "", "order": "1"}), "steps")
        assert row == {"course_key": ["This field is required."]}

    def test_a_row_that_nobody_filled_in_is_left_out(self) -> None:
        assert self.save({"course_key": ""}).status_code == 302
        assert not self.path.steps.exists()

    @ddt.data("0", "0.5")
    def test_a_step_may_weigh_nothing(self, weight: str) -> None:
        assert self.save({"course_key": DS, "weight": weight}).status_code == 302
        assert self.path.steps.get().weight == float(weight)

    @ddt.data("-0.5", "nan", "1e400", "")
    def test_a_weight_that_none_can_be_is_an_error_of_its_field(self, weight: str) -> None:
        (row,) = inline_errors(self.save({"course_key": DS, "weight": weight}), "steps")
        assert list(row) == ["weight"]

    @ddt.data("-1", "1.5", "x", "9" * 30)
    def test_a_place_that_none_can_be_is_an_error_of_its_field(self, order: str) -> None:
        response = self.save({"course_key": DS, "order": order})
        (row,) = inline_errors(response, "steps")
        assert list(row) == ["order"]
        self.assertContains(response, row["order"][0])

    def test_a_step_keeps_a_run_that_the_platform_lost(self) -> None:
        step = self.add_step(GONE)
        row = {"id": step.pk, "course_key": GONE, "order": "3"}
        assert self.save(row).status_code == 302
        assert self.path.steps.get().order == 3
        (errors,) = inline_errors(self.save(row | {"course_key": "course-v1:DemoX+ALSO+GONE"}), "steps")
        assert list(errors) == ["course_key"]

    def test_a_step_with_a_run_that_the_platform_lost_can_be_removed(self) -> None:
        step = self.add_step(GONE)
        assert self.save({"id": step.pk, "course_key": GONE, "DELETE": "on"}).status_code == 302
        assert not self.path.steps.exists()

    def test_a_run_is_a_step_once(self) -> None:
        response = self.save({"course_key": DS}, {"course_key": DS})
        self.assertContains(response, "A course run can be a step of a learning path only once.")
        assert not self.path.steps.exists()

    def test_the_form_shows_steps_by_name_in_their_order(self) -> None:
        self.add_step(GONE)
        self.add_step(WEB, order=2)
        self.add_step(DS, order=1)
        page = self.client.get(self.change)
        content = page.content.decode()
        labels = [
            f"Data Science ({DS}), Jan. 5, 2026 to June 1, 2026</option>",
            f"Web Basics ({WEB})</option>",
            f"{GONE}</option>",
        ]
        places = [content.index(label) for label in labels]
        assert places == sorted(places)

    @ddt.data(1, 20)
    def test_all_rows_are_one_question_to_the_platform(self, count: int) -> None:
        for number in range(count):
            key = f"course-v1:DemoX+N{number}+2026"
            CourseRun.objects.create(course_key=key, display_name=f"N{number}")
            self.add_step(key)
        rows = [
            {"id": step.pk, "course_key": WEB if i == 0 else str(step.course_key)}
            for i, step in enumerate(self.path.steps.all())
        ]
        with mock.patch.object(api, "get_course_runs", wraps=api.get_course_runs) as asked:
            self.client.get(self.change)
            assert asked.call_count == 1
            assert self.save(*rows, {"course_key": GONE}).status_code == 200
            assert asked.call_count == 2

    def test_a_form_without_steps_asks_nothing(self) -> None:
        with mock.patch.object(api, "get_course_runs", wraps=api.get_course_runs) as asked:
            self.client.get(self.change)
            assert self.save().status_code == 302
        assert asked.call_count == 0

    def test_each_field_of_a_row_has_a_name_for_those_who_do_not_see_the_table(self) -> None:
        self.add_step(DS)
        page = self.client.get(self.change)
        for name, label in (("order", "Order"), ("weight", "Weight"), ("DELETE", "Delete")):
            (found,) = re.findall(f'<input[^>]* name="steps-0-{name}"[^>]*>', page.content.decode())
            assert f'aria-label="{label}"' in found
        self.assertNotContains(page, 'aria-label=""')

    def test_the_widget_is_the_one_that_the_admin_has_a_script_for(self) -> None:
        self.add_step(DS)
        page = self.client.get(self.change)
        self.assertContains(page, f'data-ajax--url="{SEARCH}"')
        self.assertContains(page, "admin/js/autocomplete.js")
        self.assertContains(page, "select2.full")


@ddt.ddt
class CourseRunSearchTest(StepTestCase):
    def search(self, **query: Any) -> Any:
        response = self.client.get(SEARCH, query)
        assert response.status_code == 200
        return response.json()

    def test_runs_are_found_by_letters_of_name_and_key(self) -> None:
        web = {"id": WEB, "text": f"Web Basics ({WEB})"}
        assert self.search(term="web bas") == {"results": [web], "pagination": {"more": False}}
        assert self.search(term="+WEB+20") == {"results": [web], "pagination": {"more": False}}
        assert self.search(term="nothing")["results"] == []

    @ddt.data(
        (START, END, ", Jan. 5, 2026 to June 1, 2026"),
        (START, None, ", from Jan. 5, 2026"),
        (None, END, ", until June 1, 2026"),
        (None, None, ""),
    )
    @ddt.unpack
    def test_the_dates_are_told_as_far_as_they_are_known(self, start: Any, end: Any, text: str) -> None:
        CourseRun.objects.filter(course_key=DS).update(start=start, end=end)
        (found,) = self.search(term="science")["results"]
        assert found["text"] == f"Data Science ({DS}){text}"

    def test_results_come_in_pages(self) -> None:
        for number in range(41):
            CourseRun.objects.create(course_key=f"course-v1:Many+N{number:02}+2026", display_name=f"N{number:02}")
        pages = [self.search(term="many", page=page) for page in ("1", "2", "3", "4")]
        assert [len(page["results"]) for page in pages] == [20, 20, 1, 0]
        assert [page["pagination"]["more"] for page in pages] == [True, True, False, False]
        names = [result["text"][:3] for page in pages for result in page["results"]]
        assert names == [f"N{number:02}" for number in range(41)]

    def test_any_page_is_answered(self) -> None:
        for page in ("", "x", "-1", "0", "1.5", "9" * 30, "9" * 5000, "²", "\0"):
            self.search(term="", page=page)

    def test_any_term_is_answered(self) -> None:
        for term in ("\0", "%", "'", "a " * 5000, "x" * 5000, "🙂"):
            self.search(term=term)

    @ddt.data("view_learningpath", "change_learningpath", "add_learningpath")
    def test_who_may_see_or_fill_in_the_form_may_search(self, permission: str) -> None:
        self.log_in_with(permission)
        assert self.search(term="web")["results"]

    def test_others_may_not(self) -> None:
        self.log_in_with("view_learningpathenrollment")
        assert self.client.get(SEARCH).status_code == 403
        self.client.logout()
        assert self.client.get(SEARCH).status_code == 302
