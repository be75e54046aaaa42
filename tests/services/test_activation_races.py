"""People who activate their accounts at the same moment, while staff enroll many of them in bulk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.actions.locks import lock
from learning_paths.data import RowCode
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_path, make_staff
from tests.services.threads import at_once

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer; these races need a server"),
]

ACTIVATED, FAILED = "activated", "failed"


class ActivationRaceTests(TransactionTestCase):
    """
    Whoever activates an account is saved, and gets what was promised.

    Most invitations are consumed, as on a site of some age. There MariaDB finds the few that are pending by an
    intersection of indexes, which is when a locking read locks the invitations of others.
    """

    CONSUMED = 1000

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.paths = [make_path(f"path-v1:DemoX+P{number}+2026") for number in range(3)]
        LearningPathEnrollmentAllowed.objects.bulk_create(
            LearningPathEnrollmentAllowed(email=f"old{number}@example.com", learning_path=self.paths[0], user=self.sam)
            for number in range(self.CONSUMED)
        )

    def register(self, prefix: str, count: int) -> list[User]:
        """Return new accounts that are not active yet."""
        names = [f"{prefix}-{number}" for number in range(count)]
        User.objects.bulk_create(User(username=name, email=f"{name}@example.com", is_active=False) for name in names)
        return list(User.objects.filter(username__in=names).order_by("pk"))

    def activating(self, user: User) -> Callable[[], str]:
        """Return a function that activates an account as the LMS does it: in the transaction of a request."""

        def activate() -> str:
            try:
                with transaction.atomic():
                    user.is_active = True
                    user.save()
            except OperationalError:
                return FAILED
            return ACTIVATED

        return activate

    def bulk(self, emails: list[str]) -> Callable[[], int]:
        """Return a function that enrolls these addresses in all paths."""
        work = api.prepare_bulk(emails, [path.key for path in self.paths])
        return lambda: sum(row.code.is_failure for row in api.bulk_enroll(work, acting_user=self.sam).rows)

    def assert_nobody_waits(self, learners: int) -> None:
        """Each learner has each path, by one change, and no invitation of theirs is left."""
        assert not LearningPathEnrollmentAllowed.objects.pending().filter(email__in=_active_addresses()).exists()
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == learners * len(self.paths)
        assert LearningPathEnrollment.history.count() == learners * len(self.paths)
        assert ManualEnrollmentAudit.history.count() == ManualEnrollmentAudit.objects.count()

    def test_eight_activate_beside_two_bulk_runs(self) -> None:
        """Of the eight, half are invited before, and all are named in one of the two runs."""
        rounds, people = 20, 8
        outcomes: Counter[str] = Counter()
        failures = 0
        for number in range(rounds):
            users = self.register(f"r{number}", people)
            emails = [user.email for user in users]
            strangers = [f"s{number}-{stranger}@example.com" for stranger in range(12)]
            assert self.bulk(emails[::2])() == 0
            *changes, first, second = at_once(
                [
                    *(self.activating(user) for user in users),
                    self.bulk([*emails[:5], *strangers]),
                    self.bulk([*strangers[::-1], *emails[3:]]),
                ]
            )
            outcomes.update(changes)
            failures += first + second
        assert outcomes == {ACTIVATED: rounds * people}
        assert failures == 0
        self.assert_nobody_waits(rounds * people)

    def test_an_invitation_that_is_claimed_between_the_look_and_the_lock_of_a_bulk_run(self) -> None:
        """Else the run would see an invitation that is used, by an account that it can't see yet, and tell so."""
        [dan] = self.register("dan", 1)
        assert self.bulk([dan.email])() == 0
        looks = []

        def activate_before(rows: Any, ids: Any) -> Any:
            looks.append(list(ids))
            if len(looks) == 1:
                at_once([self.activating(dan)])
            return lock(rows, ids)

        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with mock.patch("learning_paths.actions.bulk_plan.lock_rows", activate_before):
            report = api.bulk_enroll(api.prepare_bulk([dan.email], [self.paths[0].key]), acting_user=self.sam)
        assert [row.code for row in report.rows] == [RowCode.ALREADY_ENROLLED]
        connection.close()


def _active_addresses() -> list[str]:
    return list(User.objects.filter(is_active=True).values_list("email", flat=True))
