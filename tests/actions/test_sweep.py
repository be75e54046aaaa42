"""The sweep: what waits for people who have an account by now, and whom no signal and no second look found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError
from django.test import TestCase

from learning_paths import api, retrying
from learning_paths.actions import invitations, licenses
from learning_paths.actions.invitations import claim_for_addresses
from learning_paths.actions.licenses import activate_for_addresses
from learning_paths.data import LicenseStatus, SweepReport
from learning_paths.models import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    ManualEnrollmentAudit,
)
from learning_paths.models.history import save_with_history
from learning_paths.queries import waiting
from tests.factories import make_path, make_plan, make_staff, make_user


def arrive(*names: str, **fields: Any) -> list[User]:
    """Make active accounts without a signal."""
    User.objects.bulk_create(User(username=name, email=f"{name}@example.com", **fields) for name in names)
    return list(User.objects.filter(username__in=names).order_by("pk"))


def enrolled() -> set[str]:
    """Return the usernames of those who are enrolled."""
    return set(LearningPathEnrollment.objects.filter(is_active=True).values_list("user__username", flat=True))


def licensed() -> set[str]:
    """Return the usernames of those who activated a license."""
    return set(License.objects.filter(status=LicenseStatus.ACTIVATED).values_list("user__username", flat=True))


class SweepTests(TestCase):
    """Sam invited five addresses and gave them licenses."""

    NAMES = ("ana", "ben", "cyd", "dan", "eve")

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()
        emails = [f"{name}@example.com" for name in self.NAMES]
        api.bulk_enroll(api.prepare_bulk(emails, [self.path.key]), reason="Welcome", acting_user=self.sam)
        self.plan = make_plan()
        api.assign_licenses(self.plan, emails, acting_user=self.sam)

    def test_accounts_that_were_made_or_activated_without_a_signal(self) -> None:
        arrive("ana")
        ben = make_user("ben", is_active=False)
        User.objects.filter(pk=ben.pk).update(is_active=True)
        make_user("cyd", is_active=False)
        assert api.claim_waiting() == SweepReport(enrollments=2, licenses=2, failed=0)
        assert enrolled() == licensed() == {"ana", "ben"}
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert (audit.enrolled_by, audit.reason) == (self.sam, "Welcome")
        assert api.claim_waiting() == SweepReport(enrollments=0, licenses=0, failed=0)

    def test_case_of_the_account_does_not_matter_and_accents_do(self) -> None:
        User.objects.bulk_create(
            [User(username="ana", email="Ana@Example.COM"), User(username="ben", email="bén@example.com")]
        )
        api.claim_waiting()
        assert enrolled() == licensed() == {"ana"}

    def test_an_address_of_two_accounts_is_never_guessed_and_stops_nobody(self) -> None:
        arrive("ana", "ben")
        User.objects.bulk_create([User(username="ana2", email="ANA@example.com", is_active=False)])
        with self.assertNoLogs("learning_paths", "WARNING"):  # from cron, it would be said each minute
            api.claim_waiting()
        assert enrolled() == licensed() == {"ben"}

    def test_withdrawn_and_revoked_ones_are_left_alone(self) -> None:
        api.withdraw_invitation("ana@example.com", self.path, acting_user=self.sam)
        api.revoke_license(self.plan, "ana@example.com", acting_user=self.sam)
        arrive("ana")
        assert api.claim_waiting() == SweepReport(0, 0, 0)

    def test_what_fails_for_one_account_is_logged_by_id_and_the_others_have_their_turn(self) -> None:
        _, _, cyd, _, _ = arrive(*self.NAMES)
        claim, activate = invitations.claim_invitations, licenses.activate_licenses

        def failing(work: Callable[[User], Any]) -> Callable[[User], Any]:
            def fail(user: User) -> Any:
                if user.username == "cyd":
                    raise DatabaseError(1062, f"Duplicate entry '{user.email}' for key 'email'")
                return work(user)

            return fail

        with (
            mock.patch("learning_paths.actions.sweep.claim_invitations", failing(claim)),
            mock.patch("learning_paths.actions.sweep.activate_licenses", failing(activate)),
            self.assertLogs("learning_paths", "ERROR") as logs,
        ):
            assert api.claim_waiting() == SweepReport(enrollments=4, licenses=4, failed=2)
        assert enrolled() == licensed() == set(self.NAMES) - {"cyd"}
        assert len(logs.output) == 2
        for line in logs.output:
            assert f"user {cyd.pk}\n" in line
            assert "DatabaseError: 1062" in line
            assert "in fail" in line  # where it came from
            assert "@" not in line

    def test_walks_in_batches_however_many_there_are(self) -> None:
        arrive(*self.NAMES)
        with mock.patch.object(waiting, "ADDRESSES_AT_ONCE", 2):
            assert [len(batch) for batch in waiting.invited_addresses()] == [2, 2, 1]
            assert api.claim_waiting() == SweepReport(enrollments=5, licenses=5, failed=0)

    def test_an_address_with_many_invitations_is_looked_up_once(self) -> None:
        for number in range(3):
            api.invite("ana@example.com", make_path(f"path-v1:DemoX+P{number}+2026"), acting_user=self.sam)
        assert list(waiting.invited_addresses()) == [[f"{name}@example.com" for name in self.NAMES]]
        arrive("ana")
        assert api.claim_waiting().enrollments == 4

    def test_number_of_queries_while_nobody_came(self) -> None:
        with self.assertNumQueries(4):  # of each kind: the addresses, and their accounts
            api.claim_waiting()


@ddt.ddt
class SecondLookTests(TestCase):
    """The inviter's look after the commit, at some hundred addresses at a time."""

    NAMES = ("ana", "ben", "cyd")

    def setUp(self) -> None:
        self.path = make_path()
        self.emails = [f"{name}@example.com" for name in self.NAMES]
        api.bulk_enroll(api.prepare_bulk(self.emails, [self.path.key]), acting_user=None)
        api.assign_licenses(make_plan(), self.emails, acting_user=None)
        self.users = arrive(*self.NAMES)

    def failing_at_first(self, name: str, times: int) -> Any:
        """Let the writing of an enrollment, or license, of a learner fail with a deadlock so many times."""
        left = {"times": times}

        def fail(write: Any) -> Any:
            def maybe(row: Any, **kwargs: Any) -> Any:
                if row.user.username == name and left["times"]:
                    left["times"] -= 1
                    raise OperationalError(1213, "Deadlock found when trying to get lock")
                return write(row, **kwargs)

            return maybe

        for module in ("enrollment", "licenses"):
            failing = mock.patch(f"learning_paths.actions.{module}.save_with_history", fail(save_with_history))
            self.enterContext(failing)
        self.enterContext(mock.patch.object(retrying, "LONGEST_FIRST_PAUSE", 0))

    @ddt.data((claim_for_addresses, enrolled), (activate_for_addresses, licensed))
    @ddt.unpack
    def test_a_deadlock_at_one_account_passes(self, look: Any, done: Any) -> None:
        self.failing_at_first("ben", 2)
        look(self.emails)
        assert done() == set(self.NAMES)

    @ddt.data((claim_for_addresses, enrolled), (activate_for_addresses, licensed))
    @ddt.unpack
    def test_what_does_not_pass_at_one_account_loses_nobody_else_and_is_swept_up(self, look: Any, done: Any) -> None:
        self.failing_at_first("ben", retrying.ATTEMPTS)
        with self.assertLogs("learning_paths", "ERROR") as logs:
            look(self.emails)
        assert done() == {"ana", "cyd"}
        [line] = logs.output
        assert f"user {self.users[1].pk}\n" in line
        assert "OperationalError: 1213" in line
        assert "@" not in line
        assert api.claim_waiting().failed == 0
        assert done() == set(self.NAMES)
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
