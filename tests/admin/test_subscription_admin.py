"""The screens of the subscription plans and their licenses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import ddt
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import resolve
from django.utils import timezone

from learning_paths import api
from learning_paths.admin import addresses, assign_licenses
from learning_paths.data import LicenseCode, LicenseStatus
from learning_paths.models import License, SubscriptionPlan, SubscriptionPlanCourse
from sandbox.courses.models import CourseRun
from tests.admin.base import AdminTestCase, admin_url, errors, texts
from tests.factories import make_path, make_plan, make_user

PLANS = admin_url("subscriptionplan", "changelist")
LICENSES = admin_url("license", "changelist")
SEARCH = admin_url("subscriptionplan", "course_runs")
DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"


def plan_form(*keys: str, **fields: Any) -> dict[str, Any]:
    """What a browser sends for a plan that covers these course runs besides those of its paths."""
    form = {
        "title": "Spring",
        "org": "DemoX",
        "num_licenses": "50",
        "start_date_0": "2026-01-01",
        "start_date_1": "00:00:00",
        "expiration_date_0": "2030-01-01",
        "expiration_date_1": "00:00:00",
        "is_active": "on",
        "courses-TOTAL_FORMS": len(keys),
        "courses-INITIAL_FORMS": 0,
    }
    form |= {f"courses-{number}-course_key": key for number, key in enumerate(keys)}
    return {**form, **fields}


class PlanListTests(AdminTestCase):
    """The list of the plans."""

    def test_how_many_licenses_are_in_use(self) -> None:
        plan = make_plan(num_licenses=4)
        make_plan("Empty", num_licenses=0)
        api.assign_licenses(plan, "a@x.org b@x.org c@x.org", acting_user=None)
        api.revoke_license(plan, "a@x.org", acting_user=None)
        response = self.client.get(PLANS)
        self.assertContains(response, '<meter min="0" max="4" value="2" aria-label="Licenses in use">2 of 4</meter>')
        self.assertContains(response, "0 of 0")
        self.assertNotContains(response, 'style="')

    def test_costs_the_same_however_many_plans_there_are(self) -> None:
        make_plan()
        before = self.count_queries(PLANS)
        for number in range(10):
            api.assign_licenses(make_plan(str(number)), ["a@x.org"], acting_user=None)
        assert self.count_queries(PLANS) == before

    def test_filter_and_search(self) -> None:
        make_plan("Now")
        make_plan("Off", is_active=False)
        make_plan("Over", expiration_date=timezone.now(), org="Other")
        for query, found in (
            ("current=yes", {"Now"}),
            ("current=no", {"Off", "Over"}),
            ("org=Other", {"Over"}),
            ("q=off", {"Off"}),
            ("", {"Now", "Off", "Over"}),
        ):
            listed = self.client.get(f"{PLANS}?{query}").context["cl"].result_list
            assert {plan.title for plan in listed} == found


class PlanFormTests(AdminTestCase):
    """The form of a plan."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()
        CourseRun.objects.create(course_key=DS, display_name="Data Science")
        CourseRun.objects.create(course_key=WEB, display_name="Web Basics")

    def test_a_plan_with_what_it_covers(self) -> None:
        form = plan_form(DS, WEB, learning_paths=[self.path.pk])
        assert self.client.post(admin_url("subscriptionplan", "add"), form).status_code == 302
        plan = SubscriptionPlan.objects.get()
        assert (plan.title, plan.org, plan.num_licenses, plan.is_active) == ("Spring", "DemoX", 50, True)
        assert list(plan.learning_paths.all()) == [self.path]
        assert {str(course.course_key) for course in plan.courses.all()} == {DS, WEB}
        assert plan.history.get().history_user == self.sam

    def test_course_runs_that_are_unknown_or_named_twice_are_refused(self) -> None:
        for keys, problem in (
            (["course-v1:DemoX+NONE+2026"], "has no course run with the key"),
            ([DS, DS], "only once"),
            (["nonsense"], "Enter the key of a course run"),
        ):
            response = self.client.post(admin_url("subscriptionplan", "add"), plan_form(*keys))
            self.assertContains(response, problem)
        assert not SubscriptionPlan.objects.exists()

    def test_dates_in_the_wrong_order_are_refused(self) -> None:
        response = self.client.post(admin_url("subscriptionplan", "add"), plan_form(expiration_date_0="2025-01-01"))
        assert errors(response) == {"expiration_date": ["The plan must expire after it begins."]}

    def test_fewer_licenses_than_are_in_use_are_refused(self) -> None:
        plan = make_plan(num_licenses=5)
        api.assign_licenses(plan, "a@x.org b@x.org", acting_user=None)
        address = admin_url("subscriptionplan", "change", plan.pk)
        response = self.client.post(address, plan_form(num_licenses="1"))
        [problem] = errors(response)["num_licenses"]
        assert problem == "2 licenses are in use. Revoke some before you lower the number."
        assert self.client.post(address, plan_form(num_licenses="2")).status_code == 302
        plan.refresh_from_db()
        assert plan.num_licenses == 2

    def test_the_page_leads_to_the_licenses_and_to_assigning(self) -> None:
        plan = make_plan()
        SubscriptionPlanCourse.objects.create(subscription_plan=plan, course_key=DS)
        page = self.client.get(admin_url("subscriptionplan", "change", plan.pk))
        self.assertContains(page, f'href="{LICENSES}?subscription_plan__id__exact={plan.pk}"')
        self.assertContains(page, admin_url("subscriptionplan", "assign", plan.pk))
        self.assertContains(page, "0 of 50</meter>")
        self.assertContains(page, "Data Science (course-v1:DemoX+DS+2026)")
        self.assertNotContains(self.client.get(admin_url("subscriptionplan", "add")), "/assign/")

    def test_who_may_only_look_gets_no_button_to_assign(self) -> None:
        plan = make_plan()
        self.log_in_with("view_subscriptionplan")
        page = self.client.get(admin_url("subscriptionplan", "change", plan.pk))
        self.assertContains(page, "Spring")
        self.assertNotContains(page, "/assign/")
        self.assertNotContains(page, LICENSES)

    def test_a_plan_with_licenses_is_not_deleted(self) -> None:
        plan, empty = make_plan(), make_plan("Empty")
        api.assign_licenses(plan, "a@x.org", acting_user=None)
        for doomed, status in ((plan, 403), (empty, 302)):
            address = admin_url("subscriptionplan", "delete", doomed.pk)
            assert self.client.post(address, {"post": "yes"}).status_code == status
        assert list(SubscriptionPlan.objects.all()) == [plan]

    def test_the_search_for_course_runs_is_for_those_who_keep_plans(self) -> None:
        found = self.client.get(SEARCH, {"term": "web"}).json()["results"]
        assert [run["id"] for run in found] == [WEB]
        self.log_in_with("view_subscriptionplan")
        assert self.client.get(SEARCH).status_code == 200

    def test_the_search_is_closed_to_others(self) -> None:
        self.log_in_with("view_license")
        assert self.client.get(SEARCH).status_code == 403

    def test_history_is_shown_and_not_brought_back(self) -> None:
        plan = make_plan()
        address = admin_url("subscriptionplan", "history", plan.pk)
        assert self.client.get(address).status_code == 200
        version = f"{address}{plan.history.get().pk}/"
        assert self.client.get(version).status_code == 200
        assert self.client.post(version, plan_form(title="Past")).status_code == 403
        assert self.client.get(admin_url("subscriptionplan", "history", "nonsense")).status_code == 404


@ddt.ddt
class AssignPageTests(AdminTestCase):
    """The page that assigns licenses."""

    def setUp(self) -> None:
        super().setUp()
        self.plan = make_plan(num_licenses=3)
        self.address = admin_url("subscriptionplan", "assign", self.plan.pk)

    def send(self, emails: str = "", file: bytes | None = None) -> Any:
        upload = {} if file is None else {"file": SimpleUploadedFile("people.csv", file)}
        return self.client.post(self.address, {"emails": emails, **upload})

    def errors_of(self, response: Any) -> dict[str, list[str]]:
        assert response.status_code == 200
        assert response.context["report"] is None
        return {name: list(map(str, found)) for name, found in response.context["form"].errors.items()}

    def test_everything_is_accounted_for(self) -> None:
        make_user("ana")
        make_user("one", email="two@x.org")
        make_user("two", email="Two@x.org")
        api.assign_licenses(self.plan, "old@x.org", acting_user=None)
        response = self.send(
            "Ana <ana@example.com>, old@x.org\nnope\ntwo@x.org", b"name,email\nDan,dan@x.org\nEve,eve@x.org\n"
        )
        assert {tile["group"]: tile["count"] for tile in response.context["counts"]} == {
            "changed": 1,
            "pending": 1,
            "unchanged": 1,
            "failure": 3,
        }
        refused = {row["email"]: str(row["reason"]) for row in response.context["refused"]}
        assert refused == {
            "two@x.org": str(LicenseCode.AMBIGUOUS.label),
            "eve@x.org": "No license is left in this subscription plan.",
            "nope": "Line 2: not a valid e-mail address.",
        }
        for email in refused:
            self.assertContains(response, email)
        assert License.history.get(email="dan@x.org").history_user == self.sam
        self.assertContains(response, "3 of 3 licenses are in use.")
        assert LogEntry.objects.get().get_change_message() == "Assigned 2 licenses."

    def test_a_second_press_changes_nothing(self) -> None:
        self.send("a@x.org")
        response = self.send("a@x.org")
        assert response.context["report"].rows[0].code == "already_assigned"
        assert LogEntry.objects.count() == License.history.count() == 1

    @ddt.data(
        ("", None, {"emails": ["Type or paste e-mail addresses, or choose a file."]}),
        ("nope", None, {"emails": ["Line 1: “nope” is not a valid e-mail address."]}),
        ("", b"email\nnope\n", {"file": ["Line 2: “nope” is not a valid e-mail address."]}),
        ("", b"", {"emails": ["Type or paste e-mail addresses, or choose a file."]}),
    )
    @ddt.unpack
    def test_input_without_an_address_is_refused_beside_the_field(self, emails: str, file: Any, expected: Any) -> None:
        response = self.send(emails, file)
        assert self.errors_of(response) == expected
        self.assertContains(response, f">\n{emails}</textarea>")
        assert not License.objects.exists()

    def test_a_file_that_is_too_large_is_refused_and_what_was_typed_stays(self) -> None:
        with mock.patch.object(addresses, "LARGEST_FILE", 10):
            response = self.send("a@x.org", b"email\nb@x.org\n")
        assert list(self.errors_of(response)) == ["file"]
        self.assertContains(response, "a@x.org</textarea>")
        assert not License.objects.exists()

    def test_a_long_list_of_refusals_is_cut(self) -> None:
        with mock.patch.object(assign_licenses, "LISTED_AT_MOST", 2):
            response = self.send(" ".join(f"{n}@x.org" for n in range(8)))
        assert len(response.context["refused"]) == 2
        self.assertContains(response, "And 3 more.")
        assert response.context["counts"][-1]["count"] == 5

    def test_markup_in_the_input_is_shown_as_text(self) -> None:
        self.assertContains(self.send("it's&amp a@x.org"), "it&#x27;s&amp;amp")

    def test_a_plan_that_is_not_current_says_so(self) -> None:
        assert "is not current" not in self.client.get(self.address).content.decode()
        SubscriptionPlan.objects.update(start_date=timezone.now() + timedelta(hours=1))
        self.assertContains(self.client.get(self.address), "is not current")

    def test_permissions(self) -> None:
        self.log_in_with("view_subscriptionplan")
        assert self.client.get(self.address).status_code == 403
        assert self.send("a@x.org").status_code == 403
        assert not License.objects.exists()

    def test_permission_to_add_licenses_is_enough_with_a_look_at_the_plan(self) -> None:
        self.log_in_with("view_subscriptionplan", "add_license")
        assert self.client.get(self.address).status_code == 200
        self.send("a@x.org")
        assert License.objects.exists()

    def test_permission_to_add_licenses_alone_is_not_enough(self) -> None:
        self.log_in_with("add_license")
        assert self.client.get(self.address).status_code == 403

    def test_a_plan_that_is_not_there(self) -> None:
        response = self.client.get(admin_url("subscriptionplan", "assign", 1000), follow=True)
        assert "exist" in texts(response)[0]

    def test_runs_outside_of_the_transaction_of_the_request(self) -> None:
        assert resolve(self.address).func._non_atomic_requests == {"default"}  # type: ignore[attr-defined]


class LicenseListTests(AdminTestCase):
    """The list of the licenses."""

    def setUp(self) -> None:
        super().setUp()
        self.plan = make_plan()
        make_user("ana")
        api.assign_licenses(self.plan, "ana@example.com dan@example.com gone@example.com", acting_user=None)
        api.revoke_license(self.plan, "gone@example.com", acting_user=None)
        api.assign_licenses(make_plan("Autumn"), "dan@example.com", acting_user=None)

    def listed(self, query: str) -> list[str]:
        listed = self.client.get(f"{LICENSES}?{query}").context["cl"].result_list
        return sorted(f"{row.email} {row.subscription_plan.title}" for row in listed)

    def test_filter_and_search(self) -> None:
        assert len(self.listed("")) == 4
        assert self.listed(f"subscription_plan__id__exact={self.plan.pk}&status__exact=assigned") == [
            "dan@example.com Spring"
        ]
        assert self.listed("q=ana") == ["ana@example.com Spring"]
        assert self.listed("q=autumn") == ["dan@example.com Autumn"]

    def test_since_when_a_license_is_what_it_is(self) -> None:
        day = datetime(2026, 3, 4, 12, tzinfo=UTC)
        License.objects.create(subscription_plan=self.plan, email="never@x.org")
        for number, status in enumerate(("assigned", "activated", "revoked")):
            License.objects.filter(status=status).update(**{f"{status}_date": day + timedelta(number)})
        page = self.client.get(LICENSES)
        for text in ("assigned<br>March 4", "activated<br>March 5", "revoked<br>March 6", "unassigned<br><"):
            self.assertContains(page, text.replace(" ", "\N{NO-BREAK SPACE}"))

    def test_costs_the_same_however_many_licenses_there_are(self) -> None:
        before = self.count_queries(LICENSES)
        for number in range(20):
            make_user(f"person{number}")
        api.assign_licenses(self.plan, [f"person{number}@example.com" for number in range(20)], acting_user=None)
        assert self.count_queries(LICENSES) == before

    def test_the_list_of_one_plan_has_the_button_that_assigns(self) -> None:
        of_plan = f"{LICENSES}?subscription_plan__id__exact={self.plan.pk}"
        self.assertContains(self.client.get(of_plan), admin_url("subscriptionplan", "assign", self.plan.pk))
        self.assertNotContains(self.client.get(LICENSES), "/assign/")
        self.log_in_with("view_license")
        self.assertNotContains(self.client.get(of_plan), "/assign/")

    def revoke(self) -> list[str]:
        everything = list(License.objects.values_list("pk", flat=True))
        response = self.client.post(LICENSES, {"action": "revoke", "_selected_action": everything})
        return [str(message) for message in get_messages(response.wsgi_request)]

    def test_revoke_the_selected(self) -> None:
        assert self.revoke() == ["3 licenses were revoked.", "1 license was not in use and was left alone."]
        assert set(License.objects.values_list("status", flat=True)) == {"revoked"}
        assert License.history.filter(history_user=self.sam, status=LicenseStatus.REVOKED).count() == 3

    def test_who_may_only_look_can_not_revoke(self) -> None:
        self.log_in_with("view_license")
        self.revoke()
        assert self.plan.seats_taken() == 2

    def test_permission_to_change_is_permission_to_revoke(self) -> None:
        self.log_in_with("change_license")
        self.revoke()
        assert self.plan.seats_taken() == 0

    def test_a_license_is_shown_with_its_history_and_never_edited_or_deleted(self) -> None:
        row = License.objects.get(email="ana@example.com")
        page = self.client.get(admin_url("license", "change", row.pk))
        self.assertContains(page, "ana@example.com")
        self.assertNotContains(page, 'name="_save"')
        change = admin_url("license", "change", row.pk)
        assert self.client.post(change, {"email": "other@x.org"}).status_code == 403
        assert self.client.post(admin_url("license", "delete", row.pk), {"post": "yes"}).status_code == 403
        assert self.client.get(admin_url("license", "add")).status_code == 403
        address = admin_url("license", "history", row.pk)
        self.assertContains(self.client.get(address), "history")
        version = f"{address}{row.history.get().pk}/"
        assert self.client.get(version).status_code == 200
        assert self.client.post(version, {"email": "other@x.org"}).status_code == 403
        row.refresh_from_db()
        assert row.email == "ana@example.com"
