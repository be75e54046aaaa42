"""Bulk enrollment of learners who have an account that is not active: what is told, what waits, who is mailed."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport, CourseEnrollmentRequest, JobState, RowStatus, StateTransition
from learning_paths.exceptions import InvitationTaken
from learning_paths.lms import get_lms
from learning_paths.models import (
    BulkEnrollmentJob,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from sandbox.courses.models import CourseEnrollmentAllowed, CourseRun
from tests.factories import make_path, make_plan, make_staff, make_user

DS = "path-v1:DemoX+DS101+2026"
RUN = "course-v1:DemoX+DS+2026"


def codes(report: BulkReport) -> list[str]:
    """The codes of the rows."""
    return [row.code.value for row in report.rows]


class NotActiveCase(TestCase):
    """Sam of the staff, Ida whose account never was active, Dea whose account was, and a path."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.ida = make_user("ida", is_active=False)
        self.dea = make_user("dea")
        self.ds = make_path(DS)

    def enroll(self, emails: str, **kwargs: Any) -> BulkReport:
        return api.bulk_enroll(api.prepare_bulk(emails, [DS]), **{"acting_user": self.sam, **kwargs})

    def plan(self, emails: str) -> BulkReport:
        return api.plan_bulk_enrollment(api.prepare_bulk(emails, [DS]))

    def switch(self, user: User, *, is_active: bool) -> None:
        user.is_active = is_active
        with self.captureOnCommitCallbacks(execute=True):
            user.save()

    def deactivate_dea(self) -> None:
        """Enroll Dea by the address, whose invitation she uses thereby, and take her account out of service."""
        assert codes(self.enroll("dea@example.com")) == ["enrolled"]
        self.switch(self.dea, is_active=False)

    def counts(self) -> tuple[int, ...]:
        models: list[Any] = [LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit]
        return tuple(model.objects.count() for model in models)


class EnrolledTests(NotActiveCase):
    """Who is enrolled stays so, and is told apart from those who wait."""

    def test_who_enrolled_while_not_active_is_enrolled_already_and_not_invited(self) -> None:
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        before = self.counts()
        for report in (self.plan("ida@example.com"), self.enroll("ida@example.com")):
            [row] = report.rows
            assert (row.code.value, row.username) == ("already_enrolled_not_active", "ida")
            assert row.code.status == RowStatus.SUCCESS
            assert not row.code.is_change
            assert not api.notices_of(report)
        assert self.counts() == before

    def test_who_was_enrolled_by_the_address_and_deactivated_is_enrolled_already(self) -> None:
        self.deactivate_dea()
        before = self.counts()
        assert codes(self.plan("dea@example.com")) == ["already_enrolled_not_active"]
        assert codes(self.enroll("dea@example.com")) == ["already_enrolled_not_active"]
        assert self.counts() == before
        assert LearningPathEnrollmentAllowed.objects.get().user == self.dea

    def test_the_words_say_that_the_account_is_not_active(self) -> None:
        self.deactivate_dea()
        report = self.enroll("dea@example.com")
        for as_plan, words in ((False, "Was enrolled already"), (True, "Is enrolled already")):
            file = StringIO()
            api.write_csv(report, file, as_plan=as_plan)
            assert f"already_enrolled_not_active,{words}; account not active." in file.getvalue()

    def test_what_waits_for_one_who_is_enrolled_is_left_waiting(self) -> None:
        assert codes(self.enroll("ida@example.com")) == ["invited"]
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        assert codes(self.enroll("ida@example.com")) == ["already_enrolled_not_active"]
        assert LearningPathEnrollmentAllowed.objects.get().is_pending
        self.switch(self.ida, is_active=True)
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ida

    def test_invite_says_so_too(self) -> None:
        self.deactivate_dea()
        outcome = api.invite("dea@example.com", self.ds, acting_user=self.sam)
        assert (outcome.changed, outcome.is_pending, outcome.account_not_active) == (False, False, True)
        assert outcome.enrollment == api.get_active_enrollment(self.dea, self.ds).as_data()

    def test_unenrolling_does_not_look_at_the_account(self) -> None:
        self.deactivate_dea()
        report = api.bulk_unenroll(api.prepare_bulk("dea@example.com", [DS]), acting_user=self.sam)
        assert codes(report) == ["unenrolled"]


class LeftTests(NotActiveCase):
    """Who was enrolled before, is not now, and can't be while the account is not active: waits, and gets no mail."""

    def leave(self) -> None:
        self.deactivate_dea()
        api.unenroll(self.dea, self.ds, acting_user=self.sam)

    def test_who_used_the_invitation_and_left_waits_for_the_account(self) -> None:
        self.leave()
        assert codes(self.plan("dea@example.com")) == ["not_active"]
        report = self.enroll("dea@example.com", reason="Back again")
        [row] = report.rows
        assert (row.code.value, row.username, row.code.status) == ("not_active", "dea", RowStatus.PENDING)
        assert row.code.is_change
        assert not api.notices_of(report)
        invitation = LearningPathEnrollmentAllowed.objects.get()
        assert invitation.is_pending
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert (audit.state_transition, audit.enrollment_allowed, audit.enrollment, audit.reason) == (
            StateTransition.UNENROLLED_TO_ALLOWED,
            invitation,
            None,
            "Back again",
        )
        assert codes(self.enroll("dea@example.com")) == ["already_invited"]

    def test_and_is_enrolled_again_once_it_is_active(self) -> None:
        self.leave()
        self.enroll("dea@example.com", reason="Back again")
        self.switch(self.dea, is_active=True)
        assert api.get_active_enrollment(self.dea, self.ds)
        assert LearningPathEnrollmentAllowed.objects.get().user == self.dea
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert (audit.state_transition, audit.reason) == (StateTransition.ALLOWED_TO_ENROLLED, "Back again")

    def test_who_enrolled_and_left_by_another_road_waits_likewise(self) -> None:
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        api.unenroll(self.ida, self.ds, acting_user=self.ida)
        assert codes(self.enroll("ida@example.com")) == ["not_active"]
        self.switch(self.ida, is_active=True)
        assert api.get_active_enrollment(self.ida, self.ds)

    def test_one_whose_account_comes_back_between_plan_and_commit_is_enrolled_after_it(self) -> None:
        self.leave()
        with self.captureOnCommitCallbacks(execute=True):
            assert codes(self.enroll("dea@example.com")) == ["not_active"]
            User.objects.filter(pk=self.dea.pk).update(is_active=True)
        assert api.get_active_enrollment(self.dea, self.ds)

    def test_one_invitation(self) -> None:
        self.leave()
        outcome = api.invite("dea@example.com", self.ds, acting_user=self.sam)
        assert (outcome.changed, outcome.is_pending, outcome.account_not_active) == (True, True, True)

    def test_an_address_of_nobody_is_not_called_an_account(self) -> None:
        outcome = api.invite("new@example.com", self.ds, acting_user=self.sam)
        assert (outcome.is_pending, outcome.account_not_active) == (True, False)

    def test_an_invitation_that_another_account_used_is_still_taken(self) -> None:
        self.enroll("dea@example.com")
        self.dea.email = "dea@elsewhere.org"
        self.dea.save()
        make_user("other", email="dea@example.com", is_active=False)
        assert codes(self.enroll("dea@example.com")) == ["invitation_taken"]
        with self.assertRaises(InvitationTaken):
            api.invite("dea@example.com", self.ds, acting_user=self.sam)

    def test_they_cost_no_query_more(self) -> None:
        self.leave()
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        work = api.prepare_bulk("dea@example.com ida@example.com", [DS])
        with self.assertNumQueries(3):
            assert codes(api.plan_bulk_enrollment(work)) == ["not_active", "already_enrolled_not_active"]


class JobTests(NotActiveCase):
    """The same through a job: its counts, its result, and its undoing."""

    def test_rows_of_a_job(self) -> None:
        self.deactivate_dea()
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        api.unenroll(self.ida, self.ds, acting_user=self.ida)
        work = api.prepare_bulk("dea@example.com ida@example.com", [DS])
        job = api.draft_bulk_job(work, notify=True, acting_user=self.sam)
        assert [*job.rows.values_list("planned", flat=True)] == ["already_enrolled_not_active", "not_active"]
        api.confirm_bulk_job(job, acting_user=self.sam)
        api.run_bulk_job(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.FINISHED
        assert job.counts == {"already_enrolled_not_active": 1, "not_active": 1}
        assert "ida@example.com" in "".join(api.job_csv(job))
        assert api.notices_of_job(job) == []
        undo = api.undo_bulk_job(job, acting_user=self.sam)
        assert BulkOperation(undo.operation) == BulkOperation.UNDO
        assert [*undo.rows.values_list("email", "planned")] == [("ida@example.com", "invitation_withdrawn")]
        api.confirm_bulk_job(undo, acting_user=self.sam)
        api.run_bulk_job(undo.pk)
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
        assert BulkEnrollmentJob.objects.get(pk=undo.pk).counts == {"invitation_withdrawn": 1}


class CourseTests(NotActiveCase):
    """Course runs: the platform says who is enrolled, whatever the account."""

    def setUp(self) -> None:
        super().setUp()
        CourseRun.objects.create(course_key=RUN, display_name="Data Science")

    def run_bulk(self, emails: str) -> BulkReport:
        return api.bulk_enroll(api.prepare_bulk(emails, [], [RUN]), acting_user=self.sam)

    def test_who_is_enrolled_in_the_course_is_not_invited_to_it(self) -> None:
        key = CourseKey.from_string(RUN)
        assert codes(self.run_bulk("dea@example.com")) == ["enrolled"]
        self.switch(self.dea, is_active=False)
        get_lms().enroll_in_course(self.ida, key, mode=None, force=False, acting_user=None, reason="")
        work = api.prepare_bulk("dea@example.com ida@example.com", [], [RUN])
        assert codes(api.plan_bulk_enrollment(work)) == ["already_enrolled_not_active"] * 2
        report = self.run_bulk("dea@example.com ida@example.com")
        assert codes(report) == ["already_enrolled_not_active"] * 2
        assert not api.notices_of(report)
        assert not CourseEnrollmentAllowed.objects.filter(user=None).exists()

    def test_nor_when_named_by_the_account(self) -> None:
        self.run_bulk("dea@example.com")
        self.switch(self.dea, is_active=False)
        requests = [CourseEnrollmentRequest(CourseKey.from_string(RUN), user_id=self.dea.pk)]
        report = api.bulk_enroll(api.prepare_listed(requests), acting_user=self.sam)
        assert codes(report) == ["already_enrolled_not_active"]

    def test_who_is_not_enrolled_waits_as_before(self) -> None:
        assert codes(self.run_bulk("ida@example.com")) == ["invited"]


class LicenseTests(NotActiveCase):
    """A license of an account that is not active: kept when it is there, and given back when it is active again."""

    def test_it_stays_and_a_revoked_one_waits(self) -> None:
        plan = make_plan()
        [row] = api.assign_licenses(plan, "dea@example.com", acting_user=self.sam).rows
        assert row.code.value == "activated"
        self.switch(self.dea, is_active=False)
        [row] = api.assign_licenses(plan, "dea@example.com", acting_user=self.sam).rows
        assert row.code.value == "already_assigned"
        api.revoke_license(plan, "dea@example.com", acting_user=self.sam)
        [row] = api.assign_licenses(plan, "dea@example.com", acting_user=self.sam).rows
        assert row.code.value == "assigned"
        self.switch(self.dea, is_active=True)
        assert plan.licenses.get().status == "activated"
