"""What happens when people assign licenses at the same time: real threads, real commits, a real database server."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from learning_paths import api
from learning_paths.data import LicenseStatus
from learning_paths.exceptions import LicenseRevoked
from learning_paths.models import License, SubscriptionPlan
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
]


class SeatRaceTests(TransactionTestCase):
    """Many hands reach for the seats of one plan, at the isolation that Django asks of MySQL."""

    isolation = "READ COMMITTED"

    def setUp(self) -> None:
        self.sam = make_staff("sam")

    def assigning(self, plan: SubscriptionPlan, *emails: str, in_request: bool = True) -> Callable[[], list[str]]:
        """Return a function that assigns, in a transaction which has read before as a request of the LMS has."""

        def assign() -> list[str]:
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {self.isolation}")
            with transaction.atomic() if in_request else nullcontext():
                assert User.objects.filter(pk=self.sam.pk).exists()
                list(License.objects.filter(subscription_plan=plan))
                report = api.assign_licenses(plan, emails, acting_user=self.sam)
            return [row.code.value for row in report.rows]

        return assign

    def test_twenty_for_the_last_seat(self) -> None:
        plan = make_plan(num_licenses=3)
        api.assign_licenses(plan, ["a@x.org", "b@x.org"], acting_user=None)
        codes = Counter(code for [code] in at_once([self.assigning(plan, f"{n}@x.org") for n in range(20)]))
        assert codes == {"assigned": 1, "no_seat_left": 19}
        assert plan.seats_taken() == 3
        assert License.history.count() == 3

    def test_twenty_for_one_address(self) -> None:
        plan = make_plan(num_licenses=3)
        codes = Counter(code for [code] in at_once([self.assigning(plan, "a@x.org")] * 20))
        assert codes == {"assigned": 1, "already_assigned": 19}
        assert License.objects.count() == License.history.count() == 1

    def test_lists_that_overlap_in_other_orders(self) -> None:
        plan = make_plan(num_licenses=30)
        names = [f"person{n}@x.org" for n in range(40)]
        lists = [random.sample(names, 25) for _ in range(10)]
        at_once([self.assigning(plan, *some) for some in lists])
        assert plan.seats_taken() == 30
        assert License.objects.count() == License.history.count() == 30

    def test_plans_do_not_stand_in_one_anothers_way(self) -> None:
        names = [f"person{n}@x.org" for n in range(30)]
        plans = [make_plan(str(n), num_licenses=20) for n in range(8)]
        at_once([self.assigning(plan, *random.sample(names, 30), in_request=False) for plan in plans])
        assert [plan.seats_taken() for plan in plans] == [20] * 8

    def test_a_seat_that_is_freed_meanwhile_is_given_once(self) -> None:
        plan = make_plan(num_licenses=1)
        api.assign_licenses(plan, ["a@x.org"], acting_user=None)

        def revoke() -> list[str]:
            api.revoke_license(plan, "a@x.org", acting_user=self.sam)
            return ["revoked"]

        at_once([revoke, *(self.assigning(plan, f"{n}@x.org") for n in range(10))])
        assert plan.seats_taken() <= 1

    def test_twenty_revocations_of_one_license(self) -> None:
        plan = make_plan()
        api.assign_licenses(plan, ["a@x.org"], acting_user=None)

        def revoke() -> bool:
            try:
                api.revoke_license(plan, "a@x.org", acting_user=self.sam)
            except LicenseRevoked:
                return False
            return True

        assert sum(at_once([revoke] * 20)) == 1
        assert License.history.filter(status=LicenseStatus.REVOKED).count() == 1


class SeatRaceAtRepeatableReadTests(SeatRaceTests):
    """The same where a site asks for the server's own default, at which a transaction reads what was when it began."""

    isolation = "REPEATABLE READ"


class LicenseRegistrationRaceTests(TransactionTestCase):
    """A user registers in a transaction while staff assign a license to the address in another."""

    ROUNDS = 100

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()
        self.plan = make_plan(num_licenses=1000)

    def test_no_license_is_left_behind(self) -> None:
        for number in range(self.ROUNDS):
            self.play(f"dan{number}", registering_commits_first=number % 2 == 0)
        self.assert_all_activated()

    def test_no_license_is_left_behind_when_commits_fall_as_they_may(self) -> None:
        for number in range(self.ROUNDS):
            self.play(f"dan{number}", registering_commits_first=None)
        self.assert_all_activated()

    def play(self, name: str, *, registering_commits_first: bool | None) -> None:
        """Let both read and write, then commit in the order asked for, or in any when that is None."""
        both_wrote = Barrier(2)
        first_committed = Barrier(2)

        def in_order(work: Callable[[], Any], *, goes_first: bool | None) -> None:
            with transaction.atomic():
                work()
                both_wrote.wait()
                if goes_first is False:
                    first_committed.wait()
            if goes_first is True:
                first_committed.wait()

        def register() -> None:
            new = User.objects.create(username=name, email=f"{name}@example.com", is_active=False)
            new.is_active = True
            new.save(update_fields=["is_active"])

        def assign() -> None:
            api.assign_licenses(self.plan, [f"{name}@example.com"], acting_user=self.sam)
            api.invite(f"{name}@example.com", self.path, acting_user=self.sam)

        second = None if registering_commits_first is None else not registering_commits_first
        sides = [
            lambda: in_order(register, goes_first=registering_commits_first),
            lambda: in_order(assign, goes_first=second),
        ]
        random.shuffle(sides)
        at_once(sides)

    def assert_all_activated(self) -> None:
        rows = License.objects.select_related("user")
        assert len(rows) == self.ROUNDS
        assert all(row.status == LicenseStatus.ACTIVATED and row.user and row.user.email == row.email for row in rows)
        assert License.history.filter(status=LicenseStatus.ACTIVATED).count() == self.ROUNDS

    def test_users_are_saved_while_staff_assign_to_the_rest(self) -> None:
        """Nobody's activation fails, whatever the neighbors of their address in the index are doing."""
        people = [make_user(f"person{n}", is_active=False) for n in range(20)]
        api.assign_licenses(self.plan, [person.email for person in people], acting_user=None)

        def activating(person: User) -> Callable[[], None]:
            def activate() -> None:
                with transaction.atomic():
                    person.is_active = True
                    person.save()

            return activate

        def assigning(turn: int) -> Callable[[], None]:
            def assign() -> None:
                emails = [f"person{n}x{turn}@example.com" for n in range(20)]
                api.assign_licenses(self.plan, emails, acting_user=self.sam)

            return assign

        at_once([*(activating(person) for person in people), *(assigning(turn) for turn in range(10))])
        assert License.objects.filter(status=LicenseStatus.ACTIVATED).count() == 20
        assert self.plan.seats_taken() == 220


class PlanFormRaceTests(TransactionTestCase):
    """Sam lowers the number of licenses while others assign them."""

    ROUNDS = 15

    def setUp(self) -> None:
        self.sam = make_staff("sam", is_superuser=True)

    def test_there_are_never_fewer_licenses_than_in_use(self) -> None:
        for number in range(self.ROUNDS):
            plan = make_plan(str(number), num_licenses=10)
            api.assign_licenses(plan, [f"{n}@x.org" for n in range(4)], acting_user=None)
            at_once([self.lowering(plan), *(self.assigning(plan, f"new{n}@x.org") for n in range(3))])
            plan.refresh_from_db()
            assert plan.seats_taken() <= plan.num_licenses
            assert plan.num_licenses in (5, 10)

    def lowering(self, plan: SubscriptionPlan) -> Callable[[], None]:
        def lower() -> None:
            client = Client()
            client.force_login(self.sam)
            form = {
                "title": plan.title,
                "num_licenses": "5",
                "start_date_0": "2020-01-01",
                "start_date_1": "00:00:00",
                "expiration_date_0": "2100-01-01",
                "expiration_date_1": "00:00:00",
                "courses-TOTAL_FORMS": "0",
                "courses-INITIAL_FORMS": "0",
            }
            response = client.post(reverse("admin:learning_paths_subscriptionplan_change", args=[plan.pk]), form)
            assert response.status_code in (200, 302)

        return lower

    def assigning(self, plan: SubscriptionPlan, email: str) -> Callable[[], None]:
        def assign() -> None:
            time.sleep(random.uniform(0, 0.06))
            api.assign_licenses(plan, [email], acting_user=None)

        return assign


class QueryCountTests(TransactionTestCase):
    """The database of production takes any number of rows in one statement."""

    def test_queries_do_not_grow_with_the_addresses(self) -> None:
        counts = []
        for number in (3, 1500):
            plan = make_plan(str(number), num_licenses=5000)
            named = [f"person{n}@example.com" for n in range(number)]
            api.assign_licenses(plan, named, acting_user=None)
            ids = list(plan.licenses.values_list("pk", flat=True))
            api.revoke_licenses(ids[: number // 3], acting_user=None)
            User.objects.bulk_create(
                User(username=f"{number}-{n}", email=f"learner{n}-of-{number}@example.com") for n in range(number)
            )
            named += [f"other{n}@example.com" for n in range(number)]
            named += User.objects.filter(username__startswith=f"{number}-").values_list("email", flat=True)
            with CaptureQueriesContext(connection) as queries:
                api.assign_licenses(plan, named, acting_user=None)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 16
