"""The list of the course enrollments that follow those in paths, and the policy in the form of a path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from learning_paths import api
from learning_paths.models import LearningPath, StepEnrollment
from sandbox.courses.models import CourseEnrollment, CourseRun, ManualCourseEnrollmentAudit
from tests.admin.base import AdminTestCase, admin_url, errors, texts
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/stepenrollment/"
OPEN, CLOSED = "course-v1:DemoX+OPEN+2026", "course-v1:DemoX+CLOSED+2026"


class StepEnrollmentAdminTest(AdminTestCase):
    """Ana is enrolled in a path of an open course and a closed one."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data Science", course_enrollment=LearningPath.CourseEnrollment.ALL)
        for order, key in enumerate((OPEN, CLOSED)):
            CourseRun.objects.create(course_key=key)
            self.path.steps.create(course_key=key, order=order)
        self.close(timezone.now() - timedelta(days=1))
        self.enroll("ana")

    def close(self, moment: Any) -> None:
        CourseRun.objects.filter(course_key=CLOSED).update(enrollment_end=moment)

    def enroll(self, username: str) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            api.enroll(make_user(username), self.path, acting_user=None)

    def found(self, query: str = "") -> list[str]:
        return [str(row.course_key) for row in self.client.get(f"{LIST}?{query}").context["cl"].result_list]

    def try_again(self) -> Any:
        ids = list(StepEnrollment.objects.values_list("pk", flat=True))
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(LIST, {"action": "try_again", "_selected_action": ids}, follow=True)

    def test_the_list_tells_what_failed_and_why(self) -> None:
        page = self.client.get(LIST)
        self.assertContains(page, "failed<br>This course is not open for enrollment.", count=1)
        self.assertContains(page, "done<br>", count=1)
        enrollment = StepEnrollment.objects.all()[0].enrollment_id
        self.assertContains(page, f'<a href="{admin_url("learningpathenrollment", "change", enrollment)}">', count=2)

    def test_rows_are_found(self) -> None:
        other = make_path("path-v1:DemoX+WEB+2026")
        assert self.found() == [CLOSED, OPEN]
        assert self.found("state__exact=failed") == [CLOSED]
        assert self.found("state__exact=waiting") == []
        assert self.found(f"enrollment__learning_path__id__exact={self.path.pk}") == [CLOSED, OPEN]
        assert self.found(f"enrollment__learning_path__id__exact={other.pk}") == []
        for text in ("ANA@example", "ana", "DS101", "Data"):
            assert self.found(f"q={text}") == [CLOSED, OPEN], text
        assert self.found("q=closed") == [CLOSED]
        assert self.found("q=nobody") == []

    def test_the_selected_are_tried_again(self) -> None:
        page = self.try_again()
        assert texts(page) == [
            "1 course enrollment is tried again. The list shows what becomes of it.",
            "1 course enrollment was done already and was left alone.",
        ]
        assert CourseEnrollment.objects.count() == 1
        self.close(None)
        self.try_again()
        assert CourseEnrollment.objects.count() == 2
        assert ManualCourseEnrollmentAudit.objects.get().enrolled_by == self.sam
        assert texts(self.try_again()) == ["2 course enrollments were done already and were left alone."]

    def test_to_try_again_takes_the_permission_to_change(self) -> None:
        self.log_in_with("view_stepenrollment")
        assert self.found() == [CLOSED, OPEN]
        self.assertNotContains(self.client.get(LIST), "try_again")
        self.try_again()
        assert set(StepEnrollment.objects.values_list("attempts", flat=True)) == {1}

    def test_who_may_change_them_may_try_again_and_no_more(self) -> None:
        self.log_in_with("change_stepenrollment")
        assert "1 course enrollment is tried again." in texts(self.try_again())[0]

    def test_nobody_without_a_permission_gets_in(self) -> None:
        self.log_in_with("view_learningpathenrollment")
        assert self.client.get(LIST).status_code == 403

    def test_a_row_is_to_read(self) -> None:
        row = StepEnrollment.objects.get(course_key=CLOSED)
        change = admin_url("stepenrollment", "change", row.pk)
        page = self.client.get(change)
        self.assertContains(page, "This course is not open for enrollment.")
        self.assertContains(page, admin_url("learningpathenrollment", "change", row.enrollment_id))
        self.assertNotContains(page, 'name="_save"')
        assert self.client.post(change, {"state": "done"}).status_code == 403
        assert self.client.post(f"{LIST}add/").status_code == 403
        assert self.client.post(admin_url("stepenrollment", "delete", row.pk), {"post": "yes"}).status_code == 403
        self.assertNotContains(self.client.get(LIST), "delete_selected")

    def test_one_that_waits(self) -> None:
        api.enroll(make_user("ben"), self.path, acting_user=None)
        row = StepEnrollment.objects.latest("pk")
        self.assertContains(self.client.get(LIST), "waiting<br>", count=2)
        self.assertContains(self.client.get(admin_url("stepenrollment", "change", row.pk)), "waiting")

    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        few = self.count_queries(LIST)
        for number in range(10):
            self.enroll(f"learner{number}")
        assert self.count_queries(LIST) == few

    def test_the_page_of_the_path_leads_to_what_failed(self) -> None:
        change = admin_url("learningpath", "change", self.path.pk)
        page = self.client.get(change)
        self.assertContains(page, "1 enrollment in a course of this learning path failed.")
        failures = page.context["step_failures"]
        self.assertContains(page, failures.address.replace("&", "&amp;"))
        assert [str(row.course_key) for row in self.client.get(failures.address).context["cl"].result_list] == [CLOSED]
        self.close(None)
        self.try_again()
        self.assertNotContains(self.client.get(change), "course of this learning path failed")
        self.assertContains(self.client.get(change), f"{LIST}?enrollment__learning_path__id__exact={self.path.pk}")

    def test_the_page_of_the_path_tells_only_those_who_may_see_the_list(self) -> None:
        self.log_in_with("view_learningpath")
        page = self.client.get(admin_url("learningpath", "change", self.path.pk))
        self.assertNotContains(page, "course of this learning path failed")
        self.assertNotContains(page, LIST)


class PolicyFormTest(AdminTestCase):
    """The choice in the form of a path."""

    def test_a_new_path_enrolls_in_no_course_unless_one_says_so(self) -> None:
        add = admin_url("learningpath", "add")
        assert self.client.get(add).context["adminform"].form["course_enrollment"].value() == "none"
        self.client.post(add, path_form(course_enrollment="first"))
        assert LearningPath.objects.get().course_enrollment == "first"

    def test_a_choice_that_there_is_not(self) -> None:
        page = self.client.post(admin_url("learningpath", "add"), path_form(course_enrollment="last"))
        assert list(errors(page)) == ["course_enrollment"]
