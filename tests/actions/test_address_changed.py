"""Unenrolling by an address that the learner was invited by and has changed since: told, offered, never silent."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport, RowStatus
from learning_paths.exceptions import BulkJobConflict, InvitationUsed, NotInvited
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment, ManualEnrollmentAudit
from tests.factories import make_path, make_staff, make_user

DS, WEB = "path-v1:DemoX+DS101+2026", "path-v1:DemoX+WEB+2026+A"
OLD, NEW = "old@example.com", "new@example.com"


def rows_of(report: BulkReport) -> list[tuple[str, str, str]]:
    """Address, code and username of each row."""
    return [(row.email, row.code.value, row.username) for row in report.rows]


class AddressChangedCase(TestCase):
    """Ana was enrolled by her old address and has another one now; Sam has a list with the old one."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.ana = make_user("ana", email=OLD)
        self.ds, self.web = make_path(DS), make_path(WEB)
        api.bulk_enroll(api.prepare_bulk(OLD, [DS]), acting_user=self.sam)
        self.change(self.ana, NEW)

    def change(self, user: User, email: str) -> None:
        user.email = email
        user.save()

    def unenroll(self, emails: str, paths: Any = (DS,)) -> BulkReport:
        return api.bulk_unenroll(api.prepare_bulk(emails, paths), acting_user=self.sam)

    def is_enrolled(self, user: User) -> bool:
        return LearningPathEnrollment.objects.filter(user=user, learning_path=self.ds, is_active=True).exists()

    def run_job(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        api.run_bulk_job(api.confirm_bulk_job(job, acting_user=self.sam).pk)
        job.refresh_from_db()
        return job

    def draft(self, emails: str, operation: BulkOperation = BulkOperation.UNENROLL) -> BulkEnrollmentJob:
        work = api.prepare_bulk(emails, [DS, WEB])
        return api.draft_bulk_job(work, operation=operation, reason="Over", acting_user=self.sam)


class BulkUnenrollTests(AddressChangedCase):
    """What a run says."""

    def test_the_learner_stays_and_staff_are_told_which_account_it_is(self) -> None:
        audits = ManualEnrollmentAudit.objects.count()
        plan = api.plan_bulk_enrollment(api.prepare_bulk(OLD, [DS]), operation=BulkOperation.UNENROLL)
        report = self.unenroll(OLD)
        assert rows_of(plan) == rows_of(report) == [(OLD, "address_changed", "ana")]
        assert report.rows[0].code.status == RowStatus.FAILURE
        assert self.is_enrolled(self.ana)
        assert ManualEnrollmentAudit.objects.count() == audits

    def test_in_the_words_of_the_csv(self) -> None:
        file = StringIO()
        api.write_csv(self.unenroll(OLD), file)
        assert "has another address now" in file.getvalue()
        assert "The username is ana." in file.getvalue()

    def test_the_present_address_unenrolls(self) -> None:
        assert rows_of(self.unenroll(NEW)) == [(NEW, "unenrolled", "ana")]

    def test_who_has_left_since_is_not_enrolled(self) -> None:
        api.unenroll(self.ana, self.ds, acting_user=self.ana)
        assert rows_of(self.unenroll(OLD)) == [(OLD, "not_enrolled", "")]

    def test_it_is_told_of_the_path_of_the_invitation_alone(self) -> None:
        api.enroll(self.ana, self.web, acting_user=self.ana)
        assert [code for _, code, _ in rows_of(self.unenroll(OLD, [DS, WEB]))] == ["address_changed", "not_enrolled"]

    def test_whoever_has_the_old_address_now_is_another(self) -> None:
        bob = make_user("bob", email=OLD)
        assert rows_of(self.unenroll(OLD)) == [(OLD, "address_changed", "ana")]
        api.enroll(bob, self.ds, acting_user=bob)
        assert rows_of(self.unenroll(OLD)) == [(OLD, "unenrolled", "bob")]
        assert self.is_enrolled(self.ana)

    def test_an_account_that_only_spells_it_otherwise_has_not_changed_it(self) -> None:
        self.change(self.ana, "OLD@Example.com")
        assert rows_of(self.unenroll(OLD)) == [(OLD, "unenrolled", "ana")]

    def test_one_query_more_for_any_number_of_them(self) -> None:
        def count(emails: str, queries: int) -> None:
            work = api.prepare_bulk(emails, [DS])
            with self.assertNumQueries(queries):
                api.plan_bulk_enrollment(work, operation=BulkOperation.UNENROLL)

        count("none@example.com", 2)
        count(OLD, 3)
        for number in range(3):
            user = make_user(f"u{number}")
            api.bulk_enroll(api.prepare_bulk(user.email, [DS]), acting_user=self.sam)
            self.change(user, f"later{number}@example.com")
        count(f"{OLD} u0@example.com u1@example.com u2@example.com", 3)

    def test_enrolling_by_the_old_address_is_refused_as_before(self) -> None:
        report = api.bulk_enroll(api.prepare_bulk(OLD, [DS]), acting_user=self.sam)
        assert rows_of(report) == [(OLD, "invitation_taken", "")]


class OfferTests(AddressChangedCase):
    """The accounts are offered as a draft of their own, by the addresses that they have now."""

    def test_after_the_run(self) -> None:
        job = self.run_job(self.draft(f"{OLD} none@example.com"))
        assert job.counts == {"address_changed": 1, "not_enrolled": 3}
        offered = api.draft_changed_addresses(job, acting_user=self.sam)
        assert [*offered.rows.values_list("email", "username", "planned")] == [(NEW, "ana", "unenrolled")]
        assert (offered.operation, offered.origin, offered.reason) == ("unenroll", job, "Over")
        assert self.is_enrolled(self.ana)
        self.run_job(offered)
        assert not self.is_enrolled(self.ana)
        assert ManualEnrollmentAudit.objects.latest("pk").enrolled_email == NEW

    def test_out_of_the_preview_which_stays_as_it_is(self) -> None:
        draft = self.draft(OLD)
        offered = api.draft_changed_addresses(draft, acting_user=self.sam)
        assert [*offered.rows.values_list("email", "planned")] == [(NEW, "unenrolled")]
        assert draft.rows.count() == 2

    def test_a_second_change_is_followed(self) -> None:
        job = self.run_job(self.draft(OLD))
        self.change(self.ana, "newest@example.com")
        offered = api.draft_changed_addresses(job, acting_user=self.sam)
        assert [*offered.rows.values_list("email", flat=True)] == ["newest@example.com"]

    def test_nothing_to_offer_is_a_conflict(self) -> None:
        for email in ("", "josé@example.com"):  # no address, and one that nobody can be named by
            job = self.run_job(self.draft(OLD))
            User.objects.filter(pk=self.ana.pk).update(email=email)
            with self.assertRaises(BulkJobConflict):
                api.draft_changed_addresses(job, acting_user=self.sam)
        with self.assertRaises(BulkJobConflict):
            api.draft_changed_addresses(self.draft("none@example.com"), acting_user=self.sam)

    def test_a_retry_leaves_them_out_since_the_same_would_come_of_it(self) -> None:
        job = self.run_job(self.draft(OLD))
        with self.assertRaises(BulkJobConflict):
            api.retry_bulk_job(job, acting_user=self.sam)

    def test_an_undo_finds_whom_it_enrolled_by_whatever_address(self) -> None:
        api.bulk_unenroll(api.prepare_bulk(NEW, [DS]), acting_user=self.sam)
        job = self.run_job(self.draft(NEW, BulkOperation.ENROLL))
        self.change(self.ana, "newest@example.com")
        self.run_job(api.undo_bulk_job(job, acting_user=self.sam))
        assert not self.is_enrolled(self.ana)

    def test_the_result_of_the_job_names_the_account(self) -> None:
        lines = "".join(api.job_csv(self.run_job(self.draft(OLD))))
        assert "The username is ana." in lines


class WithdrawTests(AddressChangedCase):
    """An invitation that was used can't be withdrawn; whose it is, is said."""

    def test_one_that_was_used(self) -> None:
        with self.assertRaisesMessage(InvitationUsed, "ana") as caught:
            api.withdraw_invitation(OLD, self.ds, acting_user=self.sam)
        assert isinstance(caught.exception, NotInvited)
        assert caught.exception.code == "invitation_used"

    def test_none_at_all(self) -> None:
        with self.assertRaises(NotInvited) as caught:
            api.withdraw_invitation("none@example.com", self.ds, acting_user=self.sam)
        assert caught.exception.code == "not_invited"
