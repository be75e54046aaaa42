"""What saving a user does, and what it costs."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.core import serializers
from django.db import DatabaseError, transaction
from django.test import TestCase, TransactionTestCase

from learning_paths import api
from learning_paths.data import LicenseStatus
from learning_paths.models import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    ManualEnrollmentAudit,
)
from tests.factories import make_path, make_plan, make_staff, make_user


def enrolled(user: User) -> bool:
    """Whether the user has an active enrollment."""
    return LearningPathEnrollment.objects.filter(user=user, is_active=True).exists()


class SaveTestCase(TestCase):
    """Users who are saved, in a transaction as most are."""

    def committed(self) -> Any:
        """Do after the body what is done after a commit."""
        return self.captureOnCommitCallbacks(execute=True)

    def assert_only_the_id_is_told(self, output: list[str], user: User) -> None:
        """The log names the user, and no address."""
        assert [f"user {user.pk}\n" in line for line in output] == [True] * len(output)
        assert "@" not in "".join(output)


@ddt.ddt
class ClaimOnSaveTests(SaveTestCase):
    """dan@example.com was invited; who becomes its owner is enrolled."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()
        api.invite("dan@example.com", self.path, reason="Welcome", acting_user=self.sam)

    @ddt.data("dan@example.com", "Dan@Example.COM")
    def test_an_account_that_is_created_active(self, email: str) -> None:
        with self.committed():
            dan = make_user("dan", email=email)
            assert not enrolled(dan)  # nothing is done before the commit
        assert enrolled(dan)

    def test_an_account_that_is_activated_later(self) -> None:
        dan = make_user("dan", is_active=False)
        assert not enrolled(dan)
        with self.committed():
            dan.is_active = True
            dan.save(update_fields=["is_active"])
        assert enrolled(dan)
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert (audit.enrolled_by, audit.reason) == (self.sam, "Welcome")

    @ddt.data(None, ["email"])
    def test_an_active_account_that_changes_to_the_address(self, update_fields: list[str] | None) -> None:
        daniel = make_user("daniel", email="daniel@elsewhere.org")
        assert not enrolled(daniel)
        with self.committed():
            daniel.email = "dan@example.com"
            daniel.save(update_fields=update_fields)
        assert enrolled(daniel)

    def test_an_account_that_is_not_active_claims_nothing_by_changing_to_the_address(self) -> None:
        mallory = make_user("mallory", is_active=False)
        with self.committed():
            mallory.email = "dan@example.com"
            mallory.save()
        assert not enrolled(mallory)

    def test_an_invitation_that_is_bound_is_not_claimed_by_the_next_owner_of_the_address(self) -> None:
        with self.committed():
            dan = make_user("dan")
        with self.committed():
            dan.email = "dan@elsewhere.org"
            dan.save()
            next_owner = make_user("next", email="dan@example.com")
        assert not enrolled(next_owner)
        assert LearningPathEnrollmentAllowed.objects.get().user == dan

    def test_a_later_save_does_not_undo_an_unenrollment(self) -> None:
        with self.committed():
            dan = make_user("dan")
        api.unenroll(dan, self.path, acting_user=dan)
        with self.committed():
            dan.save()
        assert not enrolled(dan)

    def test_a_raw_save_claims_nothing(self) -> None:
        dan = User(pk=1000, username="dan", email="dan@example.com", is_active=True)
        with self.committed():
            for loaded in serializers.deserialize("json", serializers.serialize("json", [dan])):
                loaded.save()
        assert not enrolled(User.objects.get(username="dan"))

    def test_a_login_costs_nothing(self) -> None:
        ana = make_user("ana")
        with self.assertNumQueries(1), self.committed():  # the update itself
            ana.save(update_fields=["last_login"])

    def test_a_full_save_without_an_invitation_costs_one_query_after_the_commit(self) -> None:
        ana = make_user("ana")
        with self.assertNumQueries(2), self.committed(), self.assertNumQueries(1):
            ana.save()

    def test_a_save_of_an_account_that_is_not_active_costs_nothing(self) -> None:
        ana = make_user("ana", is_active=False)
        with self.assertNumQueries(1), self.committed():
            ana.save()

    def test_a_fault_of_the_look_keeps_nobody_from_being_saved_and_nothing_from_being_claimed(self) -> None:
        with (
            mock.patch("learning_paths.api.what_waits_for", side_effect=RuntimeError),
            self.assertLogs("learning_paths.receivers", "ERROR") as logs,
            self.committed(),
        ):
            dan = make_user("dan")
        self.assert_only_the_id_is_told(logs.output, dan)
        assert enrolled(dan)

    def test_a_fault_of_ours_never_keeps_a_user_from_being_saved(self) -> None:
        with (
            mock.patch("learning_paths.api.claim_invitations", side_effect=RuntimeError("of dan@example.com")),
            self.assertLogs("learning_paths.receivers", "ERROR") as logs,
            self.committed(),
        ):
            dan = make_user("dan")
        assert User.objects.filter(pk=dan.pk).exists()
        self.assert_only_the_id_is_told(logs.output, dan)

    def test_a_fault_of_the_database_in_the_middle_of_a_claim_leaves_the_user_and_no_half_claim(self) -> None:
        with (
            mock.patch("learning_paths.actions.invitations.record_manual_change", side_effect=DatabaseError),
            self.assertLogs("learning_paths.receivers", "ERROR") as logs,
            self.committed(),
        ):
            dan = make_user("dan")
        self.assert_only_the_id_is_told(logs.output, dan)
        assert User.objects.filter(pk=dan.pk).exists()
        assert not enrolled(dan)
        assert LearningPathEnrollmentAllowed.objects.get().is_pending


@ddt.ddt
class ActivateOnSaveTests(SaveTestCase):
    """dan@example.com was assigned a license; who becomes its owner activates it."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()
        api.assign_licenses(make_plan(), ["dan@example.com"], acting_user=self.sam)

    def activated(self, user: User) -> bool:
        """Whether the license is the user's."""
        row = License.objects.get()
        assert (row.status == LicenseStatus.ACTIVATED) == (row.user is not None)
        return row.user == user

    def test_an_account_that_is_created_active(self) -> None:
        with self.committed():
            dan = make_user("dan", email="Dan@Example.com")
        assert self.activated(dan)

    @ddt.data(None, ["is_active"])
    def test_an_account_that_is_activated_later(self, update_fields: list[str] | None) -> None:
        dan = make_user("dan", is_active=False)
        assert not self.activated(dan)
        with self.committed():
            dan.is_active = True
            dan.save(update_fields=update_fields)
        assert self.activated(dan)

    def test_an_active_account_that_changes_to_the_address(self) -> None:
        daniel = make_user("daniel", email="daniel@elsewhere.org")
        with self.committed():
            daniel.email = "dan@example.com"
            daniel.save(update_fields=["email"])
        assert self.activated(daniel)

    def test_a_save_costs_one_query_though_invitations_and_licenses_wait_for_others(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        ana = make_user("ana")
        with self.assertNumQueries(2), self.committed():
            ana.save()  # the update, and after the commit the look at both

    def test_a_save_costs_one_query_once_everything_is_claimed(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        with self.committed():
            dan = make_user("dan")
        assert self.activated(dan)
        assert enrolled(dan)
        with self.assertNumQueries(2), self.committed():
            dan.save()

    @ddt.data("claim_invitations", "activate_licenses")
    def test_a_fault_in_one_does_not_keep_the_other_from_being_claimed(self, faulty: str) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        with (
            mock.patch(f"learning_paths.api.{faulty}", side_effect=DatabaseError),
            self.assertLogs("learning_paths.receivers", "ERROR") as logs,
            self.committed(),
        ):
            dan = make_user("dan")
        self.assert_only_the_id_is_told(logs.output, dan)
        assert enrolled(dan) == (faulty == "activate_licenses")
        assert self.activated(dan) == (faulty == "claim_invitations")

    def test_a_fault_of_the_database_in_the_middle_leaves_no_half_activation(self) -> None:
        api.assign_licenses(make_plan("Autumn"), ["dan@example.com"], acting_user=self.sam)
        save = mock.Mock(side_effect=[None, DatabaseError])
        with (
            mock.patch("learning_paths.actions.licenses.save_with_history", save),
            self.assertLogs("learning_paths.receivers", "ERROR") as logs,
            self.committed(),
        ):
            dan = make_user("dan")
        self.assert_only_the_id_is_told(logs.output, dan)
        assert User.objects.filter(pk=dan.pk).exists()
        assert License.objects.waiting_for("dan@example.com").count() == 2


class ClaimOnCommitTests(TransactionTestCase):
    """The registering side's second look, with a real commit."""

    def test_an_invitation_that_was_not_visible_before_the_commit_is_claimed_after_it(self) -> None:
        sam = make_staff("sam")
        path = make_path()
        with transaction.atomic():
            dan = make_user("dan")
            LearningPathEnrollmentAllowed.objects.create(email="dan@example.com", learning_path=path)
            assert not enrolled(dan)
        assert enrolled(dan)
        assert not enrolled(sam)

    def test_a_license_that_was_not_visible_before_the_commit_is_activated_after_it(self) -> None:
        plan = make_plan()
        with transaction.atomic():
            dan = make_user("dan")
            License.objects.create(
                subscription_plan=plan, email="dan@example.com", status=LicenseStatus.ASSIGNED, user=None
            )
        assert License.objects.get().user == dan

    def test_outside_a_transaction_there_is_one_look(self) -> None:
        ana = make_user("ana")
        with self.assertNumQueries(2):
            ana.save()

    def test_in_a_transaction_by_hand_nothing_is_done_and_the_sweep_finds_it(self) -> None:
        """Django tells nobody of such a commit, and refuses to be asked."""
        api.invite("dan@example.com", make_path(), acting_user=None)
        transaction.set_autocommit(False)
        try:
            dan = make_user("dan")
            transaction.commit()
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
        assert not enrolled(dan)
        api.claim_waiting()
        assert enrolled(dan)

    def test_a_fault_outside_a_transaction_keeps_nobody_from_being_saved(self) -> None:
        fault = mock.patch("learning_paths.actions.invitations.record_manual_change", side_effect=DatabaseError)
        api.invite("dan@example.com", make_path(), acting_user=None)
        with fault, self.assertLogs("learning_paths.receivers", "ERROR"):
            dan = make_user("dan")
        assert User.objects.filter(pk=dan.pk).exists()
        assert not enrolled(dan)
