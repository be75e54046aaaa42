"""What the admin says of learners whose account is not active, or has another address than the one that was named."""

from __future__ import annotations

from typing import Any

from learning_paths import api
from learning_paths.data import BulkOperation
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment
from tests.admin.base import admin_url, errors, texts
from tests.admin.test_bulk_job_admin import BulkJobCase, page
from tests.factories import make_staff

OFFER = "Unenroll the accounts that changed their address"


class ChangedAddressTests(BulkJobCase):
    """Ana was enrolled by ana@x.org and has ana@new.org now; Sam unenrolls ana@x.org."""

    def setUp(self) -> None:
        super().setUp()
        api.invite("ana@x.org", self.path, acting_user=self.sam)
        self.ana.email = "ana@new.org"
        self.ana.save()

    def is_enrolled(self) -> bool:
        return LearningPathEnrollment.objects.filter(user=self.ana, is_active=True).exists()

    def test_the_preview_names_the_account_and_offers_it(self) -> None:
        draft = self.draft("ana@x.org", operation=BulkOperation.UNENROLL)
        response = self.client.get(page("change", draft))
        self.assertContains(response, "has another address now and is still enrolled")
        self.assertContains(response, "The username is ana.")
        self.assertContains(response, OFFER)
        self.assertContains(response, "disabled")
        response = self.press("accounts", draft)
        offered = BulkEnrollmentJob.objects.latest("pk")
        assert (offered.origin, offered.state) == (draft, "draft")
        self.assertContains(response, "ana@new.org")
        self.assertContains(response, 'value="Unenroll 1"')
        assert self.is_enrolled()
        self.press("confirm", offered)
        assert not self.is_enrolled()

    def test_so_does_the_result_which_has_nothing_to_retry(self) -> None:
        job = self.finished("ana@x.org", operation=BulkOperation.UNENROLL)
        response = self.client.get(page("change", job))
        self.assertContains(response, OFFER)
        self.assertNotContains(response, "Retry the failed rows")
        self.assertContains(self.press("accounts", job), "ana@new.org")

    def test_other_jobs_offer_nothing(self) -> None:
        for job in (self.draft("ben@x.org", operation=BulkOperation.UNENROLL), self.finished("ana@x.org ben@x.org")):
            self.assertNotContains(self.client.get(page("change", job)), OFFER)
            assert texts(self.press("accounts", job)) == ["The job has no rows for which that could be done."]

    def test_only_for_those_who_may_unenroll(self) -> None:
        job = self.finished("ana@x.org", operation=BulkOperation.UNENROLL)
        self.log_in_with("view_bulkenrollmentjob", "add_bulkenrollmentjob", "add_learningpathenrollment")
        self.assertNotContains(self.client.get(page("change", job)), OFFER)
        assert self.client.post(page("accounts", job)).status_code == 403


class NotActiveTests(BulkJobCase):
    """Ana's account is not active any more."""

    def setUp(self) -> None:
        super().setUp()
        api.invite("ana@x.org", self.path, acting_user=self.sam)
        self.ana.is_active = False
        self.ana.save()

    def invite(self) -> Any:
        data = {"email": "ana@x.org", "learning_path": self.path.pk, "reason": "", "role": "", "org": ""}
        return self.client.post(admin_url("learningpathenrollmentallowed", "add"), data, follow=True)

    def test_the_preview_says_so(self) -> None:
        response = self.client.get(page("change", self.draft("ana@x.org")))
        self.assertContains(response, "Is enrolled already; account not active.")
        tiles = {tile.label: tile.count for tile in response.context["table"].tiles}
        assert tiles["enrolled already"] == 1
        assert tiles["pending until they register"] == 0

    def test_who_left_waits_for_the_account(self) -> None:
        api.unenroll(self.ana, self.path, acting_user=make_staff("tia"))
        response = self.client.get(page("change", self.draft("ana@x.org", notify=True)))
        self.assertContains(response, "The account is not active. Will be enrolled again as soon as it is active.")
        self.assertContains(response, 'value="Invite 1"')

    def test_one_invitation_of_a_learner_who_is_enrolled(self) -> None:
        [message] = texts(self.invite())
        assert "ana@x.org belongs to ana, who is enrolled" in message

    def test_one_invitation_of_a_learner_who_enrolled_by_another_road(self) -> None:
        self.ben.is_active = False
        self.ben.save()
        api.enroll(self.ben, self.path, acting_user=None)
        data = {"email": "ben@x.org", "learning_path": self.path.pk, "reason": "", "role": "", "org": ""}
        response = self.client.post(admin_url("learningpathenrollmentallowed", "add"), data)
        assert "account not active" in errors(response)["email"][0]

    def test_one_invitation_of_a_learner_who_left(self) -> None:
        api.unenroll(self.ana, self.path, acting_user=make_staff("tia"))
        [message] = texts(self.invite())
        assert "ana@x.org is invited to" in message
        assert "not active" in message
