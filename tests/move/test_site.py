"""The site that moved works: what it brought along is served, changed and claimed like what is made here."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, TestCase
from django.urls import reverse
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.models import (
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from tests.factories import make_user

pytestmark = [pytest.mark.move, pytest.mark.django_db]

ODD_KEY = "path-v1:Open Craft+100 %+2024/25+Größe M"


@pytest.mark.usefixtures("move")
class MovedSiteTests(TestCase):
    """Learners and staff go on where they were."""

    def setUp(self) -> None:
        self.sam = User.objects.get(username="sam")
        self.ben = User.objects.get(username="ben")
        self.full = LearningPath.objects.get(key="path-v1:OpenX+DS+2024+A")
        self.odd = LearningPath.objects.get(key=ODD_KEY)
        self.site = Client()
        self.site.force_login(self.sam)

    def test_ben_enrolls_again_in_a_path_that_he_had_left(self) -> None:
        old = LearningPathEnrollment.objects.get(user=self.ben, learning_path=self.full)
        assert not old.is_active
        outcome = api.enroll(self.ben, self.full, reason="Back again", acting_user=self.sam)
        assert (outcome.enrollment.id, outcome.created) == (old.pk, False)
        assert outcome.enrollment.enrolled_at > old.enrolled_at == old.created
        assert [row.is_active for row in old.history.order_by("history_id")] == [False, True]
        audit = old.audit.latest("pk")
        assert (audit.enrolled_email, audit.enrolled_by, audit.reason) == ("ben@example.com", self.sam, "Back again")

    def test_eve_who_was_invited_in_capitals_registers_and_is_enrolled_in_the_name_of_the_inviter(self) -> None:
        invitation = LearningPathEnrollmentAllowed.objects.get(email="hal@example.com")
        with self.captureOnCommitCallbacks(execute=True):
            hal = make_user("hal", email="HAL@example.com")
        invitation.refresh_from_db()
        assert invitation.user == hal
        audit = ManualEnrollmentAudit.objects.get(enrollment__user=hal)
        assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (self.sam, "Onboarding", "Lead", "OpenX")
        with self.captureOnCommitCallbacks(execute=True):
            eve = make_user("eve", email="eve@example.com")
        assert [row.learning_path for row in LearningPathEnrollment.objects.filter(user=eve)] == [self.full]

    def test_nobody_claims_the_invitation_of_another_letter(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            jose = make_user("jose", email="jose@example.com")
        assert not LearningPathEnrollment.objects.filter(user=jose).exists()

    def test_ana_uses_up_no_invitation_that_others_used(self) -> None:
        assert api.claim_invitations(User.objects.get(username="ana")) == []

    def test_in_bulk(self) -> None:
        body = {
            "learning_paths": ["path-v1:a+b+c+d", str(self.full.key)],
            "emails": ["chloe@example.com", "new@example.com"],
        }
        url = reverse("learning_paths:bulk-enrollment")
        answer = self.site.post(url, body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        assert len(answer.json()["successes"]) == len(answer.json()["pending"]) == 2

    def test_rest(self) -> None:
        listed = self.site.get(reverse("learning_paths:enrollment-list"), {"org": "Open Craft"})
        assert [row["learning_path"] for row in listed.json()["results"]] == [ODD_KEY]
        url = reverse("learning_paths:learning-path-enrollment", args=[ODD_KEY])
        assert self.site.get(url, {"username": "ana"}).json()["is_active"]
        assert self.site.post(url, {"username": "ben"}).status_code == 201

    def test_each_page_of_the_admin_shows_what_came_along(self) -> None:
        for model in (LearningPath, LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit):
            name = f"admin:learning_paths_{model._meta.model_name}"
            assert self.site.get(reverse(f"{name}_changelist")).status_code == 200
            for row in model.objects.all():
                assert self.site.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, row

    def test_a_path_that_was_typed_by_a_wizard_can_be_edited(self) -> None:
        page = self.site.get(reverse("admin:learning_paths_learningpath_change", args=[self.odd.pk]))
        assert "Größe M" in page.content.decode()
        assert [str(step.course_key) for step in self.odd.steps.all()] == ["OpenX/Old/Style"]
        assert [step.order for step in self.full.steps.all()] == [0, 2, 2, 4_000_000_000, None]
        assert self.full.steps.filter(course_key=CourseKey.from_string("course-v1:OpenX+DS2+2024")).exists()

    def test_una_who_could_see_the_audit_still_can(self) -> None:
        una = User.objects.get(username="una")
        assert una.has_perm("learning_paths.view_manualenrollmentaudit")
        assert una.get_all_permissions() == {"learning_paths.view_manualenrollmentaudit"}

    def test_no_migration_is_missing(self) -> None:
        call_command("makemigrations", "learning_paths", check=True, dry_run=True, stdout=io.StringIO())
