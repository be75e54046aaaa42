"""Enrolling and unenrolling, through the public API."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.db.models import Max
from django.test import TestCase
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from learning_paths import api, signals
from learning_paths.data import StateTransition
from learning_paths.exceptions import (
    AlreadyEnrolled,
    LearningPathNotFound,
    NotEnrolled,
    UserNotFound,
)
from learning_paths.models import (
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from tests.factories import make_path, make_staff, make_user


class EnrollTests(TestCase):
    """Ana enrolls, and Sam of the staff enrolls her."""

    def setUp(self) -> None:
        self.ana = make_user("ana")
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_for_the_first_time(self) -> None:
        before = timezone.now()
        outcome = api.enroll(self.ana, self.path, acting_user=self.ana)
        row = LearningPathEnrollment.objects.get()
        assert outcome.created
        assert outcome.transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert outcome.enrollment == row.as_data()
        assert (row.user, row.learning_path, row.is_active) == (self.ana, self.path, True)
        assert before <= row.enrolled_at <= timezone.now()

    def test_again_switches_the_same_row_on_and_renews_the_time(self) -> None:
        first = api.enroll(self.ana, self.path, acting_user=self.ana).enrollment
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        outcome = api.enroll(self.ana, self.path, acting_user=self.ana)
        assert not outcome.created
        assert outcome.enrollment.id == first.id
        assert outcome.enrollment.is_active
        assert outcome.enrollment.enrolled_at > first.enrolled_at
        assert outcome.enrollment.created == first.created

    def test_while_enrolled_is_refused_and_changes_nothing(self) -> None:
        first = api.enroll(self.ana, self.path, acting_user=self.ana).enrollment
        with self.assertRaises(AlreadyEnrolled):
            api.enroll(self.ana, self.path, acting_user=self.sam)
        assert LearningPathEnrollment.objects.get().as_data() == first
        assert LearningPathEnrollment.history.count() == 1
        assert not ManualEnrollmentAudit.objects.exists()

    def test_by_oneself_leaves_history_and_no_audit(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.ana)
        record = LearningPathEnrollment.history.get()
        assert record.history_user == self.ana
        assert record.history_type == "+"
        assert not ManualEnrollmentAudit.objects.exists()

    def test_by_the_system_leaves_history_without_a_user_and_no_audit(self) -> None:
        api.enroll(self.ana, self.path, acting_user=None)
        assert LearningPathEnrollment.history.get().history_user is None
        assert not ManualEnrollmentAudit.objects.exists()

    def test_by_staff_leaves_an_audit_row(self) -> None:
        outcome = api.enroll(
            self.ana, self.path, reason="Scholarship", role="Instructor", org="DemoX", acting_user=self.sam
        )
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.enrollment_id == outcome.enrollment.id
        assert audit.enrollment_allowed is None
        assert audit.enrolled_by == self.sam
        assert audit.enrolled_email == "ana@example.com"
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert (audit.reason, audit.role, audit.org) == ("Scholarship", "Instructor", "DemoX")
        assert ManualEnrollmentAudit.history.get().history_user == self.sam
        assert LearningPathEnrollment.history.get().history_user == self.sam

    def test_of_an_inactive_account(self) -> None:
        new = make_user("new", is_active=False)
        assert api.enroll(new, self.path, acting_user=new).created

    def test_binds_a_pending_invitation(self) -> None:
        eve = make_user("eve", email="EVE@example.com", is_active=False)
        api.invite("eve@example.com", self.path, acting_user=self.sam)
        eve.is_active = True  # confirmed, but saved in a way that no receiver hears of
        type(eve).objects.filter(pk=eve.pk).update(is_active=True)
        outcome = api.enroll(eve, self.path, acting_user=eve)
        assert outcome.transition == StateTransition.ALLOWED_TO_ENROLLED
        assert LearningPathEnrollmentAllowed.objects.get().user == eve
        assert ManualEnrollmentAudit.objects.count() == 1  # the invitation's; enrolling oneself is not by hand

    def test_of_an_invited_learner_by_staff_links_the_invitation_in_the_audit(self) -> None:
        eve = make_user("eve", is_active=False)
        invitation = api.invite("eve@example.com", self.path, acting_user=self.sam)
        assert invitation.is_pending
        type(eve).objects.filter(pk=eve.pk).update(is_active=True)
        eve.refresh_from_db()
        api.enroll(eve, self.path, acting_user=self.sam)
        audit = ManualEnrollmentAudit.objects.latest("pk")
        assert audit.state_transition == StateTransition.ALLOWED_TO_ENROLLED
        assert audit.enrollment_allowed == LearningPathEnrollmentAllowed.objects.get()

    def test_of_an_inactive_account_leaves_its_invitation_pending(self) -> None:
        eve = make_user("eve", is_active=False)
        api.invite("eve@example.com", self.path, acting_user=self.sam)
        api.enroll(eve, self.path, acting_user=eve)
        assert LearningPathEnrollmentAllowed.objects.get().is_pending

    def test_after_somebody_was_quicker(self) -> None:
        """What the thread tests show on MariaDB, step by step: the insert fails after the look found nothing."""
        api.enroll(self.ana, self.path, acting_user=self.ana)
        nothing = LearningPathEnrollment.objects.none()
        with (
            mock.patch.object(LearningPathEnrollment.objects, "filter", return_value=nothing),
            self.assertRaises(AlreadyEnrolled),
        ):
            api.enroll(self.ana, self.path, acting_user=self.ana)
        assert LearningPathEnrollment.objects.count() == 1

    def test_of_a_deleted_path_or_user(self) -> None:
        gone = make_path("path-v1:DemoX+GONE+2026")
        LearningPath.objects.filter(pk=gone.pk).delete()
        with self.assertRaises(LearningPathNotFound):
            self._enroll_where_the_database_checks_at_once(self.ana, gone)
        zoe = make_user("zoe")
        type(zoe).objects.filter(pk=zoe.pk).delete()
        with self.assertRaises(UserNotFound):
            self._enroll_where_the_database_checks_at_once(zoe, self.path)

    @staticmethod
    def _enroll_where_the_database_checks_at_once(user: Any, path: LearningPath) -> None:
        """SQLite looks at foreign keys when the transaction ends, MariaDB at once."""
        from django.db import IntegrityError, connection

        if connection.vendor == "mysql":
            api.enroll(user, path, acting_user=None)
            return
        with mock.patch.object(LearningPathEnrollment, "save", side_effect=IntegrityError):
            api.enroll(user, path, acting_user=None)

    def test_event_leaves_after_the_commit(self) -> None:
        received = []

        def receive(enrollment: Any, **kwargs: Any) -> None:
            received.append(enrollment)

        signals.LEARNING_PATH_ENROLLMENT_ACTIVATED.connect(receive)
        self.addCleanup(signals.LEARNING_PATH_ENROLLMENT_ACTIVATED.disconnect, receive)
        with self.captureOnCommitCallbacks(execute=True):
            outcome = api.enroll(self.ana, self.path, acting_user=self.ana)
            assert received == []
        assert received == [outcome.enrollment]

    def test_an_event_receiver_that_raises_undoes_nothing(self) -> None:
        def fail(**kwargs: Any) -> None:
            raise RuntimeError("a fault of somebody else")

        signals.LEARNING_PATH_ENROLLMENT_ACTIVATED.connect(fail)
        self.addCleanup(signals.LEARNING_PATH_ENROLLMENT_ACTIVATED.disconnect, fail)
        with self.assertLogs("django.dispatch", "ERROR"), self.captureOnCommitCallbacks(execute=True):
            api.enroll(self.ana, self.path, acting_user=self.ana)
        assert api.get_active_enrollment(self.ana, self.path)

    def test_number_of_queries(self) -> None:
        with self.assertNumQueries(8):  # 2 savepoints set and released, invited?, enrolled?, row, history
            api.enroll(self.ana, self.path, acting_user=self.ana)
        with self.assertNumQueries(6):  # a savepoint set and released, the row found, locked, switched off, history
            api.unenroll(self.ana, self.path, acting_user=self.ana)
        with self.assertNumQueries(9):  # one more than at first: the row is locked; one more: audit with its history
            api.enroll(self.ana, self.path, acting_user=self.sam)


class UnenrollTests(TestCase):
    """Ana leaves, and Sam of the staff takes her out."""

    def setUp(self) -> None:
        self.ana = make_user("ana")
        self.sam = make_staff("sam")
        self.path = make_path()

    def test_switches_the_row_off(self) -> None:
        enrolled = api.enroll(self.ana, self.path, acting_user=self.ana).enrollment
        outcome = api.unenroll(self.ana, self.path, acting_user=self.ana)
        row = LearningPathEnrollment.objects.get()
        assert outcome.enrollment == row.as_data()
        assert outcome.transition == StateTransition.ENROLLED_TO_UNENROLLED
        assert (row.pk, row.is_active, row.enrolled_at) == (enrolled.id, False, enrolled.enrolled_at)
        assert row.modified > enrolled.modified
        assert [record.is_active for record in row.history.order_by("history_id")] == [True, False]

    def test_by_staff_leaves_an_audit_row_and_by_oneself_none(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.ana)
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        assert not ManualEnrollmentAudit.objects.exists()
        api.enroll(self.ana, self.path, acting_user=self.ana)
        api.unenroll(self.ana, self.path, reason="Asked for it", acting_user=self.sam)
        audit = ManualEnrollmentAudit.objects.get()
        assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED
        assert (audit.reason, audit.enrolled_by, audit.enrolled_email) == ("Asked for it", self.sam, "ana@example.com")

    def test_of_who_is_not_enrolled_is_refused(self) -> None:
        with self.assertRaises(NotEnrolled):
            api.unenroll(self.ana, self.path, acting_user=self.sam)
        api.enroll(self.ana, self.path, acting_user=self.ana)
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        with self.assertRaises(NotEnrolled):
            api.unenroll(self.ana, self.path, acting_user=self.sam)
        assert not ManualEnrollmentAudit.objects.exists()

    def test_event_leaves_after_the_commit(self) -> None:
        received = []

        def receive(enrollment: Any, **kwargs: Any) -> None:
            received.append(enrollment)

        api.enroll(self.ana, self.path, acting_user=self.ana)
        signals.LEARNING_PATH_ENROLLMENT_DEACTIVATED.connect(receive)
        self.addCleanup(signals.LEARNING_PATH_ENROLLMENT_DEACTIVATED.disconnect, receive)
        with self.captureOnCommitCallbacks(execute=True):
            outcome = api.unenroll(self.ana, self.path, acting_user=self.ana)
        assert received == [outcome.enrollment]

    def test_an_enrollment_is_found_or_not(self) -> None:
        with self.assertRaises(NotEnrolled):
            api.get_active_enrollment(self.ana, self.path)
        api.enroll(self.ana, self.path, acting_user=self.ana)
        with self.assertNumQueries(1):
            assert api.get_active_enrollment(self.ana, self.path).as_data().username == "ana"


class EnrollmentMachine(RuleBasedStateMachine):
    """Whatever is done to Ana and Ben in two paths, rows, history and audit tell the same story."""

    def __init__(self) -> None:
        super().__init__()
        suffix = LearningPath.objects.aggregate(last=Max("pk"))["last"] or 0
        self.people = [make_user(f"ana{suffix}"), make_user(f"ben{suffix}"), make_staff(f"sam{suffix}")]
        self.paths = [make_path(f"path-v1:DemoX+P{suffix}+{run}") for run in (1, 2)]
        self.active: dict[tuple[int, int], bool] = {}
        self.switches = 0
        self.by_hand = 0

    @rule(enroll=st.booleans(), learner=st.integers(0, 1), path=st.integers(0, 1), actor=st.integers(0, 2) | st.none())
    def switch(self, enroll: bool, learner: int, path: int, actor: int | None) -> None:
        action = api.enroll if enroll else api.unenroll
        acting_user = None if actor is None else self.people[actor]
        refused = self.active.get((learner, path), False) == enroll
        if refused:
            with pytest.raises(AlreadyEnrolled if enroll else NotEnrolled):
                action(self.people[learner], self.paths[path], acting_user=acting_user)
            return
        outcome = action(self.people[learner], self.paths[path], acting_user=acting_user)
        assert outcome.created == (enroll and (learner, path) not in self.active)
        self.active[learner, path] = enroll
        self.switches += 1
        self.by_hand += actor not in (None, learner)

    @invariant()
    def rows_history_and_audit_agree(self) -> None:
        rows = LearningPathEnrollment.objects.filter(learning_path__in=self.paths)
        assert {
            (self.people.index(row.user), self.paths.index(row.learning_path)): row.is_active for row in rows
        } == self.active
        assert LearningPathEnrollment.history.filter(learning_path__in=self.paths).count() == self.switches
        assert ManualEnrollmentAudit.objects.filter(enrollment__in=rows).count() == self.by_hand


class EnrollmentMachineTests(HypothesisTestCase):
    """Runs the machine."""

    def test_machine(self) -> None:
        run_state_machine_as_test(
            EnrollmentMachine, settings=hypothesis_settings(max_examples=25, stateful_step_count=12, deadline=None)
        )
