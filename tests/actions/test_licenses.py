"""Assigning, activating and revoking licenses, through the public API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import ddt
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.data import LicenseCode, LicenseReport, LicenseStatus
from learning_paths.exceptions import (
    InvalidEmail,
    LicenseNotFound,
    LicenseRevoked,
    LicensesUnavailable,
    SubscriptionNotCurrent,
    SubscriptionNotFound,
)
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath, LearningPathStep, License, SubscriptionPlan
from sandbox.accounts.models import RetiredAccount
from tests.factories import make_path, make_plan, make_staff, make_user

PYTHON = CourseKey.from_string("course-v1:DemoX+PY101+2026")


def codes(report: LicenseReport) -> dict[str, str]:
    """What became of each address."""
    return {row.email: row.code.value for row in report.rows}


def license_of(email: str) -> License:
    """The one license of an address."""
    return License.objects.get(email=email)


def addresses(number: int, start: int = 0) -> list[str]:
    """So many addresses of nobody."""
    return [f"person{n}@example.com" for n in range(start, start + number)]


class AssignTests(TestCase):
    """Sam of the staff hands out the licenses of a plan."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.plan = make_plan()

    def assign(self, emails: Any, plan: SubscriptionPlan | None = None) -> LicenseReport:
        return api.assign_licenses(plan or self.plan, emails, acting_user=self.sam)

    def test_an_address_of_nobody_has_a_license_that_waits(self) -> None:
        report = self.assign(" Dan@Example.com ")
        row = license_of("dan@example.com")
        assert codes(report) == {"dan@example.com": "assigned"}
        assert report.rows[0].license_uuid == row.uuid
        assert (row.subscription_plan, row.status, row.user) == (self.plan, LicenseStatus.ASSIGNED, None)
        assert row.assigned_date is not None
        assert (row.activated_date, row.revoked_date) == (None, None)
        [past] = row.history.all()
        assert (past.history_type, past.history_user, past.status) == ("+", self.sam, LicenseStatus.ASSIGNED)

    def test_the_owner_of_an_active_account_activates_it_at_once(self) -> None:
        ana = make_user("ana", email="Ana@Example.com")
        report = self.assign(["ana@example.com"])
        row = license_of("ana@example.com")
        assert codes(report) == {"ana@example.com": "activated"}
        assert (row.status, row.user) == (LicenseStatus.ACTIVATED, ana)
        assert row.activated_date == row.assigned_date

    def test_an_account_that_is_not_active_waits(self) -> None:
        make_user("dan", is_active=False)
        assert codes(self.assign(["dan@example.com"])) == {"dan@example.com": "assigned"}
        assert license_of("dan@example.com").user is None

    def test_text_lists_and_parsed_input_say_the_same(self) -> None:
        for given in ("a@x.org, b@x.org\nA@X.org nope", ["a@x.org", "b@x.org, A@x.org", "nope"]):
            report = self.assign(given, make_plan(str(type(given))))
            assert codes(report) == {"a@x.org": "assigned", "b@x.org": "assigned"}
            assert [entry.text for entry in report.invalid_emails] == ["nope"]
        report = self.assign(api.parse_csv(b"email,name\na@x.org,A\nnope,B\n"))
        assert codes(report) == {"a@x.org": "assigned"}
        assert [entry.line for entry in report.invalid_emails] == [3]

    def test_nothing_to_assign_asks_nothing(self) -> None:
        with self.assertNumQueries(0):
            assert self.assign("") == LicenseReport(())

    def test_a_second_time_changes_nothing(self) -> None:
        make_user("ana")
        self.assign(["ana@example.com", "dan@example.com"])
        before = list(License.objects.order_by("pk").values())
        report = self.assign(["dan@example.com", "ana@example.com"])
        assert codes(report) == {"dan@example.com": "already_assigned", "ana@example.com": "already_assigned"}
        assert report.rows[0].license_uuid == license_of("dan@example.com").uuid
        assert list(License.objects.order_by("pk").values()) == before
        assert License.history.count() == 2

    def test_a_license_that_waits_though_its_owner_is_there_is_activated_without_another_seat(self) -> None:
        plan = make_plan("Tiny", num_licenses=1)
        dan = make_user("dan", is_active=False)
        self.assign(["dan@example.com"], plan)
        assigned = license_of("dan@example.com").assigned_date
        User.objects.filter(pk=dan.pk).update(is_active=True)
        assert codes(self.assign(["dan@example.com"], plan)) == {"dan@example.com": "activated"}
        row = license_of("dan@example.com")
        assert (row.user, row.assigned_date) == (dan, assigned)
        assert row.activated_date is not None

    def test_ambiguous_and_retired_addresses_fail_and_take_no_seat(self) -> None:
        plan = make_plan("Tiny", num_licenses=1)
        make_user("one", email="two@example.com")
        make_user("two", email="Two@Example.com")
        RetiredAccount.objects.create(email="gone@example.com")
        report = self.assign(["two@example.com", "gone@example.com", "dan@example.com"], plan)
        assert codes(report) == {
            "two@example.com": "ambiguous_email",
            "gone@example.com": "retired_email",
            "dan@example.com": "assigned",
        }
        assert [row.email for row in report.failures] == ["two@example.com", "gone@example.com"]
        assert {row.license_uuid for row in report.failures} == {None}
        assert License.objects.count() == 1

    def test_seats_go_in_the_order_of_the_input(self) -> None:
        plan = make_plan("Tiny", num_licenses=2)
        self.assign(["c@x.org"], plan)
        report = self.assign(["z@x.org", "c@x.org", "a@x.org", "b@x.org"], plan)
        assert codes(report) == {
            "z@x.org": "assigned",
            "c@x.org": "already_assigned",
            "a@x.org": "no_seat_left",
            "b@x.org": "no_seat_left",
        }
        assert report.count(LicenseCode.NO_SEAT_LEFT, LicenseCode.ASSIGNED) == 3
        assert plan.seats_taken() == 2

    def test_seats_go_in_the_order_of_the_input_across_chunks(self) -> None:
        plan = make_plan("Tiny", num_licenses=5)
        with mock.patch("learning_paths.lms.chunks.MAX_IN_LIST", 2):
            report = self.assign(addresses(8), plan)
        assert [row.email for row in report.rows] == addresses(8)
        assert [row.code for row in report.rows] == [LicenseCode.ASSIGNED] * 5 + [LicenseCode.NO_SEAT_LEFT] * 3

    def test_each_plan_has_its_own_seats(self) -> None:
        self.assign(["dan@example.com"], make_plan("Tiny", num_licenses=1))
        assert codes(self.assign(["dan@example.com"], make_plan("Other", num_licenses=1))) == {
            "dan@example.com": "assigned"
        }

    def test_more_in_use_than_the_plan_has_leaves_no_seat(self) -> None:
        self.assign(addresses(3))
        SubscriptionPlan.objects.update(num_licenses=2)
        assert codes(self.assign(["new@x.org"])) == {"new@x.org": "no_seat_left"}

    def test_a_revoked_license_is_assigned_again_in_the_same_row_and_takes_a_seat(self) -> None:
        plan = make_plan("Tiny", num_licenses=1)
        ana = make_user("ana")
        self.assign(["ana@example.com"], plan)
        first = license_of("ana@example.com")
        api.revoke_license(plan, "ana@example.com", acting_user=self.sam)
        ana.email = "ana@elsewhere.org"
        ana.save()
        report = self.assign(["ana@example.com", "new@x.org"], plan)
        assert codes(report) == {"ana@example.com": "assigned", "new@x.org": "no_seat_left"}
        row = license_of("ana@example.com")
        assert (row.pk, row.uuid, row.status, row.user) == (first.pk, first.uuid, LicenseStatus.ASSIGNED, None)
        assert (row.activated_date, row.revoked_date) == (None, None)
        assert first.assigned_date is not None
        assert row.assigned_date is not None
        assert row.assigned_date > first.assigned_date
        statuses = list(row.history.order_by("pk").values_list("status", "history_type", "history_user"))
        assert statuses == [
            ("activated", "+", self.sam.pk),
            ("revoked", "~", self.sam.pk),
            ("assigned", "~", self.sam.pk),
        ]

    def test_a_row_that_was_never_assigned_takes_a_seat(self) -> None:
        License.objects.create(subscription_plan=self.plan, email="dan@example.com")
        assert codes(self.assign(["dan@example.com"])) == {"dan@example.com": "assigned"}
        assert self.plan.seats_taken() == 1

    def test_by_the_system_names_nobody(self) -> None:
        api.assign_licenses(self.plan, ["dan@example.com"], acting_user=None)
        assert License.history.get().history_user is None

    def test_a_plan_that_was_deleted_meanwhile(self) -> None:
        plan = make_plan("Gone")
        SubscriptionPlan.objects.filter(pk=plan.pk).delete()
        with self.assertRaises(SubscriptionNotFound):
            self.assign(["dan@example.com"], plan)

    def test_queries_do_not_grow_with_the_addresses(self) -> None:
        counts = []
        for number in (3, 40):  # SQLite would insert more in several batches
            plan = make_plan(str(number), num_licenses=1000)
            people = addresses(number)
            self.assign(people, plan)
            for email in people[: number // 3]:
                api.revoke_license(plan, email, acting_user=None)
            User.objects.bulk_create(
                User(username=f"{number}-{n}", email=f"learner{n}-of-{number}@example.com") for n in range(number)
            )
            named = [*people, *addresses(number, start=1000), *(user.email for user in User.objects.order_by("pk"))]
            with CaptureQueriesContext(connection) as queries, self.captureOnCommitCallbacks(execute=False):
                self.assign(named, plan)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 15

    def test_ids_are_read_back_where_a_bulk_insert_returns_none(self) -> None:
        """As on MySQL."""
        create = License.objects.bulk_create

        def forget(rows: Any, **kwargs: Any) -> Any:
            create(rows, **kwargs)
            for row in rows:
                row.pk = None

        with mock.patch.object(License._default_manager, "bulk_create", forget):
            self.assign(addresses(3))
        assert {past.email for past in License.history.all()} == set(addresses(3))
        assert set(License.history.values_list("id", flat=True)) == set(License.objects.values_list("pk", flat=True))

    def test_who_registered_meanwhile_activates_after_the_commit(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.assign(["dan@example.com"])
            dan = make_user("dan", is_active=False)
            User.objects.filter(pk=dan.pk).update(is_active=True)
        assert license_of("dan@example.com").user == dan

    def test_a_fault_in_the_second_look_does_not_fail_the_request(self) -> None:
        with self.assertLogs("learning_paths", "ERROR"), self.captureOnCommitCallbacks(execute=True):
            self.assign(["dan@example.com"])
            broken = mock.patch("learning_paths.actions.accounts.users_by_email", side_effect=RuntimeError)
            broken.start()
            self.addCleanup(broken.stop)
        assert license_of("dan@example.com").status == LicenseStatus.ASSIGNED


class RevokeTests(TestCase):
    """Sam takes licenses back."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.plan = make_plan(num_licenses=2)
        make_user("ana")
        api.assign_licenses(self.plan, ["ana@example.com", "dan@example.com"], acting_user=None)

    def test_frees_the_seat_and_keeps_the_row(self) -> None:
        for email in ("Ana@Example.com", "dan@example.com"):
            api.revoke_license(self.plan, email, acting_user=self.sam)
        row = license_of("ana@example.com")
        assert row.status == LicenseStatus.REVOKED
        assert row.revoked_date is not None
        assert row.activated_date is not None
        past = row.history.latest()
        assert (past.status, past.history_type, past.history_user) == ("revoked", "~", self.sam)
        assert self.plan.seats_taken() == 0
        report = api.assign_licenses(self.plan, ["new@x.org"], acting_user=None)
        assert codes(report) == {"new@x.org": "assigned"}

    def test_what_is_not_there_or_revoked_already_is_refused(self) -> None:
        License.objects.create(subscription_plan=self.plan, email="never@x.org")
        for email, error in (
            ("nope", InvalidEmail),
            ("other@x.org", LicenseNotFound),
            ("never@x.org", LicenseNotFound),
        ):
            with self.assertRaises(error):
                api.revoke_license(self.plan, email, acting_user=self.sam)
        with self.assertRaises(LicenseNotFound):
            api.revoke_license(make_plan("Other"), "dan@example.com", acting_user=self.sam)
        api.revoke_license(self.plan, "dan@example.com", acting_user=self.sam)
        with self.assertRaises(LicenseRevoked):
            api.revoke_license(self.plan, "dan@example.com", acting_user=self.sam)

    def test_many_at_once_in_as_many_queries_as_one(self) -> None:
        plan = make_plan("Big", num_licenses=100)
        api.assign_licenses(plan, addresses(100), acting_user=None)
        api.revoke_license(plan, addresses(1)[0], acting_user=None)
        ids = list(plan.licenses.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            assert api.revoke_licenses(ids, acting_user=self.sam) == 99
        assert len(queries) <= 6  # a savepoint and its release among them
        assert plan.seats_taken() == 0
        assert License.history.filter(status="revoked", history_user=self.sam).count() == 99
        assert api.revoke_licenses(ids, acting_user=self.sam) == 0
        assert api.revoke_licenses([], acting_user=self.sam) == 0

    def test_a_revoked_license_is_not_activated(self) -> None:
        api.revoke_license(self.plan, "dan@example.com", acting_user=self.sam)
        dan = make_user("dan")
        assert api.activate_licenses(dan) == []
        assert license_of("dan@example.com").user is None


class ActivateTests(TestCase):
    """Dan's account becomes real, and its licenses are activated. The receiver's tests are elsewhere."""

    def setUp(self) -> None:
        self.dan = make_user("dan", is_active=False)
        for title in ("Spring", "Autumn"):
            api.assign_licenses(make_plan(title), ["dan@example.com"], acting_user=None)

    def activate_silently(self) -> None:
        User.objects.filter(pk=self.dan.pk).update(is_active=True)
        self.dan.refresh_from_db()

    def test_the_licenses_of_every_plan(self) -> None:
        self.activate_silently()
        outcomes = api.activate_licenses(self.dan)
        rows = License.objects.order_by("pk")
        assert [(row.user, row.status) for row in rows] == [(self.dan, LicenseStatus.ACTIVATED)] * 2
        assert [outcome.license_uuid for outcome in outcomes] == [row.uuid for row in rows]
        assert {row.history.latest().history_user for row in rows} == {None}
        assert {row.history.latest().status for row in rows} == {"activated"}
        with self.assertNumQueries(1):
            assert api.activate_licenses(self.dan) == []

    def test_nothing_while_the_account_is_not_active(self) -> None:
        with self.assertNumQueries(0):
            assert api.activate_licenses(self.dan) == []
        self.dan.is_active = True  # in memory only
        with self.assertLogs("learning_paths", "WARNING"):
            assert api.activate_licenses(self.dan) == []

    def test_an_address_of_two_accounts_is_never_guessed(self) -> None:
        self.activate_silently()
        other = User(username="other", email="DAN@example.com")
        User.objects.bulk_create([other])
        with self.assertLogs("learning_paths", "WARNING"):
            assert api.activate_licenses(self.dan) == []
        assert not License.objects.exclude(user=None).exists()

    def test_nothing_without_a_usable_address(self) -> None:
        nobody = make_user("nobody", email="")
        with self.assertNumQueries(0):
            assert api.activate_licenses(nobody) == []

    def test_a_license_that_was_activated_stays_whose_it_is(self) -> None:
        self.activate_silently()
        api.activate_licenses(self.dan)
        self.dan.email = "dan@elsewhere.org"
        self.dan.save()
        make_user("next", email="dan@example.com")
        assert set(License.objects.values_list("user__username", flat=True)) == {"dan"}


class PlanTests(TestCase):
    """What a plan may be."""

    def test_fewer_licenses_than_are_in_use_are_refused(self) -> None:
        plan = make_plan(num_licenses=5)
        api.assign_licenses(plan, addresses(4), acting_user=None)
        api.revoke_license(plan, addresses(1)[0], acting_user=None)
        plan.num_licenses = 3
        plan.full_clean()
        plan.num_licenses = 2
        with pytest.raises(ValidationError, match="3 licenses are in use"):
            plan.full_clean()

    def test_it_expires_after_it_begins(self) -> None:
        plan = make_plan()
        plan.expiration_date = plan.start_date
        with pytest.raises(ValidationError, match="after it begins"):
            plan.full_clean()

    def test_the_property_and_the_query_agree_on_what_is_current(self) -> None:
        now = timezone.now()
        past, future = now - timedelta(minutes=1), now + timedelta(minutes=1)
        make_plan("current", start_date=past, expiration_date=future)
        make_plan("switched off", start_date=past, expiration_date=future, is_active=False)
        make_plan("to come", start_date=future, expiration_date=future + timedelta(1))
        make_plan("over", start_date=past - timedelta(1), expiration_date=past)
        assert [plan.title for plan in SubscriptionPlan.objects.current()] == ["current"]
        assert [plan.title for plan in SubscriptionPlan.objects.all() if plan.is_current] == ["current"]


class Unavailable:
    """A backend whose service is down."""

    def get_plan(self, uuid: Any) -> Any:
        raise LicensesUnavailable


@ddt.ddt
class GateTests(TestCase):
    """Bulk enrollment that names a subscription asks the gate first."""

    path: LearningPath
    plan: SubscriptionPlan

    @classmethod
    def setUpTestData(cls) -> None:
        cls.path = make_path()
        LearningPathStep.objects.create(learning_path=cls.path, course_key=PYTHON)
        cls.plan = make_plan()
        cls.plan.learning_paths.add(cls.path)
        api.assign_licenses(cls.plan, ["b@x.org", "a@x.org", "gone@x.org"], acting_user=None)
        api.revoke_license(cls.plan, "gone@x.org", acting_user=None)

    def test_divides_addresses_and_content_in_their_order(self) -> None:
        other = LearningPathKey.from_string("path-v1:DemoX+OTHER+2026")
        result = api.apply_license_gate(
            self.plan.uuid, ["z@x.org", "b@x.org", "gone@x.org", "a@x.org", "b@x.org"], [other, PYTHON, self.path.key]
        )
        assert result.licensed_emails == ("b@x.org", "a@x.org")
        assert result.unlicensed_emails == ("z@x.org", "gone@x.org")
        assert result.covered_keys == (PYTHON, self.path.key)
        assert result.uncovered_keys == (other,)

    def test_everyone_with_a_license(self) -> None:
        result = api.apply_license_gate(self.plan.uuid, None, [self.path.key])
        assert result.licensed_emails == ("a@x.org", "b@x.org")
        assert result.unlicensed_emails == ()

    def test_nothing_asked_is_nothing_answered(self) -> None:
        with self.assertNumQueries(1):
            result = api.apply_license_gate(self.plan.uuid, [], [])
        assert (result.licensed_emails, result.covered_keys) == ((), ())

    def test_a_plan_that_is_not_there(self) -> None:
        with self.assertRaises(SubscriptionNotFound):
            api.apply_license_gate(uuid4(), ["a@x.org"], [])

    @ddt.data({"is_active": False}, {"expiration_date": timezone.now()}, {"start_date": timezone.now() + timedelta(1)})
    def test_a_plan_that_is_not_current(self, change: dict[str, Any]) -> None:
        SubscriptionPlan.objects.update(**change)
        with self.assertRaises(SubscriptionNotCurrent):
            api.apply_license_gate(self.plan.uuid, ["a@x.org"], [self.path.key])

    @override_settings(LEARNING_PATHS_LICENSE_BACKEND=f"{__name__}.Unavailable")
    def test_a_service_that_is_down(self) -> None:
        with self.assertRaises(LicensesUnavailable):
            api.apply_license_gate(self.plan.uuid, ["a@x.org"], [])

    def test_the_plans_that_are_offered(self) -> None:
        make_plan("Autumn")
        make_plan("Old", is_active=False)
        assert [plan.title for plan in api.offered_plans(make_staff())] == ["Autumn", "Spring"]
