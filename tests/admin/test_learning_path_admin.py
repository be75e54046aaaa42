"""The list and the form of the learning paths."""

from __future__ import annotations

from typing import Any

import ddt
from django.contrib.auth.models import User

from learning_paths import api
from learning_paths.models import (
    AcquiredSkill,
    LearningPath,
    LearningPathGradingCriteria,
    LearningPathStep,
    RequiredSkill,
    Skill,
)
from tests.admin.base import AdminTestCase, admin_url, errors, texts
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/learningpath/"
INLINES = ["steps", "requiredskill_set", "acquiredskill_set", "grading_criteria"]


def path_form(**fields: Any) -> dict[str, Any]:
    """Return what the form of a path sends, without any row in the inlines unless ``fields`` says so."""
    data: dict[str, Any] = {"display_name": "Data Science", "key": "path-v1:DemoX+DS101+2026"}
    data["course_enrollment"] = "none"
    for inline in INLINES:
        data |= {f"{inline}-TOTAL_FORMS": 0, f"{inline}-INITIAL_FORMS": 0}
    return data | fields


def inline_errors(response: Any, prefix: str) -> list[dict[str, list[str]]]:
    """Return the errors of the rows of an inline."""
    (formset,) = [
        inline.formset for inline in response.context["inline_admin_formsets"] if inline.formset.prefix == prefix
    ]
    return [dict(row) for row in formset.errors]


@ddt.ddt
class PathFormTest(AdminTestCase):
    def add(self, **fields: Any) -> Any:
        return self.client.post(admin_url("learningpath", "add"), path_form(**fields), follow=True)

    def test_a_path_is_added_and_changed_but_keeps_its_key(self) -> None:
        self.add()
        path = LearningPath.objects.get()
        change = admin_url("learningpath", "change", path.pk)
        page = self.client.get(change)
        assert "key" in page.context["adminform"].readonly_fields
        self.assertContains(page, str(path.uuid))
        self.client.post(change, path_form(display_name="Data", key="path-v1:Other+DS101+2026", invite_only="on"))
        changed = LearningPath.objects.get()
        assert (changed.display_name, changed.invite_only) == ("Data", True)
        assert str(changed.key) == "path-v1:DemoX+DS101+2026"
        assert changed.uuid == path.uuid

    def test_a_malformed_key_is_an_error_of_its_field(self) -> None:
        course = "course-v1:DemoX+DS101+2026"
        for key in ("DemoX+DS101", "path-v1:DemoX", course, "path-v1:a+b+c d", "path-v1:" + "x" * 300):
            response = self.add(key=key)
            assert response.status_code == 200
            assert list(errors(response)) == ["key"], key
            self.assertContains(response, 'value="Data Science"')
        assert not LearningPath.objects.exists()

    def test_a_key_is_taken_once(self) -> None:
        make_path("path-v1:DemoX+DS101+2026")
        assert list(errors(self.add(key="path-v1:DemoX+DS101+2026"))) == ["key"]

    def test_skills_are_rows_of_the_form(self) -> None:
        algebra, statistics = (Skill.objects.create(display_name=name) for name in ("Algebra", "Statistics"))
        self.add(
            **{
                "requiredskill_set-TOTAL_FORMS": 1,
                "requiredskill_set-0-skill": algebra.pk,
                "acquiredskill_set-TOTAL_FORMS": 1,
                "acquiredskill_set-0-skill": statistics.pk,
                "acquiredskill_set-0-level": 3,
            }
        )
        assert RequiredSkill.objects.get().skill == algebra
        assert (AcquiredSkill.objects.get().skill, AcquiredSkill.objects.get().level) == (statistics, 3)

    @ddt.data("-1", "1.5", "x", "9" * 30)
    def test_a_level_that_none_can_be_is_an_error_of_its_field(self, level: str) -> None:
        row = {"TOTAL_FORMS": 1, "0-skill": Skill.objects.create(display_name="Algebra").pk, "0-level": level}
        response = self.add(**{f"requiredskill_set-{name}": value for name, value in row.items()})
        assert [list(row) for row in inline_errors(response, "requiredskill_set")] == [["level"]]
        assert not LearningPath.objects.exists()

    def test_no_path_has_a_number_that_is_too_large(self) -> None:
        for page in ("change", "delete"):
            response = self.client.get(admin_url("learningpath", page, "9" * 30), follow=True)
            assert "Perhaps it was deleted?" in texts(response)[0]

    def add_with_criteria(self, completion: str, grade: str) -> Any:
        return self.add(
            **{
                "grading_criteria-TOTAL_FORMS": 1,
                "grading_criteria-0-required_completion": completion,
                "grading_criteria-0-required_grade": grade,
            }
        )

    @ddt.data(("0.8", "0.75"), ("0", "1"))
    @ddt.unpack
    def test_criteria_are_shares(self, completion: str, grade: str) -> None:
        """Also the ones that are left at the defaults: whoever adds the row wants it."""
        self.add_with_criteria(completion, grade)
        criteria = LearningPathGradingCriteria.objects.get()
        assert (criteria.required_completion, criteria.required_grade) == (float(completion), float(grade))

    @ddt.data("-0.1", "1.01", "80", "1e400", "nan")
    def test_criteria_beyond_the_whole_are_refused(self, share: str) -> None:
        response = self.add_with_criteria(share, "0.5")
        (row,) = inline_errors(response, "grading_criteria")
        assert list(row) == ["required_completion"]
        assert not LearningPath.objects.exists()
        if share == "80":
            self.assertContains(response, "Enter a share from 0 to 1, such as 0.75 for 75 %.")

    def test_there_is_no_second_set_of_criteria(self) -> None:
        page = self.client.get(admin_url("learningpath", "add"))
        (formset,) = [i.formset for i in page.context["inline_admin_formsets"] if i.formset.prefix == INLINES[3]]
        assert formset.max_num == 1


class PathListTest(AdminTestCase):
    ana: User
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path("path-v1:DemoX+DS101+2026", display_name="Data Science", invite_only=True)
        make_path("path-v1:Other_X+WEB+2026+A", display_name="Web Development", level="beginner")

    def found(self, query: str) -> list[str]:
        response = self.client.get(f"{LIST}?{query}")
        assert response.status_code == 200
        return [path.display_name for path in response.context["cl"].result_list]

    def test_learners_steps_and_invitations_are_counted_apart(self) -> None:
        for number in range(3):
            api.enroll(make_user(f"learner{number}"), self.path, acting_user=self.sam)
        gone = make_user("gone")
        api.enroll(gone, self.path, acting_user=self.sam)
        api.unenroll(gone, self.path, acting_user=self.sam)
        for name in ("dan", "eve"):
            api.invite(f"{name}@example.org", self.path, acting_user=self.sam)
        api.withdraw_invitation("eve@example.org", self.path, acting_user=self.sam)
        for run in "ABCDE":
            LearningPathStep.objects.create(learning_path=self.path, course_key=f"course-v1:DemoX+{run}+2026")
        row = self.client.get(f"{LIST}?q=DS101").context["cl"].result_list[0]
        assert (row.steps_count, row.active_learners, row.pending_invitations) == (5, 3, 1)

    def test_paths_are_found_by_letters_of_name_and_key(self) -> None:
        assert self.found("q=data+sci") == ["Data Science"]
        assert self.found("q=ds101") == ["Data Science"]
        assert self.found("q=path-v1:Other_X%2BWEB") == ["Web Development"]
        assert self.found("q=nothing") == []

    def test_filters(self) -> None:
        assert self.found("level__exact=beginner") == ["Web Development"]
        assert self.found("invite_only__exact=1") == ["Data Science"]
        assert self.found("sequential__exact=1") == []
        assert self.found("org=demox") == ["Data Science"]
        assert self.found("org=other_x") == ["Web Development"]
        assert self.found("org=other%25") == []
        assert self.found("org=otherZx") == []

    def test_the_list_can_be_sorted_by_what_is_counted(self) -> None:
        api.enroll(make_user("ana"), self.path, acting_user=self.sam)
        assert self.found("o=-7") == ["Data Science", "Web Development"]
        assert self.found("o=7") == ["Web Development", "Data Science"]

    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        few = self.count_queries(LIST)
        for number in range(30):
            path = make_path(f"path-v1:DemoX+N{number}+2026")
            LearningPathStep.objects.create(learning_path=path, course_key="course-v1:DemoX+A+2026")
            api.invite(f"dan{number}@example.org", path, acting_user=self.sam)
        assert self.count_queries(LIST) == few


class PathDeletionTest(AdminTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data Science")
        LearningPathStep.objects.create(learning_path=self.path, course_key="course-v1:DemoX+A+2026")

    def delete(self) -> Any:
        return self.client.post(admin_url("learningpath", "delete", self.path.pk), {"post": "yes"}, follow=True)

    def delete_selected(self, **fields: Any) -> Any:
        data = {"action": "delete_selected", "_selected_action": [self.path.pk], **fields}
        return self.client.post(LIST, data, follow=True)

    def test_a_path_without_learners_is_deleted(self) -> None:
        self.assertContains(self.client.get(admin_url("learningpath", "delete", self.path.pk)), "Are you sure")
        self.delete()
        assert not LearningPath.objects.exists()

    def test_paths_without_learners_are_deleted_together(self) -> None:
        self.assertContains(self.client.get(LIST), "Delete selected learning paths")
        self.assertContains(self.delete_selected(), "Are you sure")
        self.delete_selected(post="yes")
        assert not LearningPath.objects.exists()

    def test_a_path_with_a_learner_stays_and_the_page_says_why(self) -> None:
        ana = make_user("ana")
        api.enroll(ana, self.path, acting_user=self.sam)
        api.unenroll(ana, self.path, acting_user=self.sam)
        for response in (self.delete(), self.delete_selected(), self.delete_selected(post="yes")):
            (text,) = texts(response)
            assert text.startswith("Nothing was deleted. There are enrollments in Data Science (path-v1:DemoX+DS101")
        assert LearningPath.objects.exists()

    def test_an_invitation_is_a_learner_to_be(self) -> None:
        api.invite("dan@example.org", self.path, acting_user=self.sam)
        assert texts(self.delete())
        assert LearningPath.objects.exists()

    def test_of_many_paths_some_are_named(self) -> None:
        paths = [make_path(f"path-v1:DemoX+N{number:02}+2026", display_name=f"N{number:02}") for number in range(12)]
        for path in paths:
            api.invite("dan@example.org", path, acting_user=self.sam)
        (text,) = texts(self.delete_selected(_selected_action=[path.pk for path in paths]))
        assert "N09 (" in text
        assert "N10 (" not in text
        assert "…" in text

    def test_without_the_permission_there_is_no_page(self) -> None:
        api.invite("dan@example.org", self.path, acting_user=self.sam)
        self.log_in_with("view_learningpath", "change_learningpath")
        assert self.client.get(admin_url("learningpath", "delete", self.path.pk)).status_code == 403
        assert self.client.get(admin_url("learningpath", "delete", 999), follow=True).status_code == 403


class PathPermissionTest(AdminTestCase):
    def test_who_may_only_view_sees_and_can_not_send(self) -> None:
        path = make_path(display_name="Data Science")
        LearningPathStep.objects.create(learning_path=path, course_key="course-v1:DemoX+A+2026")
        self.log_in_with("view_learningpath", "view_learningpathstep")
        change = admin_url("learningpath", "change", path.pk)
        page = self.client.get(change)
        self.assertContains(page, "Data Science")
        self.assertContains(page, "course-v1:DemoX+A+2026")
        self.assertNotContains(page, 'name="_save"')
        self.assertNotContains(page, 'name="display_name"')
        assert self.client.post(change, path_form(display_name="Mine")).status_code == 403
        assert self.client.get(admin_url("learningpath", "add")).status_code == 403

    def test_a_path_leads_to_its_enrollments_and_invitations_for_who_may_see_them(self) -> None:
        path = make_path()
        other = make_path("path-v1:DemoX+WEB+2026")
        api.enroll(make_user("ana"), path, acting_user=None)
        api.enroll(make_user("ben"), other, acting_user=None)
        api.invite("dan@example.org", path, acting_user=None)
        for model, shown in (("learningpathenrollment", "ana"), ("learningpathenrollmentallowed", "dan@example.org")):
            self.client.force_login(self.sam)
            link = f"{admin_url(model, 'changelist')}?learning_path__id__exact={path.pk}"
            self.assertContains(self.client.get(admin_url("learningpath", "change", path.pk)), link)
            found = self.client.get(link).context["cl"].result_list
            assert [shown in str(row) for row in found] == [True]
        self.log_in_with("view_learningpath")
        page = self.client.get(admin_url("learningpath", "change", path.pk))
        self.assertNotContains(page, "learning_path__id__exact")

    def test_who_has_no_permission_sees_nothing(self) -> None:
        self.log_in_with()
        assert self.client.get(LIST).status_code == 403
