"""Inviting an address to a path by hand, and taking that back."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathEnrollmentAllowed
from sandbox.accounts.models import RetiredAccount
from tests.admin.base import AdminTestCase, admin_url, errors, texts
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/learningpathenrollmentallowed/"
ADD = f"{LIST}add/"


class InvitationTestCase(AdminTestCase):
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path(display_name="Data Science")

    def invite(self, email: str) -> LearningPathEnrollmentAllowed:
        api.invite(email, self.path, acting_user=self.sam)
        return LearningPathEnrollmentAllowed.objects.get(email=email)


class AddInvitationTest(InvitationTestCase):
    def add(self, email: str, **fields: Any) -> Any:
        data = {"email": email, "learning_path": self.path.pk, "reason": "Won a scholarship", **fields}
        return self.client.post(ADD, data, follow=True)

    def test_an_address_without_an_account_waits(self) -> None:
        response = self.add(" Dan@Example.org ", role="scholar", org="DemoX")
        self.assertRedirects(response, LIST)
        assert texts(response) == ["dan@example.org is invited to path-v1:DemoX+DS101+2026."]
        invitation = LearningPathEnrollmentAllowed.objects.get()
        assert (invitation.email, invitation.is_pending) == ("dan@example.org", True)
        audit = invitation.audit.get()
        assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (
            self.sam,
            "Won a scholarship",
            "scholar",
            "DemoX",
        )
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ALLOWED
        assert LogEntry.objects.get().object_id == str(invitation.pk)

    def test_the_owner_of_an_account_is_enrolled_at_once(self) -> None:
        ana = make_user("ana")
        response = self.add("ANA@example.com")
        assert texts(response) == [
            "ana@example.com belongs to ana, who was enrolled in path-v1:DemoX+DS101+2026 at once."
        ]
        enrollment = LearningPathEnrollment.objects.get(user=ana)
        assert enrollment.is_active
        assert enrollment.history.get().history_user == self.sam
        assert LearningPathEnrollmentAllowed.objects.get().user == ana

    def test_nothing_has_to_change_for_one_who_is_enrolled(self) -> None:
        api.enroll(make_user("ana"), self.path, acting_user=self.sam)
        assert self.assert_refused(self.add("ana@example.com")) == (
            "The learner is already enrolled in this learning path."
        )
        assert not LogEntry.objects.exists()

    def test_nothing_has_to_change_for_one_who_is_invited(self) -> None:
        self.invite("dan@example.org")
        (text,) = texts(self.add("dan@example.org"))
        assert text == "dan@example.org was invited to path-v1:DemoX+DS101+2026 already. Nothing had to change."
        assert LearningPathEnrollmentAllowed.objects.get().audit.count() == 1
        assert not LogEntry.objects.exists()

    def test_a_withdrawn_invitation_is_renewed(self) -> None:
        invitation = self.invite("dan@example.org")
        api.withdraw_invitation("dan@example.org", self.path, acting_user=self.sam)
        self.add("dan@example.org")
        invitation.refresh_from_db()
        assert invitation.is_pending

    def assert_refused(self, response: Any, name: str = "email") -> str:
        assert response.status_code == 200
        ((field, (text,)),) = errors(response).items()
        assert field == name
        self.assertContains(response, "Won a scholarship")
        assert not LearningPathEnrollmentAllowed.objects.filter(user=None).exists()
        assert not LogEntry.objects.exists()
        return text

    def test_what_is_no_address_is_an_error(self) -> None:
        long = "x" * 250 + "@example.org"
        for email in ("", "nope", "josé@example.org", "dan@exämple", long, "a@b@example.org"):
            self.assert_refused(self.add(email))

    def test_the_address_of_a_retired_account_is_an_error(self) -> None:
        RetiredAccount.objects.create(email="dan@example.org")
        assert "was retired" in self.assert_refused(self.add("Dan@example.org"))

    def test_an_address_of_two_accounts_is_an_error(self) -> None:
        make_user("ana", email="ana@example.org")
        make_user("ana2", email="Ana@example.org")
        assert "More than one account" in self.assert_refused(self.add("ana@example.org"))

    def test_an_invitation_that_somebody_else_used_is_an_error(self) -> None:
        self.invite("dan@example.org")
        dan = make_user("dan", email="dan@example.org")
        api.claim_invitations(dan)
        User.objects.filter(pk=dan.pk).update(email="dan@example.com")
        assert "was used by an account" in self.assert_refused(self.add("dan@example.org"))

    def test_a_path_must_be_chosen(self) -> None:
        self.assert_refused(self.add("dan@example.org", learning_path=""), "learning_path")

    def test_continuing_leads_to_the_invitation(self) -> None:
        response = self.add("dan@example.org", _continue="1")
        pk = LearningPathEnrollmentAllowed.objects.get().pk
        self.assertRedirects(response, admin_url("learningpathenrollmentallowed", "change", pk))


class WithdrawTest(InvitationTestCase):
    def withdraw(self, *invitations: LearningPathEnrollmentAllowed) -> Any:
        data = {"action": "withdraw", "_selected_action": [invitation.pk for invitation in invitations]}
        return self.client.post(LIST, data, follow=True)

    def test_pending_invitations_are_withdrawn_and_others_left_alone(self) -> None:
        dan, eve = self.invite("dan@example.org"), self.invite("eve@example.org")
        make_user("ana")
        consumed = self.invite("ana@example.com")
        assert texts(self.withdraw(dan, eve, consumed)) == [
            "2 invitations were withdrawn.",
            "1 invitation was not pending and was left alone: "
            "ana@example.com (path-v1:DemoX+DS101+2026, used by the account ana).",
        ]
        dan.refresh_from_db()
        assert not dan.is_active
        audit = dan.audit.latest("pk")
        assert (audit.enrolled_by, audit.state_transition) == (self.sam, StateTransition.ALLOWED_TO_UNENROLLED)
        consumed.refresh_from_db()
        assert consumed.is_active
        assert consumed.audit.count() == 1

    def test_of_many_that_are_left_alone_some_are_named(self) -> None:
        invitations = [self.invite(f"dan{number:02}@example.org") for number in range(12)]
        self.withdraw(*invitations)
        (text,) = texts(self.withdraw(*invitations))
        assert text.startswith("12 invitations were not pending and were left alone: ")
        assert text.endswith(" and 2 more.")

    def test_withdrawing_takes_the_permission_to_change(self) -> None:
        dan = self.invite("dan@example.org")
        self.log_in_with("view_learningpathenrollmentallowed")
        self.withdraw(dan)
        dan.refresh_from_db()
        assert dan.is_pending
        self.assertNotContains(self.client.get(LIST), "Withdraw the selected invitations")

    def test_with_the_permission_it_is_offered(self) -> None:
        dan = self.invite("dan@example.org")
        User.objects.filter(pk=self.sam.pk).update(is_superuser=False)
        vera = self.log_in_with("change_learningpathenrollmentallowed")
        self.assertContains(self.client.get(LIST), "Withdraw the selected invitations")
        self.withdraw(dan)
        assert dan.audit.latest("pk").enrolled_by == vera


class InvitationPageTest(InvitationTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.dan = self.invite("dan@example.org")
        self.change = admin_url("learningpathenrollmentallowed", "change", self.dan.pk)

    def test_the_page_of_an_invitation_is_to_read(self) -> None:
        page = self.client.get(self.change)
        self.assertContains(page, "dan@example.org")
        self.assertContains(page, "pending")
        self.assertContains(page, f'enrollment_allowed__id__exact={self.dan.pk}">1 manual change</a>')
        self.assertNotContains(page, 'name="_save"')
        self.assertNotContains(page, 'name="reason"')
        assert self.client.post(self.change, {"email": "eve@example.org"}).status_code == 403

    def test_nobody_deletes(self) -> None:
        delete = admin_url("learningpathenrollmentallowed", "delete", self.dan.pk)
        assert self.client.post(delete, {"post": "yes"}).status_code == 403
        self.assertNotContains(self.client.get(LIST), "delete_selected")

    def test_who_may_only_view_does_not_add(self) -> None:
        self.log_in_with("view_learningpathenrollmentallowed")
        page = self.client.get(self.change)
        self.assertContains(page, "dan@example.org")
        self.assertNotContains(page, "manual change")
        assert self.client.get(ADD).status_code == 403

    def test_the_list_tells_the_states(self) -> None:
        make_user("ana")
        self.invite("ana@example.com")
        self.invite("eve@example.org")
        api.withdraw_invitation("eve@example.org", self.path, acting_user=self.sam)
        for query, emails in {
            "state=pending": ["dan@example.org"],
            "state=consumed": ["ana@example.com"],
            "state=withdrawn": ["eve@example.org"],
            "q=DAN@": ["dan@example.org"],
            "q=ds101+eve": ["eve@example.org"],
            "q=nobody": [],
        }.items():
            page = self.client.get(f"{LIST}?{query}")
            assert [row.email for row in page.context["cl"].result_list] == emails, query
            if query.startswith("state"):
                self.assertContains(page, f'<td class="field-state">{query[6:]}</td>', html=True)
        assert len(self.client.get(f"{LIST}?state=nonsense").context["cl"].result_list) == 3

    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        for number in range(30):
            if number == 5:
                few = self.count_queries(LIST)
            make_user(f"ana{number}")
            self.invite(f"ana{number}@example.com")
        assert self.count_queries(LIST) == few
