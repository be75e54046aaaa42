"""``seed_demo`` fills an empty sandbox, and leaves alone what people did with it since."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import TestCase, override_settings
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
from sandbox.courses.models import CourseEnrollment, CourseProgress
from sandbox.demo.content import DATA_SCIENCE, INVITATION, RUN_KEYS, RUNS, SECURITY, WEB


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


class TestSeedDemo(TestCase):
    summary: str
    media: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.media = Path(cls.enterClassContext(TemporaryDirectory()))
        cls.enterClassContext(override_settings(MEDIA_ROOT=cls.media))
        super().setUpClass()

    @classmethod
    def setUpTestData(cls) -> None:
        cls.summary = seed()

    def pictures(self) -> dict[str, bytes]:
        return {str(file.relative_to(self.media)): file.read_bytes() for file in self.media.rglob("*.*")}

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
        with self.captureOnCommitCallbacks(execute=True):
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

    def test_each_path_has_a_picture_of_its_own(self) -> None:
        pictures = self.pictures()
        assert {path.image.name for path in LearningPath.objects.all()} == set(pictures)
        assert len(set(pictures.values())) == 3
        for path in LearningPath.objects.all():
            assert (path.image.width, path.image.height) == (960, 540)
            path.image.close()

    def test_pictures_are_neither_doubled_nor_lost(self) -> None:
        before = self.pictures()
        seed()
        assert self.pictures() == before
        (self.media / "learning_paths" / "demo-web.png").unlink()
        LearningPath.objects.get(key=DATA_SCIENCE).delete()  # and its file
        seed()
        assert self.pictures() == before
        assert api.get_learning_path(DATA_SCIENCE).image.name in before

    def test_a_picture_that_people_took_away_or_replaced_stays_so(self) -> None:
        LearningPath.objects.filter(key=WEB).update(image="")
        LearningPath.objects.filter(key=SECURITY).update(image="learning_paths/own.png")
        seed()
        images = {str(path.key): path.image.name for path in LearningPath.objects.all()}
        assert (images[WEB], images[SECURITY]) == ("", "learning_paths/own.png")

    def test_ana_sees_progress_as_soon_as_she_enrolls(self) -> None:
        ana, path = User.objects.get(username="ana"), api.get_learning_path(DATA_SCIENCE)
        keys = [step.course_key for step in path.steps.all()]
        assert get_lms().course_enrollments([ana.pk], keys) == {}
        assert not LearningPathEnrollment.objects.filter(user=ana).exists()
        [(key, completion)] = get_lms().course_completions(ana, keys).items()
        assert (key, 0 < completion < 1) == (keys[0], True)
        assert list(get_lms().course_grades(ana, keys)) == [key]

    def test_chloe_is_far_in_the_path_that_she_is_enrolled_in(self) -> None:
        chloe, path = User.objects.get(username="chloe"), api.get_learning_path(SECURITY)
        keys = [step.course_key for step in path.steps.all()]
        assert set(get_lms().course_enrollments([chloe.pk], keys)) == {(chloe.pk, key) for key in keys}
        completions, grades = get_lms().course_completions(chloe, keys), get_lms().course_grades(chloe, keys)
        assert [completions[key] for key in keys] == [1.0, 0.7]
        assert grades[keys[0]] >= path.grading_criteria.required_grade > grades[keys[1]]

    def test_progress_goes_on_from_where_people_brought_it(self) -> None:
        progress = CourseProgress.objects.filter(user__username="ana")
        enrollment = CourseEnrollment.objects.filter(user__username="ana", course_run__course_key=RUN_KEYS["PY101"])
        progress.update(completion=1.0, grade=None)
        enrollment.update(is_active=True)
        seed()
        assert [(row.completion, row.grade) for row in progress] == [(1.0, None)]
        assert enrollment.get().is_active

    def test_a_learner_who_was_deleted_comes_back(self) -> None:
        User.objects.get(username="amara.bauer").delete()
        assert seed().startswith(self.summary.split(",")[0])
