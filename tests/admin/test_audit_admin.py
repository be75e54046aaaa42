"""Reading the audit."""

from __future__ import annotations

from learning_paths import api
from learning_paths.models import LearningPath, ManualEnrollmentAudit
from tests.admin.base import AdminTestCase, admin_url
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/manualenrollmentaudit/"


class AuditAdminTest(AdminTestCase):
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path(display_name="Data Science")

    def setUp(self) -> None:
        super().setUp()
        api.enroll(make_user("ana"), self.path, reason="Won a scholarship. " * 9, org="DemoX", acting_user=self.sam)
        api.invite("dan@example.org", self.path, reason="Asked", acting_user=self.sam)

    def found(self, query: str = "") -> list[str]:
        return [row.enrolled_email for row in self.client.get(f"{LIST}?{query}").context["cl"].result_list]

    def test_the_list_names_path_and_person_of_enrollments_and_invitations(self) -> None:
        page = self.client.get(LIST)
        path = '<td class="field-learning_path">Data Science (path-v1:DemoX+DS101+2026)</td>'
        self.assertContains(page, path, count=2, html=True)
        self.assertContains(page, "Won a scholarship.")
        self.assertNotContains(page, "Won a scholarship. " * 5)
        self.assertContains(page, '<td class="field-enrolled_by nowrap">sam</td>', count=2, html=True)

    def test_the_list_tells_the_change_in_short(self) -> None:
        ManualEnrollmentAudit.objects.create(enrolled_email="old@example.org")  # as 0.5.0 may have left one
        page = self.client.get(LIST)
        for text in ("enrolled", "invited", "N/A"):
            self.assertContains(page, f'<td class="field-change">{text}</td>', count=1, html=True)

    def test_rows_are_found(self) -> None:
        assert self.found() == ["dan@example.org", "ana@example.com"]
        assert self.found("q=ANA@example") == ["ana@example.com"]
        assert self.found("q=scholarship") == ["ana@example.com"]
        assert len(self.found("q=sam")) == 2
        assert self.found("q=nobody") == []
        assert self.found("org=DemoX") == ["ana@example.com"]
        assert self.found("state_transition__exact=from unenrolled to allowed to enroll") == ["dan@example.org"]

    def test_a_row_is_to_read(self) -> None:
        row = ManualEnrollmentAudit.objects.get(enrolled_email="ana@example.com")
        change = admin_url("manualenrollmentaudit", "change", row.pk)
        page = self.client.get(change)
        self.assertContains(page, "Won a scholarship. " * 5)
        self.assertNotContains(page, 'name="_save"')
        assert self.client.post(change, {"reason": "None"}).status_code == 403
        assert self.client.post(f"{LIST}add/").status_code == 403
        delete = admin_url("manualenrollmentaudit", "delete", row.pk)
        assert self.client.post(delete, {"post": "yes"}).status_code == 403
        self.assertNotContains(self.client.get(LIST), "delete_selected")

    def test_a_row_stays_readable_when_what_it_was_about_is_gone(self) -> None:
        ManualEnrollmentAudit.objects.update(enrollment=None, enrollment_allowed=None, enrolled_by=None)
        self.assertContains(self.client.get(LIST), "ana@example.com")

    def test_the_permission_to_view_is_needed(self) -> None:
        self.log_in_with("view_manualenrollmentaudit")
        self.assertContains(self.client.get(LIST), "ana@example.com")
        self.client.logout()
        self.client.force_login(make_user("wim", is_staff=True))
        assert self.client.get(LIST).status_code == 403

    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        for number in range(30):
            if number == 5:
                few = self.count_queries(LIST)
            api.enroll(make_user(f"learner{number}"), self.path, acting_user=self.sam)
            api.invite(f"dan{number}@example.org", self.path, acting_user=self.sam)
        assert self.count_queries(LIST) == few
