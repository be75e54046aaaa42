"""The sandbox keeps its e-mails in files, and shows the latest to staff."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import TestCase, override_settings

from sandbox.mails import SHOWN, latest_mails
from tests.factories import make_staff, make_user

FILES = "django.core.mail.backends.filebased.EmailBackend"


class MailsTests(TestCase):
    """What is read, and who sees it."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.enterContext(override_settings(EMAIL_FILE_PATH=str(self.directory), EMAIL_BACKEND=FILES))

    def send(self, *subjects: str, text: str = "Hello ana,\n\nyou are in: http://localhost:8000/dashboard") -> None:
        """Send e-mails through one connection."""
        messages = []
        for subject in subjects:
            message = EmailMultiAlternatives(subject, text, "sandbox@example.com", ["ana@example.com"])
            message.attach_alternative("<p>Hello</p>", "text/html")
            messages.append(message)
        get_connection(FILES).send_messages(messages)

    def test_the_latest_come_first(self) -> None:
        self.send("One", "Two")
        assert [mail.subject for mail in latest_mails()] == ["Two", "One"]
        [mail, _] = latest_mails()
        assert (mail.to, mail.text.splitlines()[0]) == ("ana@example.com", "Hello ana,")

    def test_only_so_many(self) -> None:
        self.send(*(f"Number {number}" for number in range(SHOWN + 5)))
        assert len(latest_mails()) == SHOWN

    def test_none_yet(self) -> None:
        with override_settings(EMAIL_FILE_PATH=str(self.directory / "missing")):
            assert latest_mails() == []

    def test_a_file_that_is_no_e_mail_does_no_harm(self) -> None:
        (self.directory / "x.log").write_bytes(b"\xff\x00 nonsense")
        assert [mail.subject for mail in latest_mails()] == [""]

    def test_staff_see_them_escaped(self) -> None:
        self.send("You are enrolled in <b>Data</b>", text="In <script>alert(1)</script> & http://localhost:8000/x")
        self.client.force_login(make_staff("sam"))
        answer = self.client.get("/")
        self.assertContains(answer, "You are enrolled in &lt;b&gt;Data&lt;/b&gt;")
        self.assertContains(answer, "In &lt;script&gt;alert(1)&lt;/script&gt; &amp; ")
        self.assertContains(answer, 'href="http://localhost:8000/x"')
        self.assertContains(answer, "ana@example.com,")

    def test_nobody_else_does(self) -> None:
        self.send("You are enrolled")
        self.assertNotContains(self.client.get("/"), "You are enrolled in")
        self.client.force_login(make_user("ana"))
        self.assertNotContains(self.client.get("/"), "E-mails")

    def test_the_links_in_e_mails_lead_somewhere(self) -> None:
        self.assertRedirects(self.client.get("/register"), "/accounts/register/")
        self.assertRedirects(self.client.get("/dashboard"), "/")
        course = "/courses/course-v1:DemoX+PY101+2026"
        self.assertRedirects(self.client.get(f"{course}/about"), "/")
        assert self.client.get(f"{course}/course/")["Location"].startswith("/accounts/login/")
