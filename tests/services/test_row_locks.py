"""Nobody waits for a lock on somebody else's row: while one row is locked, all that concerns other rows goes on."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import TransactionTestCase

from learning_paths import api
from learning_paths.data import LicenseStatus
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, License
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.services.locks import held, impatient

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="InnoDB locks what an index reads"),
]


class RowLockTests(TransactionTestCase):
    """
    Dan is about to get his invitations and licenses, while those of eight others are locked, and most are consumed.

    With such numbers MariaDB finds the invitations of an address by an intersection of indexes, one of which knows all
    that are pending.
    """

    CONSUMED, OTHERS = 1000, 8

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.paths = [make_path(f"path-v1:DemoX+P{number}+2026") for number in range(10)]
        LearningPathEnrollmentAllowed.objects.bulk_create(
            LearningPathEnrollmentAllowed(email=f"old{number}@example.com", learning_path=self.paths[0], user=self.sam)
            for number in range(self.CONSUMED)
        )
        self.dan = make_user("dan", is_active=False)
        emails = ["dan@example.com", *(f"other{number}@example.com" for number in range(self.OTHERS))]
        self.plan = make_plan()
        api.assign_licenses(self.plan, emails, acting_user=None)
        # Dan's are the last, so that what is read in the order of the ids meets those of the others before.
        keys = [path.key for path in self.paths]
        api.bulk_enroll(api.prepare_bulk(emails[::-1], keys), acting_user=None)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE TABLE {LearningPathEnrollmentAllowed._meta.db_table}")
            cursor.fetchall()

    def test_all_that_concerns_other_rows_goes_on(self) -> None:
        others = [f"other{number}@example.com" for number in range(self.OTHERS)]
        for number in range(self.OTHERS):
            learner = make_user(f"other{number}", email=f"other{number}@elsewhere.org")
            api.enroll(learner, self.paths[0], acting_user=None)
        locked = (
            LearningPathEnrollmentAllowed.objects.pending().filter(email__in=others),
            License.objects.filter(status=LicenseStatus.ASSIGNED, email__in=others),
            LearningPathEnrollment.objects.filter(user__username__startswith="other"),
        )
        with held(locked[0]), held(locked[1]), held(locked[2]), impatient():
            self.staff_invite_and_withdraw()
            self.dan_arrives()
            self.dan_comes_and_goes()
            self.staff_enroll_in_bulk()
            api.revoke_license(self.plan, "dan@example.com", acting_user=self.sam)

    def staff_invite_and_withdraw(self) -> None:
        api.invite("new@example.com", self.paths[0], acting_user=self.sam)
        api.withdraw_invitation("dan@example.com", self.paths[0], acting_user=self.sam)

    def dan_arrives(self) -> None:
        User.objects.filter(pk=self.dan.pk).update(is_active=True)
        self.dan.refresh_from_db()
        api.enroll(self.dan, self.paths[1], acting_user=self.dan)
        assert len(api.claim_invitations(self.dan)) == len(self.paths) - 2
        assert len(api.activate_licenses(self.dan)) == 1

    def dan_comes_and_goes(self) -> None:
        api.unenroll(self.dan, self.paths[1], acting_user=self.dan)
        api.enroll(self.dan, self.paths[1], acting_user=self.dan)

    def staff_enroll_in_bulk(self) -> None:
        emails = ["dan@example.com", "sam@example.com", "newer@example.com"]
        work = api.prepare_bulk(emails, [path.key for path in self.paths])
        for run in (api.bulk_enroll, api.bulk_unenroll):
            assert not any(row.code.is_failure for row in run(work, acting_user=self.sam).rows)

    def test_a_save_within_a_transaction_waits_for_no_lock_of_ours_at_all(self) -> None:
        """Not for one on one's own invitation either."""
        own = LearningPathEnrollmentAllowed.objects.filter(email="dan@example.com")
        with held(own), impatient(), self.assertNoLogs("learning_paths"), transaction.atomic():
            self.dan.is_active = True
            self.dan.save()
            transaction.set_rollback(True)
