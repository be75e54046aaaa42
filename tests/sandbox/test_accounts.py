"""Registering, activating and logging in, and what that does to an invitation."""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.test import TestCase
from django.urls import reverse

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollment, ManualEnrollmentAudit
from sandbox.accounts.tokens import activation_url
from sandbox.demo.content import DATA_SCIENCE, INVITATION
from sandbox.demo.seed import seed


class TestDan(TestCase):
    """Dan was invited to Data Science 101 by staff before he had an account."""

    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        seed(crowd=False)
        cls.path = api.get_learning_path(DATA_SCIENCE)

    def register(self, email: str = "dan@example.com") -> str:
        """Register as dan, and return the address of the activation page."""
        fields = {"username": "dan", "email": email, "password": "dan"}
        response = self.client.post(reverse("register"), fields)
        assert response.status_code == 302, response.context["form"].errors
        return response["Location"]

    def test_registering_makes_an_inactive_account_and_no_enrollment(self) -> None:
        page = self.client.get(self.register())
        dan = User.objects.get(username="dan")
        self.assertContains(page, "Your account waits for activation")
        assert not dan.is_active
        assert dan.check_password("dan")
        assert not LearningPathEnrollment.objects.filter(user=dan).exists()
        assert "_auth_user_id" not in self.client.session

    def test_activating_enrolls_and_the_audit_names_the_inviter(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            page = self.client.post(self.register())
        dan = User.objects.get(username="dan")
        assert dan.is_active
        assert api.get_active_enrollment(dan, self.path)
        audit = ManualEnrollmentAudit.objects.get(enrollment__user=dan)
        assert audit.enrolled_by is not None
        assert audit.enrolled_by.username == "staff"
        assert audit.reason == INVITATION.reason
        self.assertRedirects(page, reverse("front-page"), fetch_redirect_response=False)
        page = self.client.get(page["Location"])
        self.assertContains(page, "Welcome, dan!")
        self.assertContains(page, '<span class="badge enrolled">Enrolled</span>', html=True, count=1)

    def test_an_address_in_another_case_is_dans_too(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(self.register("Dan@Example.COM"))
        assert api.get_active_enrollment(User.objects.get(username="dan"), self.path)

    def test_opening_the_activation_page_changes_nothing(self) -> None:
        self.client.get(self.register())
        assert not User.objects.get(username="dan").is_active

    def test_an_activation_link_works_once(self) -> None:
        url = self.register()
        self.client.post(url)
        self.client.logout()
        for response in (self.client.get(url), self.client.post(url)):
            self.assertContains(response, "work any more", status_code=404)
        assert "_auth_user_id" not in self.client.session

    def test_a_link_that_was_made_up_activates_nobody(self) -> None:
        uid, token = self.register().rstrip("/").split("/")[-2:]
        other = activation_url(User.objects.get(username="ana")).rstrip("/").split("/")[-2]
        for uid_and_token in ((uid, "forged"), (other, token), ("!", token), ("OTk5OTk5", token), ("_w", token)):
            url = reverse("activate", args=uid_and_token)
            assert self.client.post(url).status_code == 404, url
        assert not User.objects.get(username="dan").is_active


class TestRegistration(TestCase):
    def refuse(self, field: str, error: str, **fields: str) -> None:
        """Try to register as eve and expect the error."""
        values = {"username": "eve", "email": "eve@example.com", "password": "eve", **fields}
        response = self.client.post(reverse("register"), values)
        self.assertContains(response, error)
        assert field in response.context["form"].errors
        assert not User.objects.filter(username="eve").exists()

    def test_an_address_is_taken_in_whatever_case(self) -> None:
        User.objects.create_user("ana", "ana@example.com")
        self.refuse("email", "An account with this e-mail address exists already.", email="Ana@EXAMPLE.com")

    def test_a_username_is_taken_once(self) -> None:
        User.objects.create_user("ana", "ana@example.com")
        self.refuse("username", "A user with that username already exists.", username="ana")

    def test_an_address_is_needed(self) -> None:
        self.refuse("email", "This field is required.", email="")
        self.refuse("email", "Enter a valid email address.", email="eve")

    def test_the_walk_through_fills_in_the_address(self) -> None:
        page = self.client.get(reverse("register"), {"email": "dan@example.com"})
        self.assertContains(page, 'value="dan@example.com"')


class TestLogIn(TestCase):
    def setUp(self) -> None:
        User.objects.create_user("ana", "ana@example.com", "ana")
        User.objects.create_user("dan", "dan@example.com", "dan", is_active=False)

    def log_in(self, username: str, password: str) -> bool:
        """Try to log in, and return whether that worked."""
        self.response = self.client.post(reverse("login"), {"username": username, "password": password})
        return "_auth_user_id" in self.client.session

    def test_an_active_account_logs_in_and_out(self) -> None:
        assert self.log_in("ana", "ana")
        self.assertRedirects(self.response, reverse("front-page"))
        self.assertRedirects(self.client.post(reverse("logout")), reverse("front-page"))
        assert "_auth_user_id" not in self.client.session

    def test_an_inactive_account_is_told_so_and_offered_the_activation_page(self) -> None:
        assert not self.log_in("dan", "dan")
        self.assertContains(self.response, "This account isn't activated yet")
        link = re.search(r'href="([^"]+)">Activate my account', self.response.content.decode())
        assert link is not None
        self.assertContains(self.client.get(link[1]), "Your account waits for activation")

    def test_with_a_wrong_password_nobody_learns_that_an_account_is_inactive(self) -> None:
        assert not self.log_in("dan", "guess")
        self.assertNotContains(self.response, "activate")

    def test_the_admin_and_the_api_keep_an_inactive_account_out(self) -> None:
        User.objects.filter(username="dan").update(is_staff=True)
        self.client.post(reverse("admin:login"), {"username": "dan", "password": "dan"})
        assert "_auth_user_id" not in self.client.session
        basic = self.client.get("/api/v1/enrollment/", headers={"Authorization": "Basic ZGFuOmRhbg=="})
        assert basic.status_code == 401
