"""The first step of bulk enrollment, and the ways to it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from learning_paths import api
from learning_paths.admin import addresses
from learning_paths.data import BulkOperation, JobState
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathEnrollment
from tests.admin.base import AdminTestCase, admin_url, confirm_fields
from tests.factories import make_path, make_staff, make_user

MAY_ENROLL = ["add_bulkenrollmentjob", "add_learningpathenrollment"]
MAY_UNENROLL = ["add_bulkenrollmentjob", "change_learningpathenrollment"]
ADD = admin_url("bulkenrollmentjob", "add")


class BulkFormCase(AdminTestCase):
    """Sam prepares bulk jobs for two paths."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data Science")
        self.other = make_path("path-v1:DemoX+WEB+2026", display_name="Web")

    def send(self, url: str = ADD, **fields: Any) -> Any:
        """Send the form with these fields, and with the usual ones where none is given."""
        usual = {"operation": "enroll", "learning_paths": [self.path.pk], "emails": "ana@x.org", "reason": "Cohort"}
        return self.client.post(url, {**usual, **fields})

    def errors_of(self, response: Any) -> dict[str, list[str]]:
        assert response.status_code == 200
        return {name: list(map(str, found)) for name, found in response.context["form"].errors.items()}


class EntryTests(BulkFormCase):
    """The buttons and actions that lead to the form."""

    def test_the_list_of_paths_and_the_page_of_a_path_lead_to_the_form(self) -> None:
        self.assertContains(self.client.get(admin_url("learningpath", "changelist")), f"{ADD}?operation=enroll")
        page = self.client.get(admin_url("learningpath", "change", self.path.pk))
        for operation in ("enroll", "unenroll"):
            self.assertContains(page, f"{ADD}?operation={operation}&amp;learning_paths={self.path.pk}")

    def test_the_action_takes_the_selected_paths_along(self) -> None:
        chosen = {"action": "bulk_enroll", "_selected_action": [self.path.pk, self.other.pk]}
        response = self.client.post(admin_url("learningpath", "changelist"), chosen, follow=True)
        paths = response.context["form"].initial["learning_paths"]
        assert set(paths) == {self.path, self.other}
        assert self.client.post(admin_url("learningpath", "changelist"), {**chosen, "action": "bulk_unenroll"})[
            "Location"
        ].startswith(f"{ADD}?operation=unenroll")

    def test_more_paths_than_an_address_takes_are_refused_in_words(self) -> None:
        with patch("learning_paths.admin.bulk_entry.MOST_PATHS_IN_A_LINK", 1):
            chosen = {"action": "bulk_enroll", "_selected_action": [self.path.pk, self.other.pk]}
            response = self.client.post(admin_url("learningpath", "changelist"), chosen)
        assert [str(message) for message in get_messages(response.wsgi_request)] == [
            "Select at most 1 learning paths at a time."
        ]

    def test_who_may_not_enroll_in_bulk_sees_neither_button_nor_action_nor_page(self) -> None:
        self.log_in_with("view_learningpath", "change_learningpath", "add_learningpathenrollment")
        listed = self.client.get(admin_url("learningpath", "changelist"))
        self.assertNotContains(listed, ADD)
        self.assertNotContains(listed, 'value="bulk_enroll"')
        self.assertNotContains(self.client.get(admin_url("learningpath", "change", self.path.pk)), ADD)
        assert self.client.get(ADD).status_code == 403
        assert self.send().status_code == 403
        assert not BulkEnrollmentJob.objects.exists()

    def test_who_may_enroll_only_can_not_unenroll(self) -> None:
        self.log_in_with("view_learningpath", *MAY_ENROLL)
        self.assertNotContains(self.client.get(admin_url("learningpath", "changelist")), "operation=unenroll")
        assert self.client.get(ADD).status_code == 200
        assert self.client.get(f"{ADD}?operation=unenroll").status_code == 403
        assert self.send(operation="unenroll").status_code == 403

    def test_who_may_unenroll_only_can_not_enroll(self) -> None:
        self.log_in_with("view_learningpath", *MAY_UNENROLL)
        assert self.client.get(ADD).status_code == 403
        assert self.client.get(f"{ADD}?operation=unenroll").status_code == 200

    def test_senseless_paths_in_the_address_are_ignored(self) -> None:
        response = self.client.get(f"{ADD}?learning_paths=x&learning_paths=99999999999999&learning_paths=-1")
        assert list(response.context["form"].initial["learning_paths"]) == []


class InputTests(BulkFormCase):
    """What the form takes, and what it says of what it does not."""

    def test_a_good_form_leads_to_a_preview_and_enrolls_nobody(self) -> None:
        make_user("ana", email="ana@x.org")
        response = self.send(emails="Ana <ana@x.org>, new@x.org", role="scholar", org="DemoX")
        job = BulkEnrollmentJob.objects.get()
        self.assertRedirects(response, admin_url("bulkenrollmentjob", "change", job.pk))
        assert (job.state, job.author, job.operation) == (JobState.DRAFT, self.sam, BulkOperation.ENROLL)
        assert (job.reason, job.role, job.org) == ("Cohort", "scholar", "DemoX")
        assert [(row.email, row.planned) for row in job.rows.order_by("pk")] == [
            ("ana@x.org", "enrolled"),
            ("new@x.org", "invited"),
        ]
        assert not LearningPathEnrollment.objects.exists()

    def test_text_and_file_are_used_together(self) -> None:
        file = SimpleUploadedFile("class.csv", b"name,email\nBen,ben@x.org\nAna,ana@x.org\n,nope\n")
        self.send(file=file, learning_paths=[self.path.pk, self.other.pk])
        job = BulkEnrollmentJob.objects.get()
        assert list(dict.fromkeys(job.rows.order_by("pk").values_list("email", "line"))) == [
            ("nope", 4),
            ("ana@x.org", None),
            ("ben@x.org", None),
        ]
        assert job.total == 4

    def test_errors_stand_beside_their_field_with_the_line(self) -> None:
        response = self.send(emails="nope\n\nana@", reason=" ", learning_paths=[])
        assert self.errors_of(response) == {
            "reason": ["This field is required."],
            "learning_paths": ["Choose at least one learning path or course run."],
            "emails": [
                "Line 1: “nope” is not a valid e-mail address.",
                "Line 3: “ana@” is not a valid e-mail address.",
            ],
        }
        self.assertContains(response, "nope\n\nana@")
        assert not BulkEnrollmentJob.objects.exists()

    def test_many_errors_are_told_in_short(self) -> None:
        response = self.send(emails="\n".join(f"no{n}" for n in range(8)))
        assert self.errors_of(response)["emails"][-1] == "And 3 more."

    def test_nothing_at_all_is_an_error(self) -> None:
        assert self.errors_of(self.send(emails=" \n")) == {
            "emails": ["Type or paste e-mail addresses, or choose a file."]
        }

    def test_faults_of_a_file_stand_beside_the_file(self) -> None:
        response = self.send(emails="", file=SimpleUploadedFile("class.csv", b"email\nnope\n"))
        assert self.errors_of(response) == {"file": ["Line 2: “nope” is not a valid e-mail address."]}

    def test_a_file_outlives_the_errors_of_other_fields(self) -> None:
        response = self.send(reason="", emails="typed@x.org", file=SimpleUploadedFile("class.csv", b"ben@x.org\n"))
        assert set(self.errors_of(response)) == {"reason"}
        draft = BulkEnrollmentJob.objects.get()
        self.assertContains(response, "Keep the file class.csv")
        assert (response.context["action"], draft.typed) == (
            admin_url("bulkenrollmentjob", "edit", draft.pk),
            "typed@x.org",
        )
        assert (
            self.client.get(admin_url("bulkenrollmentjob", "change", draft.pk))["Location"]
            == response.context["action"]
        )
        self.send(response.context["action"], emails="typed@x.org", keep_file="on")
        assert list(draft.rows.order_by("pk").values_list("email", flat=True)) == ["typed@x.org", "ben@x.org"]
        assert BulkEnrollmentJob.objects.count() == 1

    def test_a_kept_file_can_be_dropped_or_exchanged(self) -> None:
        self.send(file=SimpleUploadedFile("class.csv", b"ben@x.org\n"))
        draft = BulkEnrollmentJob.objects.get()
        edit = admin_url("bulkenrollmentjob", "edit", draft.pk)
        self.send(edit, file=SimpleUploadedFile("other.csv", b"chloe@x.org\n"), keep_file="on")
        assert list(draft.rows.order_by("pk").values_list("email", flat=True)) == ["ana@x.org", "chloe@x.org"]
        self.send(edit)
        draft.refresh_from_db()
        assert (draft.file_name, bytes(draft.file_content)) == ("", b"")
        assert list(draft.rows.order_by("pk").values_list("email", flat=True)) == ["ana@x.org"]

    def test_the_way_back_shows_what_was_given(self) -> None:
        self.send(emails="Ana <ana@x.org>\nnope", role="scholar")
        draft = BulkEnrollmentJob.objects.get()
        self.client.logout()
        self.client.force_login(self.sam)
        form = self.client.get(admin_url("bulkenrollmentjob", "edit", draft.pk)).context["form"]
        assert form["emails"].value() == "Ana <ana@x.org>\nnope"
        assert (form["reason"].value(), form["role"].value()) == ("Cohort", "scholar")
        assert form["learning_paths"].value() == [self.path.pk]

    @override_settings(LEARNING_PATHS_BULK_REASON_REQUIRED=False)
    def test_the_reason_can_be_made_optional(self) -> None:
        assert self.send(reason="").status_code == 302

    @override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=2)
    def test_more_than_a_job_takes_is_an_error_of_the_form(self) -> None:
        response = self.send(emails="a@x.org b@x.org c@x.org")
        [error] = self.errors_of(response)["emails"]
        assert "One job takes at most 2." in error
        assert not BulkEnrollmentJob.objects.exists()

    def test_a_file_that_a_draft_could_not_keep_is_refused(self) -> None:
        with patch.object(addresses, "LARGEST_FILE", 4):
            response = self.send(file=SimpleUploadedFile("class.csv", b"ana@x.org\n"))
        [error] = self.errors_of(response)["file"]
        assert error.startswith("The file is too large")

    def test_without_javascript_paths_are_named_by_key(self) -> None:
        self.send(learning_paths=[], path_keys=f"{self.path.key},\n{self.other.key}")
        assert set(BulkEnrollmentJob.objects.get().learning_paths.all()) == {self.path, self.other}
        response = self.send(learning_paths=[], path_keys=f"{self.path.key} path-v1:No+Such+Path")
        assert self.errors_of(response) == {"path_keys": ["There is no such learning path: path-v1:No+Such+Path"]}

    def test_a_path_that_was_deleted_meanwhile_is_an_error(self) -> None:
        gone = self.other.pk
        LearningPath.objects.filter(pk=gone).delete()
        assert "learning_paths" in self.errors_of(self.send(learning_paths=[gone]))

    def test_what_is_typed_is_escaped(self) -> None:
        response = self.send(emails="<script>alert(1)</script>", reason="")
        self.assertNotContains(response, "<script>alert(1)")

    def test_a_control_character_is_an_error_and_no_fault(self) -> None:
        assert "emails" in self.errors_of(self.send(emails="ana@x.org\x00"))


class DraftTests(BulkFormCase):
    """Whose drafts they are."""

    def test_a_draft_is_its_authors_and_no_one_elses(self) -> None:
        draft = api.draft_bulk_job(api.prepare_bulk("ana@x.org", [str(self.path.key)]), acting_user=self.sam)
        self.log_in_with("view_bulkenrollmentjob", *MAY_ENROLL)
        for page in ("edit", "change", "results", "progress"):
            assert self.client.get(admin_url("bulkenrollmentjob", page, draft.pk)).status_code == 404
        assert self.client.post(admin_url("bulkenrollmentjob", "confirm", draft.pk)).status_code == 404
        self.assertNotContains(self.client.get(admin_url("bulkenrollmentjob", "changelist")), f"Job {draft.pk}")
        self.client.force_login(make_staff("root", is_superuser=True))
        assert self.client.get(admin_url("bulkenrollmentjob", "edit", draft.pk)).status_code == 200

    def test_a_confirmed_job_has_no_way_back_to_the_form(self) -> None:
        self.send()
        job = BulkEnrollmentJob.objects.get()
        self.client.post(admin_url("bulkenrollmentjob", "confirm", job.pk), confirm_fields(job))
        for send in (self.client.get, self.send):
            response = send(admin_url("bulkenrollmentjob", "edit", job.pk))
            assert response["Location"] == admin_url("bulkenrollmentjob", "change", job.pk)
        assert BulkEnrollmentJob.objects.count() == 1
