"""The checkbox that has the learners told by e-mail, and what the page of a job says of the e-mails."""

from __future__ import annotations

import re
from typing import Any

from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment
from tests.admin.base import AdminTestCase, admin_url, confirm_fields
from tests.factories import make_path, make_staff, make_user

ADD = admin_url("bulkenrollmentjob", "add")
BOX = re.compile(r"<input[^>]*name=\"notify\"[^>]*>")
NOBODY_LISTENS = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1, "EMAIL_TIMEOUT": 2}


class NotifyTests(AdminTestCase):
    """Sam enrolls Ana and Ben, and invites new@example.com."""

    EMAILS = "ana@example.com\nben@example.com\nnew@example.com"

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data <b>Science</b>")
        self.ana, self.ben = make_user("ana"), make_user("ben")

    def send(self, url: str = ADD, **fields: Any) -> Any:
        """Send the form with the box ticked."""
        usual = {"operation": "enroll", "learning_paths": [self.path.pk], "emails": self.EMAILS, "reason": "Cohort"}
        return self.client.post(url, {**usual, "notify": "on", **fields})

    def draft(self, **fields: Any) -> BulkEnrollmentJob:
        """Send the form, and return the draft."""
        assert self.send(**fields).status_code == 302
        return BulkEnrollmentJob.objects.latest("pk")

    def page(self, job: BulkEnrollmentJob) -> str:
        """Return the page of a job."""
        return " ".join(self.client.get(admin_url("bulkenrollmentjob", "change", job.pk)).content.decode().split())

    def confirm(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        """Press the button; a job of this size runs at once."""
        self.client.post(admin_url("bulkenrollmentjob", "confirm", job.pk), confirm_fields(job))
        job.refresh_from_db()
        assert job.state == JobState.FINISHED
        return job

    def test_the_box_is_there_for_enrolling_and_not_ticked(self) -> None:
        [box] = BOX.findall(self.client.get(ADD).content.decode())
        assert "checked" not in box
        assert not BOX.findall(self.client.get(f"{ADD}?operation=unenroll").content.decode())

    def test_it_is_kept_on_going_back_and_with_errors(self) -> None:
        job = self.draft()
        [box] = BOX.findall(self.client.get(admin_url("bulkenrollmentjob", "edit", job.pk)).content.decode())
        assert "checked" in box
        file = SimpleUploadedFile("a.csv", b"ana@example.com")
        [box] = BOX.findall(self.send(file=file, emails="", reason="").content.decode())
        assert "checked" in box
        assert BulkEnrollmentJob.objects.latest("pk").notify

    def test_the_preview_says_how_many_and_tells_nobody(self) -> None:
        api.enroll(self.ben, self.path, acting_user=self.sam)
        job = self.draft()
        assert job.notify
        assert "2 learners will get an e-mail." in self.page(job)
        assert mail.outbox == []

    def test_without_the_box_nothing_is_said_and_nobody_told(self) -> None:
        self.send(notify="")
        assert self.client.post(ADD, {"operation": "enroll"}).status_code == 200
        work = api.prepare_bulk(self.EMAILS, [self.path.key])
        job = api.draft_bulk_job(work, acting_user=self.sam)
        assert "e-mail." not in self.page(job)
        self.confirm(job)
        assert mail.outbox == []
        assert "E-mails to learners" not in self.page(job)

    def test_who_was_told(self) -> None:
        job = self.confirm(self.draft())
        assert len(mail.outbox) == 3
        page = self.page(job)
        assert "E-mails to learners: 3 sent." in page
        assert "Addresses that got none" not in page

    @override_settings(**NOBODY_LISTENS)
    def test_what_failed_is_said_by_itself(self) -> None:
        job = self.draft()
        with self.assertLogs("learning_paths", "ERROR"):
            self.confirm(job)
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 2
        page = self.page(job)
        assert "The job is finished." in page
        assert "E-mails to learners: 0 sent, 3 failed." in page
        address = admin_url("bulkenrollmentjob", "undelivered", job.pk)
        assert f'<a href="{address}">Addresses that got none</a>' in page
        response: Any = self.client.get(address)
        assert response.getvalue().decode().splitlines() == ["email", *self.EMAILS.splitlines()]

    def test_that_list_is_for_those_who_may_see_the_job(self) -> None:
        job = self.draft()
        self.client.force_login(make_staff("vera"))
        assert self.client.get(admin_url("bulkenrollmentjob", "undelivered", job.pk)).status_code == 403

    def test_what_else_is_said(self) -> None:
        job = self.draft()
        for values, words in (
            ({"state": JobState.RUNNING}, "when the job is over."),
            ({"state": JobState.FAILED}, "when the job is over."),
            ({"state": JobState.FINISHED}, "are about to be sent."),
            ({"notices_total": 1500, "notices_sent": 1200, "notices_withheld": 2}, "1,200 sent, 2 withheld"),
            ({"notices_total": 1500}, "298 not sent yet."),
            ({"notified_at": job.modified}, "298 not known, as a worker was stopped"),
            ({"notices_total": 0, "notified_at": job.modified}, "No e-mails were sent"),
        ):
            BulkEnrollmentJob.objects.filter(pk=job.pk).update(**values)
            assert words in self.page(job)

    def test_an_undo_says_nothing_of_e_mails(self) -> None:
        undo = api.undo_bulk_job(self.confirm(self.draft()), acting_user=self.sam)
        assert "e-mail." not in self.page(undo)

    def test_a_cancelled_job_tells_those_whom_it_had_changed(self) -> None:
        job = self.draft()
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
        job.rows.filter(email="ana@example.com").update(code="enrolled")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(admin_url("bulkenrollmentjob", "cancel", job.pk))
        assert [message.to for message in mail.outbox] == [["ana@example.com"]]
