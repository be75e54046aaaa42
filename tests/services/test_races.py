"""What happens when people act at the same time: real threads, real commits, a real database server."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_path, make_staff, make_user
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
]

URL = "/api/v1/learning-path-enrollment/path-v1:DemoX+DS101+2026/"


class EnrollmentRaceTests(TransactionTestCase):
    """Fifty requests for the same enrollment."""

    def setUp(self) -> None:
        self.path = make_path()
        self.ana = make_user("ana")

    def request(self, method: str, user: User) -> Callable[[], int]:
        """Return a function that sends one request, through ``ATOMIC_REQUESTS`` as in the LMS."""

        def send() -> int:
            client = APIClient(raise_request_exception=False)
            client.force_authenticate(User.objects.get(pk=user.pk))
            status: int = getattr(client, method)(f"{URL}?username=ana").status_code
            return status

        return send

    def test_fifty_posts_make_one_enrollment(self) -> None:
        statuses = Counter(at_once([self.request("post", self.ana)] * 50))
        assert statuses == {201: 1, 409: 49}
        assert LearningPathEnrollment.objects.count() == 1
        assert LearningPathEnrollment.history.count() == 1

    def test_fifty_posts_switch_one_enrollment_on(self) -> None:
        api.enroll(self.ana, self.path, acting_user=None)
        api.unenroll(self.ana, self.path, acting_user=None)
        statuses = Counter(at_once([self.request("post", self.ana)] * 50))
        assert statuses == {200: 1, 409: 49}
        assert LearningPathEnrollment.history.count() == 3

    def test_twenty_deletes_by_staff_unenroll_once(self) -> None:
        sam = make_staff("sam")
        api.enroll(self.ana, self.path, acting_user=None)
        statuses = Counter(at_once([self.request("delete", sam)] * 20))
        assert statuses == {204: 1, 404: 19}
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_a_learner_and_staff_post_for_the_same_invited_learner(self) -> None:
        sam = make_staff("sam")
        LearningPathEnrollmentAllowed.objects.create(email="ana@example.com", learning_path=self.path)
        statuses = Counter(at_once([self.request("post", self.ana), self.request("post", sam)] * 10))
        assert statuses == {201: 1, 409: 19}
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ana


class RegistrationRaceTests(TransactionTestCase):
    """
    A user registers in a transaction while staff invite the address in another.

    Each reads before the other commits, in either order, for 200 rounds: the invitation is always claimed.
    """

    ROUNDS = 200

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_no_invitation_is_left_behind(self) -> None:
        for round_number in range(self.ROUNDS):
            self.play(f"dan{round_number}", registering_commits_first=round_number % 2 == 0)
        self.assert_all_claimed(self.ROUNDS)

    def test_no_invitation_is_left_behind_when_commits_fall_as_they_may(self) -> None:
        for round_number in range(self.ROUNDS):
            self.play(f"dan{round_number}", registering_commits_first=None)
        self.assert_all_claimed(self.ROUNDS)

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

        def invite() -> None:
            api.invite(f"{name}@example.com", self.path, reason=name, acting_user=self.sam)

        second = None if registering_commits_first is None else not registering_commits_first
        sides = [
            lambda: in_order(register, goes_first=registering_commits_first),
            lambda: in_order(invite, goes_first=second),
        ]
        random.shuffle(sides)
        at_once(sides)

    def assert_all_claimed(self, rounds: int) -> None:
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == rounds
        assert LearningPathEnrollment.history.count() == rounds
        claims = ManualEnrollmentAudit.objects.filter(state_transition=StateTransition.ALLOWED_TO_ENROLLED)
        assert claims.count() == rounds
        assert all(
            audit.enrolled_by_id == self.sam.pk and audit.enrolled_email == f"{audit.reason}@example.com"
            for audit in claims
        )


class InvitationRaceTests(TransactionTestCase):
    """The same address, invited and claimed many times at once."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_twenty_invitations_of_one_address_make_one(self) -> None:
        def invite() -> bool:
            return api.invite("dan@example.com", self.path, acting_user=self.sam).changed

        assert Counter(at_once([invite] * 20)) == {True: 1, False: 19}
        assert LearningPathEnrollmentAllowed.objects.get().is_pending
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_twenty_claims_of_one_invitation_enroll_once(self) -> None:
        dan = make_user("dan", is_active=False)
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        User.objects.filter(pk=dan.pk).update(is_active=True)
        dan.refresh_from_db()

        def claim() -> int:
            return len(api.claim_invitations(dan))

        assert sum(at_once([claim] * 20)) == 1
        assert LearningPathEnrollment.history.count() == 1
