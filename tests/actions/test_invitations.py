"""Inviting, withdrawing and claiming, through the public API."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.test import TestCase

from learning_paths import api, signals
from learning_paths.actions.invitations import claim_for_addresses
from learning_paths.data import StateTransition
from learning_paths.exceptions import AmbiguousEmail, InvalidEmail, InvitationTaken, NotInvited, RetiredEmail
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from sandbox.accounts.models import RetiredAccount
from tests.factories import make_path, make_staff, make_user


def activate_silently(user: User) -> User:
    """Confirm an account in a way that no receiver hears of."""
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.refresh_from_db()
    return user


@ddt.ddt
class InviteTests(TestCase):
    """Sam of the staff invites addresses to a path."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_an_address_of_nobody_waits(self) -> None:
        outcome = api.invite(
            " Dan@Example.com ", self.path, reason="Scholarship", role="Manager", org="DemoX", acting_user=self.sam
        )
        assert outcome.is_pending
        assert outcome.changed
        assert outcome.email == "dan@example.com"
        row = LearningPathEnrollmentAllowed.objects.get()
        assert (row.email, row.learning_path, row.user, row.is_active) == ("dan@example.com", self.path, None, True)
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ALLOWED
        assert (audit.enrollment, audit.enrollment_allowed) == (None, row)
        assert (audit.enrolled_by, audit.enrolled_email) == (self.sam, "dan@example.com")
        assert (audit.reason, audit.role, audit.org) == ("Scholarship", "Manager", "DemoX")
        assert ManualEnrollmentAudit.history.get().history_user == self.sam

    def test_an_address_that_waits_already_is_left_as_it_is(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        outcome = api.invite("DAN@example.com", self.path, acting_user=self.sam)
        assert outcome.is_pending
        assert not outcome.changed
        assert LearningPathEnrollmentAllowed.objects.count() == 1
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_the_address_of_an_account_that_is_not_active_waits(self) -> None:
        make_user("dan", is_active=False)
        assert api.invite("dan@example.com", self.path, acting_user=self.sam).is_pending
        assert not LearningPathEnrollment.objects.exists()

    def test_the_owner_of_an_active_account_is_enrolled_at_once(self) -> None:
        ana = make_user("ana", email="Ana@Example.com")
        outcome = api.invite("ana@example.com", self.path, reason="Scholarship", acting_user=self.sam)
        assert outcome.changed
        assert outcome.enrollment == LearningPathEnrollment.objects.get(user=ana).as_data()
        invitation = LearningPathEnrollmentAllowed.objects.get()
        assert (invitation.user, invitation.is_active) == (ana, True)
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert (audit.enrollment, audit.enrollment_allowed) == (ana.learningpathenrollment_set.get(), invitation)
        assert (audit.enrolled_by, audit.reason) == (self.sam, "Scholarship")

    def test_a_learner_who_is_enrolled_already_is_left_as_is(self) -> None:
        ana = make_user("ana")
        enrolled = api.enroll(ana, self.path, acting_user=ana).enrollment
        outcome = api.invite("ana@example.com", self.path, acting_user=self.sam)
        assert not outcome.changed
        assert outcome.enrollment == enrolled
        assert not LearningPathEnrollmentAllowed.objects.exists()
        assert not ManualEnrollmentAudit.objects.exists()

    def test_a_learner_who_left_is_enrolled_again(self) -> None:
        ana = make_user("ana")
        api.enroll(ana, self.path, acting_user=ana)
        api.unenroll(ana, self.path, acting_user=ana)
        assert api.invite("ana@example.com", self.path, acting_user=self.sam).changed
        assert api.get_active_enrollment(ana, self.path)

    def test_a_waiting_address_whose_owner_is_there_is_enrolled(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        activate_silently(dan)
        outcome = api.invite("dan@example.com", self.path, acting_user=self.sam)
        assert outcome.enrollment is not None
        assert ManualEnrollmentAudit.objects.latest("pk").state_transition == StateTransition.ALLOWED_TO_ENROLLED

    def test_by_the_system_names_nobody(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=None)
        assert ManualEnrollmentAudit.objects.get().enrolled_by is None

    @ddt.data("", "dan", "dan@example.com ana@example.com")
    def test_what_is_no_address_is_refused(self, text: str) -> None:
        with self.assertRaises(InvalidEmail):
            api.invite(text, self.path, acting_user=self.sam)

    def test_a_retired_address_is_refused(self) -> None:
        RetiredAccount.objects.create(email="dan@example.com")
        with self.assertRaises(RetiredEmail):
            api.invite("Dan@example.com", self.path, acting_user=self.sam)
        assert not LearningPathEnrollmentAllowed.objects.exists()

    def test_an_address_of_two_accounts_is_refused(self) -> None:
        make_user("dan", email="dan@example.com")
        make_user("dan2", email="DAN@example.com")
        with self.assertRaises(AmbiguousEmail):
            api.invite("dan@example.com", self.path, acting_user=self.sam)
        assert not LearningPathEnrollment.objects.exists()
        assert not LearningPathEnrollmentAllowed.objects.exists()

    def test_an_address_that_is_alike_but_for_an_accent_is_another(self) -> None:
        make_user("jose", email="josé@example.com")
        assert api.invite("jose@example.com", self.path, acting_user=self.sam).is_pending

    def test_an_invitation_that_another_account_used_is_not_offered_again(self) -> None:
        ana = make_user("ana")
        api.invite("ana@example.com", self.path, acting_user=self.sam)
        ana.email = "ana@elsewhere.org"
        ana.save()
        with self.assertRaises(InvitationTaken):
            api.invite("ana@example.com", self.path, acting_user=self.sam)
        another = make_user("another", email="ana@example.com")
        assert not LearningPathEnrollment.objects.filter(user=another).exists()
        assert api.invite("ana@example.com", self.path, acting_user=self.sam).changed
        assert LearningPathEnrollmentAllowed.objects.get().user == ana
        assert api.get_active_enrollment(another, self.path)
        assert ManualEnrollmentAudit.objects.latest("pk").enrollment_allowed is None  # which is ana's

    def test_event_leaves_after_the_commit(self) -> None:
        received = []

        def receive(invitation: Any, **kwargs: Any) -> None:
            received.append(invitation)

        signals.LEARNING_PATH_INVITATION_CREATED.connect(receive)
        self.addCleanup(signals.LEARNING_PATH_INVITATION_CREATED.disconnect, receive)
        with self.captureOnCommitCallbacks(execute=True):
            outcome = api.invite("dan@example.com", self.path, acting_user=self.sam)
        assert received == [outcome]

    def test_who_registered_meanwhile_is_enrolled_after_the_commit(self) -> None:
        """The inviter's second look; the thread tests show the same with real commits."""
        with self.captureOnCommitCallbacks(execute=True):
            outcome = api.invite("dan@example.com", self.path, acting_user=self.sam)
            assert outcome.is_pending
            dan = activate_silently(make_user("dan", is_active=False))
        assert api.get_active_enrollment(dan, self.path)
        assert ManualEnrollmentAudit.objects.latest("pk").enrolled_by == self.sam

    def test_a_fault_in_the_second_look_does_not_fail_the_request(self) -> None:
        with (
            mock.patch("learning_paths.actions.accounts.users_by_email", side_effect=RuntimeError),
            self.assertLogs("learning_paths", "ERROR"),
            self.captureOnCommitCallbacks(execute=True),
        ):
            api.invite("dan@example.com", self.path, acting_user=self.sam)
        assert LearningPathEnrollmentAllowed.objects.get().is_pending


class WithdrawTests(TestCase):
    """Sam takes an invitation back."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_a_pending_one(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        api.withdraw_invitation("DAN@example.com", self.path, reason="A mistake", acting_user=self.sam)
        row = LearningPathEnrollmentAllowed.objects.get()
        assert not row.is_active
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert audit.state_transition == StateTransition.ALLOWED_TO_UNENROLLED
        assert (audit.enrolled_by, audit.reason, audit.enrollment_allowed) == (self.sam, "A mistake", row)
        dan = make_user("dan")
        assert not LearningPathEnrollment.objects.filter(user=dan).exists()

    def test_none_a_withdrawn_one_and_a_consumed_one_are_refused(self) -> None:
        with self.assertRaises(NotInvited):
            api.withdraw_invitation("dan@example.com", self.path, acting_user=self.sam)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        api.withdraw_invitation("dan@example.com", self.path, acting_user=self.sam)
        with self.assertRaises(NotInvited):
            api.withdraw_invitation("dan@example.com", self.path, acting_user=self.sam)
        make_user("ana")
        api.invite("ana@example.com", self.path, acting_user=self.sam)
        with self.assertRaises(NotInvited):
            api.withdraw_invitation("ana@example.com", self.path, acting_user=self.sam)

    def test_a_withdrawn_address_can_be_invited_again(self) -> None:
        api.invite("dan@example.com", self.path, reason="First", acting_user=self.sam)
        api.withdraw_invitation("dan@example.com", self.path, acting_user=self.sam)
        outcome = api.invite("dan@example.com", self.path, reason="Second", acting_user=None)
        assert outcome.changed
        assert LearningPathEnrollmentAllowed.objects.get().is_pending
        with self.captureOnCommitCallbacks(execute=True):
            dan = make_user("dan")
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert (audit.enrollment, audit.reason, audit.enrolled_by) == (
            dan.learningpathenrollment_set.get(),
            "Second",
            None,
        )


class ClaimTests(TestCase):
    """Dan's account becomes real, and he gets what his address was invited to."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.tia = make_staff("tia")
        self.path = make_path("path-v1:DemoX+DS101+2026")
        self.other = make_path("path-v1:DemoX+WEB+2026+A", invite_only=True)

    def test_everything_pending_with_an_audit_row_of_each_invitation(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, reason="One", role="r1", org="o1", acting_user=self.sam)
        api.invite("dan@example.com", self.other, reason="Two", role="r2", org="o2", acting_user=self.tia)
        activate_silently(dan)
        outcomes = api.claim_invitations(dan)
        assert {outcome.enrollment.learning_path_key for outcome in outcomes} == {self.path.key, self.other.key}
        assert all(outcome.transition == StateTransition.ALLOWED_TO_ENROLLED for outcome in outcomes)
        for path, by, reason, role, org in (
            (self.path, self.sam, "One", "r1", "o1"),
            (self.other, self.tia, "Two", "r2", "o2"),
        ):
            enrollment = LearningPathEnrollment.objects.get(user=dan, learning_path=path)
            assert enrollment.is_active
            assert enrollment.history.get().history_user is None
            audit = enrollment.audit.get()
            assert audit.state_transition == StateTransition.ALLOWED_TO_ENROLLED
            assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (by, reason, role, org)
            assert audit.enrollment_allowed == dan.learningpathenrollmentallowed_set.get(learning_path=path)
            assert audit.enrolled_email == "dan@example.com"
        assert api.claim_invitations(dan) == []

    def test_nothing_while_the_account_is_not_active(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        with self.assertNumQueries(0):
            assert api.claim_invitations(dan) == []
        dan.is_active = True  # in memory only
        with self.assertLogs("learning_paths", "WARNING"):
            assert api.claim_invitations(dan) == []

    def test_nothing_without_a_usable_address(self) -> None:
        nobody = make_user("nobody", email="")
        kelvin = make_user("kelvin", email="mi\u212ae@example.com")
        with self.assertNumQueries(0):
            assert api.claim_invitations(nobody) == []
            assert api.claim_invitations(kelvin) == []

    def test_costs_one_query_when_nothing_is_pending(self) -> None:
        ana = make_user("ana")
        with self.assertNumQueries(1):
            assert api.claim_invitations(ana) == []

    def test_a_withdrawn_invitation_is_not_claimed(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        api.withdraw_invitation("dan@example.com", self.path, acting_user=self.sam)
        assert api.claim_invitations(make_user("dan")) == []

    def test_who_is_enrolled_already_is_not_enrolled_twice(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        enrolled = api.enroll(dan, self.path, acting_user=dan).enrollment
        activate_silently(dan)
        assert api.claim_invitations(dan) == []
        assert LearningPathEnrollment.objects.get().as_data() == enrolled
        assert LearningPathEnrollmentAllowed.objects.get().user == dan
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_who_left_before_is_enrolled_again(self) -> None:
        dan = make_user("dan", is_active=False)
        first = api.enroll(dan, self.path, acting_user=dan).enrollment
        api.unenroll(dan, self.path, acting_user=dan)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        [outcome] = api.claim_invitations(activate_silently(dan))
        assert not outcome.created
        assert outcome.enrollment.enrolled_at > first.enrolled_at

    def test_an_address_of_two_accounts_is_never_guessed(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        make_user("dan", email="dan@example.com", is_active=False)
        with self.assertLogs("learning_paths", "WARNING"), self.captureOnCommitCallbacks(execute=True):
            second = make_user("dan2", email="Dan@example.com")
        assert not LearningPathEnrollment.objects.filter(user=second).exists()
        assert LearningPathEnrollmentAllowed.objects.get().is_pending

    def test_an_invitation_without_an_audit_row_is_claimed_for_nobody(self) -> None:
        """As learning-paths-plugin 0.5.0 may have left one."""
        LearningPathEnrollmentAllowed.objects.create(email="dan@example.com", learning_path=self.path)
        with self.captureOnCommitCallbacks(execute=True):
            dan = make_user("dan")
        assert LearningPathEnrollment.objects.get().user == dan
        assert ManualEnrollmentAudit.objects.get().enrolled_by is None

    def test_for_addresses(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        with self.assertNumQueries(1):
            claim_for_addresses(["nobody@example.com"])
        claim_for_addresses(["dan@example.com"])
        assert not LearningPathEnrollment.objects.exists()
        activate_silently(dan)
        claim_for_addresses(["dan@example.com", "nobody@example.com"])
        assert api.get_active_enrollment(dan, self.path)
