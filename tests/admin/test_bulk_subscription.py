"""The bulk form within a subscription, and with course runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from learning_paths import api
from learning_paths.admin import bulk_form
from learning_paths.exceptions import LicensesUnavailable
from learning_paths.licensing.plans import PlanBackend
from learning_paths.models import BulkEnrollmentJob, SubscriptionPlan
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.admin.base import AdminTestCase, admin_url, confirm_fields, texts
from tests.factories import make_path, make_user

DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"
ADD = admin_url("bulkenrollmentjob", "add")
MAY_ENROLL = ["add_bulkenrollmentjob", "add_learningpathenrollment"]


class SubscriptionFormCase(AdminTestCase):
    """A plan that covers the path with its course run, and another path and course run that it does not cover."""

    def setUp(self) -> None:
        super().setUp()
        CourseRun.objects.create(course_key=DS, display_name="Data Science")
        CourseRun.objects.create(course_key=WEB, display_name="Web")
        self.path = make_path(display_name="Data Science 101")
        self.path.steps.create(course_key=DS)
        self.other = make_path("path-v1:DemoX+WEB+2026", display_name="Web 101")
        make_user("ana", email="ana@x.org")
        make_user("ben", email="ben@x.org")

    def make_plan(self) -> SubscriptionPlan:
        now = timezone.now()
        plan = SubscriptionPlan.objects.create(
            title="Autumn <b>", start_date=now - timedelta(1), expiration_date=now + timedelta(1), num_licenses=9
        )
        plan.learning_paths.add(self.path)
        api.assign_licenses(plan, "ana@x.org new@x.org", acting_user=self.sam)
        return plan

    def send(self, **fields: Any) -> Any:
        return self.client.post(ADD, {"operation": "enroll", "reason": "Cohort", **fields})

    def errors_of(self, response: Any) -> dict[str, list[str]]:
        assert response.status_code == 200
        return {name: list(map(str, found)) for name, found in response.context["form"].errors.items()}


class CourseRunTests(SubscriptionFormCase):
    """Course runs without a subscription."""

    def test_learners_are_enrolled_in_course_runs(self) -> None:
        response = self.send(course_keys=[DS, WEB], emails="ana@x.org")
        job = BulkEnrollmentJob.objects.get()
        page = self.client.get(response["Location"])
        self.assertContains(page, WEB)
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(admin_url("bulkenrollmentjob", "confirm", job.pk), confirm_fields(job))
        assert CourseEnrollment.objects.filter(user__username="ana").count() == 2

    def test_the_way_back_keeps_them_by_name(self) -> None:
        self.send(course_keys=[DS], emails="ana@x.org")
        job = BulkEnrollmentJob.objects.get()
        page = self.client.get(admin_url("bulkenrollmentjob", "edit", job.pk))
        self.assertContains(page, f"Data Science ({DS})")

    def test_a_malformed_key_is_an_error(self) -> None:
        assert "course_keys" in self.errors_of(self.send(course_keys=["nope"], emails="ana@x.org"))

    def test_nobody_is_unenrolled_from_course_runs(self) -> None:
        form = self.client.get(f"{ADD}?operation=unenroll").context["form"]
        assert not {"course_keys", "subscription"} & set(form.fields)


class ChoosingTests(SubscriptionFormCase):
    """Which subscription?"""

    def test_nothing_is_asked_where_there_are_no_plans(self) -> None:
        assert "subscription" not in self.client.get(ADD).context["form"].fields

    def test_a_current_plan_can_be_chosen_or_none(self) -> None:
        plan = self.make_plan()
        response = self.client.get(ADD)
        choices = list(response.context["form"].fields["subscription"].choices)
        assert choices == [("", "No subscription"), (str(plan.uuid), "Autumn <b>")]
        self.assertNotContains(response, "Autumn <b>")
        SubscriptionPlan.objects.update(is_active=False)
        assert "subscription" not in self.client.get(ADD).context["form"].fields

    def test_what_was_typed_survives_the_choice(self) -> None:
        plan = self.make_plan()
        response = self.send(
            _choose_subscription="Choose",
            subscription=str(plan.uuid),
            learning_paths=[self.path.pk],
            emails="ana@x.org\nnope",
            role="scholar",
            file=SimpleUploadedFile("class.csv", b"ben@x.org\n"),
        )
        form = response.context["form"]
        assert form.errors == {}
        assert (form["emails"].value(), form["role"].value()) == ("ana@x.org\nnope", "scholar")
        self.assertContains(response, "Keep the file class.csv")
        assert [str(path) for _value, path in form.fields["learning_paths"].choices] == [str(self.path)]
        assert [value for value, _name in form.fields["course_keys"].choices] == [DS]
        assert [value for value, _name in form.fields["holders"].choices] == ["ana@x.org", "new@x.org"]
        self.assertContains(response, "Everybody with a valid license (2)")

    def test_who_may_not_do_without_must_choose(self) -> None:
        plan = self.make_plan()
        self.log_in_with("view_learningpath", *MAY_ENROLL)
        fields = {"learning_paths": [self.path.pk], "emails": "ana@x.org"}
        assert "subscription" in self.errors_of(self.send(**fields))
        assert "subscription" in self.errors_of(self.send(**fields, subscription=""))
        assert "subscription" in self.errors_of(self.send(**fields, subscription=str(uuid4())))
        assert not BulkEnrollmentJob.objects.exists()
        assert self.send(**fields, subscription=str(plan.uuid)).status_code == 302

    def test_who_may_do_without_need_not_choose(self) -> None:
        self.make_plan()
        self.log_in_with("view_learningpath", "enroll_without_subscription", *MAY_ENROLL)
        assert self.send(learning_paths=[self.other.pk], emails="ben@x.org").status_code == 302

    def test_a_service_that_is_down_is_told(self) -> None:
        with patch.object(PlanBackend, "plans_for", side_effect=LicensesUnavailable):
            response = self.client.get(ADD)
        assert texts(response) == [str(LicensesUnavailable())]

    def test_without_knowing_of_plans_only_those_go_on_who_may_do_without(self) -> None:
        self.log_in_with("view_learningpath", *MAY_ENROLL)
        with patch.object(PlanBackend, "plans_for", side_effect=LicensesUnavailable):
            response = self.send(learning_paths=[self.path.pk], emails="ana@x.org")
        assert response.status_code == 200
        assert not BulkEnrollmentJob.objects.exists()


class GatedTests(SubscriptionFormCase):
    """A form within a subscription."""

    def setUp(self) -> None:
        super().setUp()
        self.plan = self.make_plan()

    def draft(self, **fields: Any) -> BulkEnrollmentJob:
        response = self.send(subscription=str(self.plan.uuid), **fields)
        assert response.status_code == 302, self.errors_of(response)
        return BulkEnrollmentJob.objects.latest("pk")

    def rows(self, job: BulkEnrollmentJob) -> list[tuple[str, str]]:
        return list(job.rows.order_by("pk").values_list("email", "planned"))

    def test_the_unlicensed_are_named_in_the_preview_and_not_enrolled(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], course_keys=[DS], emails="ana@x.org ben@x.org")
        assert self.rows(job) == [("ben@x.org", "unlicensed"), ("ana@x.org", "enrolled"), ("ana@x.org", "enrolled")]
        page = self.client.get(admin_url("bulkenrollmentjob", "change", job.pk))
        self.assertContains(page, "The address has no valid license of the subscription.")
        self.assertContains(page, "not valid, licensed or covered")
        self.assertContains(page, "Autumn &lt;b&gt;")

    def test_holders_are_picked(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], holders=["new@x.org"], emails="ana@x.org")
        assert self.rows(job) == [("ana@x.org", "enrolled"), ("new@x.org", "invited")]
        assert job.typed == "ana@x.org\nnew@x.org"

    def test_everybody_is_picked(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], everybody="on")
        assert self.rows(job) == [("ana@x.org", "enrolled"), ("new@x.org", "invited")]

    def test_who_is_typed_beside_everybody_is_not_forgotten(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], everybody="on", emails="ben@x.org nope")
        assert self.rows(job) == [
            ("nope", "invalid_email"),
            ("ben@x.org", "unlicensed"),
            ("ana@x.org", "enrolled"),
            ("new@x.org", "invited"),
        ]

    def test_a_plan_in_the_address_is_chosen_in_the_form(self) -> None:
        page = self.client.get(f"{ADD}?subscription={self.plan.uuid}")
        self.assertContains(page, f'<option value="{self.plan.uuid}" selected>')

    def test_many_holders_are_not_listed_one_by_one(self) -> None:
        with patch.object(bulk_form, "MOST_HOLDERS", 1):
            form = self.client.get(f"{ADD}?subscription={self.plan.uuid}").context["form"]
        assert "holders" not in form.fields
        assert "everybody" in form.fields

    def test_what_is_not_covered_is_not_offered(self) -> None:
        fields = {"subscription": str(self.plan.uuid), "emails": "ana@x.org"}
        assert "learning_paths" in self.errors_of(self.send(**fields, learning_paths=[self.other.pk]))

    def test_what_is_not_covered_and_typed_all_the_same_is_named(self) -> None:
        job = self.draft(path_keys=str(self.other.key), emails="ana@x.org")
        [row] = job.rows.all()
        assert (row.planned, row.unknown_path) == ("uncovered", str(self.other.key))
        assert self.client.get(admin_url("bulkenrollmentjob", "change", job.pk)).status_code == 200

    def test_everybody_unlicensed_is_a_preview_too(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], emails="ben@x.org")
        page = self.client.get(admin_url("bulkenrollmentjob", "change", job.pk))
        self.assertContains(page, "Nothing would change for anybody.")

    def test_a_plan_that_ended_meanwhile_is_an_error(self) -> None:
        SubscriptionPlan.objects.update(expiration_date=timezone.now() - timedelta(hours=1))
        response = self.send(subscription=str(self.plan.uuid), learning_paths=[self.path.pk], emails="ana@x.org")
        assert response.status_code == 200
        assert not BulkEnrollmentJob.objects.exists()

    def test_the_way_back_is_within_the_subscription(self) -> None:
        job = self.draft(learning_paths=[self.path.pk], emails="ana@x.org")
        form = self.client.get(admin_url("bulkenrollmentjob", "edit", job.pk)).context["form"]
        assert str(form["subscription"].value()) == str(self.plan.uuid)
        assert "holders" in form.fields
