"""``seed_demo`` fills an empty sandbox, and leaves alone what people did with it since."""

from __future__ import annotations

from collections import Counter
from io import StringIO

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import TestCase
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.lms import get_lms
from learning_paths.models import (
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    License,
    ManualEnrollmentAudit,
    SubscriptionPlan,
)
from sandbox.demo.content import DATA_SCIENCE, INVITATION, RUNS, SECURITY, WEB


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


class TestSeedDemo(TestCase):
    summary: str

    @classmethod
    def setUpTestData(cls) -> None:
        cls.summary = seed()

    def invitation(self) -> LearningPathEnrollmentAllowed:
        return LearningPathEnrollmentAllowed.objects.get(email="dan@example.com", learning_path__key=DATA_SCIENCE)

    def test_a_second_run_changes_nothing(self) -> None:
        invitation = self.invitation()
        assert seed() == self.summary
        assert self.invitation().modified == invitation.modified

    def test_the_accounts_can_log_in(self) -> None:
        for username in ("staff", "ana", "ben", "chloe"):
            assert self.client.login(username=username, password=username)
        staff = User.objects.get(username="staff")
        assert staff.is_superuser
        assert staff.email == "staff@example.com"

    def test_three_paths_with_steps_that_the_platform_knows(self) -> None:
        assert {str(path.key): path.invite_only for path in LearningPath.objects.all()} == {
            DATA_SCIENCE: False,
            WEB: False,
            SECURITY: True,
        }
        for path in LearningPath.objects.all():
            steps = [step.course_key for step in path.steps.all()]
            assert len(steps) in (2, 3)
            assert len(get_lms().course_runs(steps)) == len(steps)
            assert path.level
            assert path.duration
            assert path.subtitle
            assert path.grading_criteria.required_completion
            assert path.acquiredskill_set.exists()

    def test_six_course_runs(self) -> None:
        assert len(get_lms().course_runs([CourseKey.from_string(run.key) for run in RUNS])) == 6

    def test_lists_have_something_of_everything(self) -> None:
        assert User.objects.count() > 300
        for key in (DATA_SCIENCE, WEB):
            enrollments = LearningPathEnrollment.objects.filter(learning_path__key=key)
            assert enrollments.filter(is_active=True).exists()
            assert enrollments.filter(is_active=False).exists()
        assert ManualEnrollmentAudit.objects.filter(enrolled_by__username="staff").count() > 100

    def test_dan_is_invited_by_staff(self) -> None:
        assert self.invitation().is_pending
        audit = ManualEnrollmentAudit.objects.get(enrollment_allowed=self.invitation())
        assert audit.enrolled_by is not None
        assert audit.enrolled_by.username == "staff"
        assert audit.reason == "Welcome to the demo"

    def test_dan_who_left_again_is_left_alone(self) -> None:
        dan = User.objects.create_user("dan", INVITATION.account.email)
        path = api.get_learning_path(DATA_SCIENCE)
        api.unenroll(dan, path, acting_user=dan)
        before = ManualEnrollmentAudit.objects.count()
        seed()
        assert self.invitation().user == dan
        assert not LearningPathEnrollment.objects.get(user=dan, learning_path=path).is_active
        assert ManualEnrollmentAudit.objects.count() == before

    def test_a_subscription_with_licenses_in_every_state(self) -> None:
        [offered] = api.offered_plans(User.objects.get(username="staff"))
        plan = SubscriptionPlan.objects.get(uuid=offered.uuid)
        assert (plan.num_licenses, plan.seats_taken()) == (50, 30)
        assert Counter(plan.licenses.values_list("status", flat=True)) == {
            "activated": 10,
            "assigned": 20,
            "revoked": 2,
        }
        path = api.get_learning_path(DATA_SCIENCE)
        steps = [step.course_key for step in path.steps.all()]
        gate = api.apply_license_gate(plan.uuid, ["ana@example.com", "left@example.com"], [path.key, *steps])
        assert gate.licensed_emails == ("ana@example.com",)
        assert gate.unlicensed_emails == ("left@example.com",)
        assert not gate.uncovered_keys

    def test_a_license_that_was_revoked_stays_revoked(self) -> None:
        plan = SubscriptionPlan.objects.get()
        api.revoke_license(plan, "ana@example.com", acting_user=None)
        seed()
        assert License.objects.get(email="ana@example.com").status == "revoked"

    def test_what_people_changed_stays(self) -> None:
        LearningPath.objects.filter(key=WEB).update(display_name="Renamed")
        chloe = User.objects.get(username="chloe")
        api.unenroll(chloe, api.get_learning_path(SECURITY), acting_user=chloe)
        seed()
        assert api.get_learning_path(WEB).display_name == "Renamed"
        assert not LearningPathEnrollment.objects.filter(user=chloe, is_active=True).exists()

    def test_a_learner_who_was_deleted_comes_back(self) -> None:
        User.objects.get(username="amara.bauer").delete()
        assert seed().startswith(self.summary.split(",")[0])
