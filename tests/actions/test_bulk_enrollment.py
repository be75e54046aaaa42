"""Bulk enrollment, through the public API: the fate of every pair, and what it costs."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import TestCase
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from learning_paths import api, retrying, signals
from learning_paths.actions import bulk_apply, bulk_enrollment
from learning_paths.actions.bulk_plan import plan as plan_chunk
from learning_paths.actions.bulk_write import write_enrolling
from learning_paths.data import BulkOperation, BulkReport, RowCode, RowStatus, StateTransition
from learning_paths.exceptions import LearningPathsError
from learning_paths.models import (
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from sandbox.accounts.models import RetiredAccount
from tests.factories import make_path, make_staff, make_user

DS = "path-v1:DemoX+DS101+2026"
WEB = "path-v1:DemoX+WEB+2026+A"


def codes(report: BulkReport) -> dict[tuple[str, str], str]:
    """The code of each pair."""
    return {(row.email, str(row.key)): str(row.code) for row in report.rows}


class BulkTestCase(TestCase):
    """Sam of the staff, Ana and Ben, Ida whose account is not active, and two paths."""

    def setUp(self) -> None:
        self.sam = make_staff("sam")
        self.ana = make_user("ana")
        self.ben = make_user("ben", email="Ben@Example.com")
        self.ida = make_user("ida", is_active=False)
        self.ds = make_path(DS)
        self.web = make_path(WEB, invite_only=True)

    def enroll(self, emails: Any, paths: Any = (DS,), **kwargs: Any) -> BulkReport:
        return api.bulk_enroll(api.prepare_bulk(emails, paths), **{"acting_user": self.sam, **kwargs})

    def unenroll(self, emails: Any, paths: Any = (DS,), **kwargs: Any) -> BulkReport:
        return api.bulk_unenroll(api.prepare_bulk(emails, paths), **{"acting_user": self.sam, **kwargs})

    def last_audit(self, email: str) -> ManualEnrollmentAudit:
        return ManualEnrollmentAudit.objects.filter(enrolled_email=email).latest("pk")


@ddt.ddt
class PrepareTests(BulkTestCase):
    """What a request comes to."""

    def test_everything_is_accounted_for(self) -> None:
        with self.assertNumQueries(1):
            work = api.prepare_bulk(
                "ANA@example.com, nope; ana@example.com", [WEB, DS, WEB, "path-v1:DemoX+NONE+2026", "x", DS.lower()]
            )
        assert work.emails == ("ana@example.com",)
        assert [entry.text for entry in work.invalid_emails] == ["nope"]
        assert work.paths == (self.web, self.ds)
        assert work.invalid_learning_paths == ("path-v1:DemoX+NONE+2026", "x", DS.lower())
        assert len(work) == 2

    def test_texts_lists_and_parsed_addresses_are_taken(self) -> None:
        expected = ("ana@example.com", "ben@example.com")
        parsed = api.parse_csv(b"email\nana@example.com\nben@example.com\n")
        for emails in ("ana@example.com ben@example.com", ["ana@example.com", "ben@example.com"], parsed):
            assert api.prepare_bulk(emails, [self.ds.key]).emails == expected

    def test_what_can_not_be_printed_is_replaced(self) -> None:
        assert api.prepare_bulk("", ["\ud800"]).invalid_learning_paths == ("\N{REPLACEMENT CHARACTER}",)

    def test_nothing(self) -> None:
        with self.assertNumQueries(0):
            work = api.prepare_bulk("", [])
            assert api.bulk_enroll(work, acting_user=self.sam) == BulkReport(())
        assert self.enroll("ana@example.com", []).rows == ()
        assert self.enroll("", [DS]).rows == ()


@ddt.ddt
class EnrollTests(BulkTestCase):
    """The table of ADR 0004, row by row."""

    def test_active_users_are_enrolled_and_unknown_addresses_wait(self) -> None:
        report = self.enroll(
            "ana@example.com ben@example.com new@example.com ida@example.com",
            [DS, WEB],
            reason="Cohort",
            role="scholar",
            org="DemoX",
        )
        assert [(row.email, str(row.key), str(row.code), row.username) for row in report.rows] == [
            ("ana@example.com", DS, "enrolled", "ana"),
            ("ana@example.com", WEB, "enrolled", "ana"),
            ("ben@example.com", DS, "enrolled", "ben"),
            ("ben@example.com", WEB, "enrolled", "ben"),
            ("new@example.com", DS, "invited", ""),
            ("new@example.com", WEB, "invited", ""),
            ("ida@example.com", DS, "invited", "ida"),
            ("ida@example.com", WEB, "invited", "ida"),
        ]
        for enrollment in LearningPathEnrollment.objects.all():
            assert enrollment.is_active
            assert enrollment.enrolled_at == enrollment.created == enrollment.modified
            record = enrollment.history.get()
            assert (record.history_user, record.history_type, record.history_date) == (
                self.sam,
                "+",
                enrollment.created,
            )
            invitation = LearningPathEnrollmentAllowed.objects.get(
                user=enrollment.user, learning_path=enrollment.learning_path
            )
            assert invitation.email == enrollment.user.email.lower()
            audit = enrollment.audit.get()
            assert audit.enrollment_allowed == invitation
            assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert LearningPathEnrollment.objects.count() == 4
        waiting = LearningPathEnrollmentAllowed.objects.pending()
        assert sorted(waiting.values_list("email", flat=True)) == ["ida@example.com"] * 2 + ["new@example.com"] * 2
        for invitation in waiting:
            audit = invitation.audit.get()
            assert audit.enrollment is None
            assert audit.state_transition == StateTransition.UNENROLLED_TO_ALLOWED
        for audit in ManualEnrollmentAudit.objects.all():
            assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (self.sam, "Cohort", "scholar", "DemoX")
            assert audit.history.get().history_user == self.sam
            assert audit.history.get().enrolled_email == audit.enrolled_email
        assert ManualEnrollmentAudit.objects.count() == 8

    def test_a_repeat_changes_nothing(self) -> None:
        emails = "ana@example.com new@example.com ida@example.com"
        self.enroll(emails, [DS, WEB])
        before = self.snapshot()
        report = self.enroll(emails, [DS, WEB], reason="Once more")
        assert set(codes(report).values()) == {"already_enrolled", "already_invited"}
        assert not any(row.code.is_change for row in report.rows)
        assert self.snapshot() == before

    def snapshot(self) -> list[Any]:
        models: list[Any] = [LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit]
        models += [LearningPathEnrollment.history, ManualEnrollmentAudit.history]
        return [list(getattr(model, "objects", model).order_by("pk").values()) for model in models]

    def test_who_left_is_enrolled_again_with_a_new_time(self) -> None:
        first = api.enroll(self.ana, self.ds, acting_user=self.ana).enrollment
        api.unenroll(self.ana, self.ds, acting_user=self.ana)
        assert codes(self.enroll("ana@example.com")) == {("ana@example.com", DS): "enrolled_again"}
        row = LearningPathEnrollment.objects.get()
        assert (row.pk, row.is_active, row.created) == (first.id, True, first.created)
        assert row.enrolled_at > first.enrolled_at
        assert row.modified == row.enrolled_at
        record = row.history.latest()
        assert (record.history_type, record.is_active, record.enrolled_at) == ("~", True, row.enrolled_at)
        assert record.history_user == self.sam
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ana

    def test_a_pending_invitation_of_somebody_who_is_there_is_bound(self) -> None:
        self.enroll("ida@example.com")
        User.objects.filter(pk=self.ida.pk).update(is_active=True)
        assert codes(self.enroll("ida@example.com")) == {("ida@example.com", DS): "enrolled"}
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ida
        assert self.last_audit("ida@example.com").state_transition == StateTransition.ALLOWED_TO_ENROLLED

    def test_a_pending_invitation_of_somebody_who_enrolled_otherwise_is_bound_silently(self) -> None:
        self.enroll("ida@example.com")
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        User.objects.filter(pk=self.ida.pk).update(is_active=True)
        assert codes(self.enroll("ida@example.com")) == {("ida@example.com", DS): "already_enrolled"}
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ida
        assert ManualEnrollmentAudit.objects.count() == 1

    def test_a_withdrawn_invitation_waits_again(self) -> None:
        self.enroll("new@example.com")
        api.withdraw_invitation("new@example.com", self.ds, acting_user=self.sam)
        assert codes(self.enroll("new@example.com")) == {("new@example.com", DS): "invited"}
        assert LearningPathEnrollmentAllowed.objects.get().is_pending
        assert self.last_audit("new@example.com").state_transition == StateTransition.UNENROLLED_TO_ALLOWED

    def test_failures_stand_beside_successes(self) -> None:
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        RetiredAccount.objects.create(email="gone@example.com")
        self.enroll("ana@example.com", [WEB])
        User.objects.filter(pk=self.ana.pk).update(email="ana@elsewhere.org")
        report = self.enroll("twin@example.com gone@example.com ana@example.com ben@example.com", [DS, WEB])
        assert codes(report) == {
            ("twin@example.com", DS): "ambiguous_email",
            ("twin@example.com", WEB): "ambiguous_email",
            ("gone@example.com", DS): "retired_email",
            ("gone@example.com", WEB): "retired_email",
            ("ana@example.com", DS): "invited",
            ("ana@example.com", WEB): "invitation_taken",
            ("ben@example.com", DS): "enrolled",
            ("ben@example.com", WEB): "enrolled",
        }
        assert len(report.with_status(RowStatus.FAILURE)) == 5
        assert not LearningPathEnrollmentAllowed.objects.filter(email__in=["twin@example.com", "gone@example.com"])

    def test_a_claim_copies_what_its_own_invitation_says(self) -> None:
        tia = make_staff("tia")
        self.enroll("dan@example.com", [DS], reason="One", role="r1", org="o1")
        self.enroll("dan@example.com", [WEB], reason="Two", role="r2", org="o2", acting_user=tia)
        with self.captureOnCommitCallbacks(execute=True):
            dan = make_user("dan")
        for path, by, expected in ((self.ds, self.sam, ("One", "r1", "o1")), (self.web, tia, ("Two", "r2", "o2"))):
            audit = LearningPathEnrollment.objects.get(user=dan, learning_path=path).audit.get()
            assert audit.enrolled_by == by
            assert (audit.reason, audit.role, audit.org) == expected

    def test_who_registered_meanwhile_is_enrolled_after_the_commit(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.enroll("ida@example.com new@example.com")
            User.objects.filter(pk=self.ida.pk).update(is_active=True)
        assert api.get_active_enrollment(self.ida, self.ds)
        assert self.last_audit("ida@example.com").enrolled_by == self.sam

    def test_by_the_system(self) -> None:
        self.enroll("ana@example.com", acting_user=None)
        assert ManualEnrollmentAudit.objects.get().enrolled_by is None
        assert LearningPathEnrollment.history.get().history_user is None

    def test_events(self) -> None:
        received: list[Any] = []

        def receive(signal: Any, **kwargs: Any) -> None:
            received.extend(kwargs[name] for name in ("enrollment", "invitation") if name in kwargs)

        for signal in (
            signals.LEARNING_PATH_ENROLLMENT_ACTIVATED,
            signals.LEARNING_PATH_ENROLLMENT_DEACTIVATED,
            signals.LEARNING_PATH_INVITATION_CREATED,
        ):
            signal.connect(receive)
            self.addCleanup(signal.disconnect, receive)
        with self.captureOnCommitCallbacks(execute=True):
            self.enroll("ana@example.com new@example.com")
            assert received == []
        activated, invited = received
        assert activated == LearningPathEnrollment.objects.get().as_data()
        assert (invited.email, invited.is_pending) == ("new@example.com", True)
        with self.captureOnCommitCallbacks(execute=True):
            self.unenroll("ana@example.com new@example.com")
        assert received[2] == LearningPathEnrollment.objects.get().as_data()
        assert len(received) == 3

    def test_progress(self) -> None:
        steps: list[int] = []
        with mock.patch.object(bulk_enrollment, "ADDRESSES_PER_CHUNK", 2):
            self.enroll([f"new{number}@example.com" for number in range(5)], [DS, WEB], on_progress=steps.append)
        assert steps == [4, 8, 10]


class UnenrollTests(BulkTestCase):
    """Taking many out."""

    def test_everything_that_is_there_is_switched_off(self) -> None:
        self.enroll("ana@example.com new@example.com", [DS, WEB])
        api.unenroll(self.ana, self.web, acting_user=self.ana)
        report = self.unenroll(
            "ana@example.com new@example.com ben@example.com none@example.com", [DS, WEB], reason="Over"
        )
        assert codes(report) == {
            ("ana@example.com", DS): "unenrolled",
            ("ana@example.com", WEB): "not_enrolled",
            ("new@example.com", DS): "invitation_withdrawn",
            ("new@example.com", WEB): "invitation_withdrawn",
            ("ben@example.com", DS): "not_enrolled",
            ("ben@example.com", WEB): "not_enrolled",
            ("none@example.com", DS): "not_enrolled",
            ("none@example.com", WEB): "not_enrolled",
        }
        assert all(row.code.status == RowStatus.SUCCESS for row in report.rows)
        assert not LearningPathEnrollment.objects.filter(is_active=True).exists()
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
        audit = self.last_audit("ana@example.com")
        assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED
        assert (audit.reason, audit.enrolled_by, audit.enrollment_allowed) == ("Over", self.sam, None)
        assert audit.enrollment == LearningPathEnrollment.objects.get(user=self.ana, learning_path=self.ds)
        audit = self.last_audit("new@example.com")
        assert audit.state_transition == StateTransition.ALLOWED_TO_UNENROLLED
        assert audit.enrollment is None
        record = LearningPathEnrollment.history.latest()
        assert (record.history_type, record.is_active, record.history_user) == ("~", False, self.sam)
        assert make_user("new").learningpathenrollment_set.count() == 0

    def test_who_is_enrolled_and_invited_leaves_one_audit_row(self) -> None:
        self.enroll("ida@example.com")
        api.enroll(self.ida, self.ds, acting_user=self.ida)
        assert codes(self.unenroll("ida@example.com")) == {("ida@example.com", DS): "unenrolled"}
        assert not LearningPathEnrollmentAllowed.objects.pending().exists()
        audit = self.last_audit("ida@example.com")
        assert audit.enrollment == LearningPathEnrollment.objects.get()
        assert audit.enrollment_allowed == LearningPathEnrollmentAllowed.objects.get()

    def test_a_repeat_and_an_ambiguity(self) -> None:
        make_user("ana2", email="ANA@example.com")
        assert codes(self.unenroll("ana@example.com ben@example.com")) == {
            ("ana@example.com", DS): "ambiguous_email",
            ("ben@example.com", DS): "not_enrolled",
        }
        assert not ManualEnrollmentAudit.objects.exists()

    def test_an_invitation_that_was_used_stays_bound(self) -> None:
        self.enroll("ana@example.com")
        self.unenroll("ana@example.com")
        self.ana.save()
        assert not LearningPathEnrollment.objects.get().is_active
        assert LearningPathEnrollmentAllowed.objects.get().user == self.ana


class PlanTests(BulkTestCase):
    """The dry run reads, tells and changes nothing."""

    def test_it_tells_what_then_happens(self) -> None:
        api.enroll(self.ben, self.ds, acting_user=None)
        emails = "ana@example.com ben@example.com ida@example.com new@example.com nope"
        for operation, run in ((BulkOperation.ENROLL, self.enroll), (BulkOperation.UNENROLL, self.unenroll)):
            work = api.prepare_bulk(emails, [DS, WEB, "x"])
            with self.assertNumQueries(4 if operation == BulkOperation.ENROLL else 3):
                planned = api.plan_bulk_enrollment(work, operation=operation)
            assert planned == run(emails, [DS, WEB, "x"])

    def test_it_writes_nothing(self) -> None:
        api.plan_bulk_enrollment(api.prepare_bulk("ana@example.com new@example.com", [DS]))
        assert not LearningPathEnrollment.objects.exists()
        assert not LearningPathEnrollmentAllowed.objects.exists()


@ddt.ddt
class CostTests(BulkTestCase):
    """Queries do not grow with learners and paths."""

    def run_with(self, learners: int, paths: int, prefix: str) -> int:
        people = [make_user(f"{prefix}{number}").email for number in range(learners)]
        keys = [make_path(f"path-v1:{prefix}+P{number}+2026").key for number in range(paths)]
        work = api.prepare_bulk([*people, *(f"new-{prefix}{number}@example.com" for number in range(learners))], keys)
        with self.assertNumQueries(11):
            # a savepoint set and released; four reads: users, retired, invitations, enrollments; five writes:
            # enrollments, their history, invitations, audit, its history
            report = api.bulk_enroll(work, acting_user=self.sam)
        return len(report.rows)

    def test_enrolling(self) -> None:
        assert self.run_with(2, 1, "few") == 4
        assert self.run_with(10, 4, "many") == 80

    def test_one_chunk_after_the_other(self) -> None:
        with mock.patch.object(bulk_enrollment, "ADDRESSES_PER_CHUNK", 3):
            report = self.enroll([f"new{number}@example.com" for number in range(10)], [DS, WEB])
        assert len(report.rows) == len(set(codes(report))) == 20
        assert LearningPathEnrollmentAllowed.objects.pending().count() == 20

    def test_more_paths_than_a_chunk_has_pairs(self) -> None:
        with mock.patch.object(bulk_enrollment, "PAIRS_PER_CHUNK", 1):
            assert len(self.enroll("ana@example.com ben@example.com", [DS, WEB]).rows) == 4


class MySQLTests(BulkTestCase):
    """As on MySQL, which gives no ids back from a bulk insert."""

    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch.object(type(connection.features), "can_return_rows_from_bulk_insert", new=False)
        patch.start()
        self.addCleanup(patch.stop)

    def test_enrolling_and_unenrolling(self) -> None:
        emails = [make_user(f"learner{number}").email for number in range(20)]
        emails += [f"new{number}@example.com" for number in range(20)]
        assert self.enroll(emails, [DS, WEB]).count(RowCode.ENROLLED, RowCode.INVITED) == 80
        for audit in ManualEnrollmentAudit.objects.select_related("enrollment__user", "enrollment_allowed__user"):
            assert audit.enrollment_allowed is not None
            assert audit.enrollment_allowed.email == audit.enrolled_email
            if audit.enrollment is not None:
                assert audit.enrollment.user == audit.enrollment_allowed.user
                assert audit.enrollment.learning_path_id == audit.enrollment_allowed.learning_path_id
            assert audit.history.get().enrolled_email == audit.enrolled_email
        assert all(enrollment.history.count() == 1 for enrollment in LearningPathEnrollment.objects.all())
        assert self.unenroll(emails, [DS, WEB]).count(RowCode.UNENROLLED, RowCode.WITHDRAWN) == 80
        assert ManualEnrollmentAudit.history.count() == ManualEnrollmentAudit.objects.count() == 160


class IsolationTests(BulkTestCase):
    """One row's failure is its own."""

    def fail_for(self, *emails: str) -> Any:
        """Make every write that touches one of these addresses fail."""
        write = write_enrolling

        def failing(rows: Any, *args: Any) -> None:
            write(rows, *args)
            if any(row.email in emails for row in rows):
                raise DatabaseError("poison")

        return mock.patch.object(bulk_apply, "write_enrolling", failing)

    def test_a_poisonous_row_stands_alone(self) -> None:
        emails = [f"new{number}@example.com" for number in range(20)]
        with self.fail_for("new7@example.com"), self.assertLogs("learning_paths", "ERROR") as logs:
            report = self.enroll(emails, [DS, WEB])
        assert [(row.email, row.code) for row in report.rows if row.code.is_failure] == [
            ("new7@example.com", RowCode.NOT_SAVED)
        ] * 2
        assert len(logs.records) == 2
        assert [row.email for row in report.rows[::2]] == emails
        assert LearningPathEnrollmentAllowed.objects.count() == 38
        assert ManualEnrollmentAudit.history.count() == 38

    def test_what_passes_is_tried_again(self) -> None:
        for error in (OperationalError(1213, "Deadlock"), OperationalError("database table is locked")):
            write = mock.Mock(side_effect=[error, None])
            with mock.patch.object(bulk_apply, "write_enrolling", write):
                assert self.enroll("ana@example.com").count(RowCode.ENROLLED) == 1
            assert write.call_count == 2

    def test_what_does_not_pass_is_tried_a_few_times_and_then_told(self) -> None:
        write = mock.Mock(side_effect=OperationalError(1205, "Lock wait timeout exceeded"))
        with (
            mock.patch.object(bulk_apply, "write_enrolling", write),
            mock.patch.object(retrying, "LONGEST_FIRST_PAUSE", 0),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            assert self.enroll("ana@example.com").count(RowCode.NOT_SAVED) == 1
        assert write.call_count == retrying.ATTEMPTS

    def test_a_row_that_somebody_inserted_meanwhile_is_seen_by_the_next_plan(self) -> None:
        """Here within one transaction, so that the other's row goes with the chunk; the thread tests show the rest."""
        plan = mock.Mock(side_effect=plan_chunk)
        write = write_enrolling

        def write_too_late(*args: Any) -> None:
            if plan.call_count == 1:
                LearningPathEnrollment.objects.create(user=self.ana, learning_path=self.ds)
            write(*args)

        with (
            mock.patch.object(bulk_apply, "plan", plan),
            mock.patch.object(bulk_apply, "write_enrolling", write_too_late),
        ):
            report = self.enroll("ana@example.com ben@example.com")
        assert report.count(RowCode.ENROLLED) == LearningPathEnrollment.objects.count() == 2
        assert plan.call_count == 2

    def test_a_transaction_of_the_caller_that_is_lost_is_not_passed_off_as_done(self) -> None:
        """A deadlock on MySQL undoes it all, so the savepoint of the chunk is not there any more."""
        deadlock = OperationalError(1213, "Deadlock found")
        with (
            self.assertRaises(OperationalError),
            transaction.atomic(),
            mock.patch.object(connection, "savepoint_rollback", side_effect=DatabaseError),
            mock.patch.object(bulk_apply, "write_enrolling", side_effect=deadlock),
        ):
            self.enroll("ana@example.com ben@example.com")


ADDRESSES = ["ana@example.com", "Ben@example.com", "ida@example.com", "new@example.com", "twin@example.com", "nope", ""]
KEYS = [DS, WEB, "path-v1:DemoX+NONE+2026", "nonsense"]


class EquivalenceTests(HypothesisTestCase):
    """Whatever is asked: all is accounted for once, and bulk does to each pair what the single functions do."""

    @hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        emails=st.lists(st.sampled_from(ADDRESSES) | st.text(max_size=20), max_size=8),
        keys=st.lists(st.sampled_from(KEYS) | st.text(max_size=10), max_size=5),
        enrolled=st.sets(st.tuples(st.sampled_from(["ana", "Ben", "ida"]), st.sampled_from([DS, WEB]))),
        left=st.booleans(),
        waiting=st.sets(st.sampled_from(["ida@example.com", "new@example.com"])),
    )
    @example(emails=[], keys=["\x1b", "\uaaf7"], enrolled=set(), left=False, waiting=set())  # shown alike, and two
    def test_bulk_is_one_by_one(
        self, emails: list[str], keys: list[str], enrolled: set[tuple[str, str]], left: bool, waiting: set[str]
    ) -> None:
        people = {name: make_user(name) for name in ("ana", "Ben")}
        people["ida"] = make_user("ida", is_active=False)
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        paths = {key: make_path(key) for key in (DS, WEB)}
        for name, key in enrolled:
            api.enroll(people[name], paths[key], acting_user=None)
            if left:
                api.unenroll(people[name], paths[key], acting_user=None)
        for address in waiting:
            api.invite(address, paths[DS], acting_user=None)

        work = api.prepare_bulk(emails, keys)
        named = {text.strip() for text in keys}
        assert {str(path.key) for path in work.paths} | set(work.invalid_learning_paths) >= named & set(KEYS)
        assert len(work.paths) + len(work.invalid_learning_paths) == len(named)

        with transaction.atomic():
            report = api.bulk_enroll(work, acting_user=None)
            in_bulk = self.rows()
            transaction.set_rollback(True)
        pairs = [(row.email, row.key) for row in report.rows]
        assert pairs == [(email, path.key) for email in work.emails for path in work.paths]

        for row in report.rows:
            path = paths[str(row.key)]
            if row.code.is_failure:
                with pytest.raises(LearningPathsError) as raised:
                    api.invite(row.email, path, acting_user=None)
                assert raised.value.code == row.code
            else:
                outcome = api.invite(row.email, path, acting_user=None)
                assert outcome.is_pending == (row.code.status == RowStatus.PENDING)
                assert outcome.changed == row.code.is_change
        assert self.rows() == in_bulk

    @staticmethod
    def rows() -> list[set[Any]]:
        return [
            set(LearningPathEnrollment.objects.values_list("user", "learning_path", "is_active")),
            set(LearningPathEnrollmentAllowed.objects.values_list("email", "learning_path", "user", "is_active")),
            set(ManualEnrollmentAudit.objects.values_list("enrolled_email", "state_transition", "enrollment__user")),
            set(LearningPathEnrollment.history.values_list("user", "learning_path", "is_active", "history_type")),
        ]


class HistoryCopyTests(BulkTestCase):
    """The copies that the database makes are what django-simple-history itself would write."""

    def test_the_same_as_by_django_simple_history(self) -> None:
        self.enroll("ana@example.com", reason="Cohort")
        for model in (LearningPathEnrollment, ManualEnrollmentAudit):
            record = model.history.get()
            row = model.objects.get()
            model.history.bulk_history_create([row], default_user=self.sam, default_change_reason=None)
            by_library = model.history.exclude(pk=record.pk).get()
            for field in model.history.model._meta.concrete_fields:
                if field.name not in ("history_id", "history_date"):
                    assert getattr(record, field.attname) == getattr(by_library, field.attname), field.name

    def test_none_where_the_host_keeps_none(self) -> None:
        with self.settings(SIMPLE_HISTORY_ENABLED=False):
            self.enroll("ana@example.com")
        assert LearningPathEnrollment.objects.exists()
        assert not LearningPathEnrollment.history.exists()
