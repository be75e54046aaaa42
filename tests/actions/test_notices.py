"""Learners are told by e-mail what was changed for them: one message each, through edx-ace itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from smtplib import SMTPRecipientsRefused
from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.test import TestCase, override_settings
from django.utils import translation
from edx_ace import policy
from edx_ace.channel import ChannelType
from edx_ace.policy import PolicyResult
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from learning_paths.actions import job_notices, notices
from learning_paths.data import BulkReport, JobState, LearnerNotice, NoticeState
from learning_paths.lms import get_lms
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathEnrollment
from sandbox.courses.models import CourseRun
from tests.factories import make_path, make_staff, make_user

PY101 = CourseKey.from_string("course-v1:DemoX+PY101+2026")
NOBODY_LISTENS = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_PORT": 1, "EMAIL_TIMEOUT": 2}


class RefusingBackend(EmailBackend):
    """A mail server that takes everything but what is for Ben."""

    def send_messages(self, messages: Any) -> int:
        """Refuse Ben."""
        for message in messages:
            if message.to == ["ben@example.com"]:
                raise SMTPRecipientsRefused({"ben@example.com": (550, b"No such mailbox")})
        return super().send_messages(messages)


@contextmanager
def site_policy(deny: Any) -> Iterator[None]:
    """A site with one policy, which tells of each message what to deny."""
    checked = mock.Mock(check=lambda message: PolicyResult(deny=deny(message)))
    with mock.patch.object(policy, "policies", return_value=[checked]):
        yield


def html_of(message: EmailMultiAlternatives) -> str:
    """Return the HTML of a message."""
    parts: Any = message.message()
    [html] = [part for part in parts.walk() if part.get_content_type() == "text/html"]
    return str(html.get_payload(decode=True).decode())


class NoticesTestCase(TestCase):
    """Ana and Ben have accounts, Chloe has not activated hers, and new@example.com has none."""

    sam: User
    ana: User
    ben: User
    chloe: User
    science: LearningPath
    web: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        cls.sam = make_staff("sam")
        cls.ana, cls.ben = make_user("ana"), make_user("ben")
        cls.chloe = make_user("chloe", is_active=False)
        cls.science = make_path(display_name="Data & <b>Science</b>")
        cls.web = make_path("path-v1:DemoX+WEB+2026", display_name="Web")
        CourseRun.objects.create(course_key=PY101, display_name="Python")

    def enroll(self, emails: str, *paths: Any, courses: list[Any] | None = None) -> BulkReport:
        """Let Sam enroll in bulk."""
        work = api.prepare_bulk(emails, [path.key for path in paths], courses or [])
        return api.bulk_enroll(work, acting_user=self.sam)

    def job(self, emails: str, *paths: Any, notify: bool = True) -> BulkEnrollmentJob:
        """Let Sam enroll by a job, and run it."""
        work = api.prepare_bulk(emails, [path.key for path in paths])
        job = api.queue_bulk_job(work, notify=notify, acting_user=self.sam)
        api.run_bulk_job(job.pk)
        job.refresh_from_db()
        return job


@ddt.ddt
class NoticesOfTests(NoticesTestCase):
    """What is to be told."""

    def test_one_notice_for_each_learner_of_everything_that_changed(self) -> None:
        report = self.enroll("ana@example.com, new@example.com", self.science, self.web)
        with self.assertNumQueries(0):
            found = api.notices_of(report)
        keys = (self.science.key, self.web.key)
        assert found == [
            LearnerNotice("ana@example.com", "ana", enrolled=keys),
            LearnerNotice("new@example.com", "", invited=keys),
        ]

    def test_nothing_of_what_was_so_already(self) -> None:
        self.enroll("ana@example.com, new@example.com", self.science)
        assert api.notices_of(self.enroll("ana@example.com, new@example.com", self.science)) == []
        [notice] = api.notices_of(self.enroll("ana@example.com", self.science, self.web))
        assert notice.enrolled == (self.web.key,)

    def test_nothing_of_failures_and_of_leaving(self) -> None:
        make_user("ana2", email="ANA@example.com")
        assert api.notices_of(self.enroll("ana@example.com", self.science)) == []
        self.enroll("ben@example.com", self.science)
        work = api.prepare_bulk("ben@example.com", [self.science.key])
        assert api.notices_of(api.bulk_unenroll(work, acting_user=self.sam)) == []

    def test_again_is_told(self) -> None:
        self.enroll("ana@example.com", self.science)
        api.unenroll(self.ana, self.science, acting_user=self.sam)
        [notice] = api.notices_of(self.enroll("ana@example.com", self.science))
        assert notice.enrolled == (self.science.key,)

    def test_a_payload_comes_back_as_it_was(self) -> None:
        notice = LearnerNotice("ana@example.com", "ana", (self.science.key, PY101), (self.web.key,))
        assert LearnerNotice.from_payload(notice.payload()) == notice


@ddt.ddt
@override_settings(LMS_ROOT_URL="https://lms.example.com/", PLATFORM_NAME="Demo & Co")
class SendTests(NoticesTestCase):
    """What the learners get."""

    def send(self, emails: str, *paths: Any, courses: list[Any] | None = None) -> EmailMultiAlternatives:
        """Enroll one learner, tell the learner, and return the message."""
        report = api.send_notices(api.notices_of(self.enroll(emails, *paths, courses=courses)))
        assert (report.sent, report.failed) == ((emails,), ())
        [message] = mail.outbox
        assert isinstance(message, EmailMultiAlternatives)
        return message

    def test_a_learner_is_told_of_paths_and_courses_at_once(self) -> None:
        message = self.send("ana@example.com", self.web, courses=[PY101])
        assert message.to == ["ana@example.com"]
        assert message.subject == "You are enrolled in 2 courses and learning paths"
        text = str(message.body)
        assert "Hello ana," in text
        assert "the staff of Demo & Co has enrolled you in:" in text
        assert "* Web (Learning path)\n  https://lms.example.com/learning_paths/path-v1:DemoX+WEB+2026/\n" in text
        assert f"* Python (Course)\n  https://lms.example.com/courses/{PY101}/course/" in text
        assert "https://lms.example.com/learning_paths/" in text
        html = html_of(message)
        assert f'<a href="https://lms.example.com/courses/{PY101}/course/"' in html
        assert '<div lang="en" dir="ltr"' in html

    def test_names_are_escaped_in_html_and_not_in_text(self) -> None:
        message = self.send("ana@example.com", self.science)
        assert message.subject == "You are enrolled in Data & <b>Science</b>"
        assert "Data & <b>Science</b>" in str(message.body)
        html = html_of(message)
        assert "<b>Science" not in html
        assert "Data &amp; &lt;b&gt;Science&lt;/b&gt;" in html
        assert "Demo &amp; Co" in html

    def test_somebody_without_an_account_is_told_how_to_register(self) -> None:
        message = self.send("new@example.com", self.web)
        assert message.subject == "You are invited to Web"
        for content in (str(message.body), html_of(message)):
            assert "Register with exactly this address, new@example.com" in content
            assert "https://lms.example.com/register" in content

    def test_who_is_not_enrolled_yet_is_led_to_what_everybody_may_see(self) -> None:
        message = self.send("new@example.com", courses=[PY101])
        assert f"https://lms.example.com/courses/{PY101}/about" in str(message.body)

    def test_somebody_with_an_inactive_account_is_told_to_activate_it(self) -> None:
        message = self.send("chloe@example.com", self.web)
        for content in (str(message.body), html_of(message)):
            assert "Your account chloe is not activated yet." in content
            assert "/register" not in content

    def test_whoever_registered_meanwhile_is_told_of_the_enrollment(self) -> None:
        found = api.notices_of(self.enroll("new@example.com", self.web))
        make_user("nina", email="new@example.com")
        api.send_notices(found)
        assert mail.outbox[0].subject == "You are enrolled in Web"
        assert "Hello nina," in str(mail.outbox[0].body)

    @override_settings(LMS_ROOT_URL=None)
    def test_without_a_known_address_of_the_site_there_are_no_links(self) -> None:
        message = self.send("new@example.com", self.web, courses=[PY101])
        for content in (str(message.body), html_of(message)):
            assert "http" not in content
            assert "new@example.com" in content

    def test_the_learners_own_language(self) -> None:
        chosen = {self.ana.pk: "es-419", self.ben.pk: "xx"}
        notices = api.notices_of(self.enroll("ana@example.com, ben@example.com, new@example.com", self.web))
        with (
            mock.patch.object(get_lms(), "preferred_languages", return_value=chosen) as asked,
            translation.override("de"),
        ):
            api.send_notices(notices)
        asked.assert_called_once_with([self.ana.pk, self.ben.pk])
        languages = [html_of(message).partition('lang="')[2][:2] for message in mail.outbox]  # type: ignore[arg-type]
        assert languages == ["es", "en", "en"]

    def test_the_queries_do_not_grow_with_the_learners(self) -> None:
        emails = [f"new{number}@example.com" for number in range(20)]
        one = api.notices_of(self.enroll("ana@example.com, new@example.com", self.web, courses=[PY101]))
        many = api.notices_of(self.enroll(",".join([*emails, "ben@example.com"]), self.web, courses=[PY101]))
        for some in (one, many):
            with self.assertNumQueries(3):  # accounts, paths, courses; the sandbox has no languages
                api.send_notices(some)
        assert len(mail.outbox) == 23


@ddt.ddt
class FailureTests(NoticesTestCase):
    """What is not sent."""

    def notices(self, number: int = 3) -> list[LearnerNotice]:
        """Enroll Ana and Ben, and invite others."""
        emails = ["ana@example.com", "ben@example.com", *(f"new{n}@example.com" for n in range(number - 2))]
        return api.notices_of(self.enroll(",".join(emails), self.web))

    @override_settings(EMAIL_BACKEND=f"{__name__}.RefusingBackend")
    def test_one_refused_address_is_one_failure(self) -> None:
        notices = self.notices()
        with self.assertLogs("learning_paths", "ERROR") as logs, self.assertLogs("edx_ace", "ERROR"):
            report = api.send_notices(notices)
        assert report.failed == ("ben@example.com",)
        assert report.sent == ("ana@example.com", "new0@example.com")
        assert not report.gave_up
        assert len(logs.output) == 1
        assert f"e-mail 2 of 3 was not sent, to user {self.ben.pk}\n" in logs.output[0]

    @override_settings(**NOBODY_LISTENS)
    def test_a_mail_server_that_is_down_costs_few_attempts_and_no_enrollment(self) -> None:
        found = self.notices(30)
        with (
            mock.patch("socket.create_connection", side_effect=ConnectionRefusedError("refused")) as connect,
            self.assertLogs("learning_paths", "ERROR") as logs,
        ):
            report = api.send_notices(found)
        assert connect.call_count == notices.FAILURES_IN_A_ROW
        assert report.gave_up
        assert report.sent == ()
        assert report.failed == tuple(notice.email for notice in found)
        assert len(logs.output) == notices.FAILURES_IN_A_ROW + 1
        assert "25 more e-mails were not tried" in logs.output[-1]
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 2

    @override_settings(**NOBODY_LISTENS)
    def test_a_mail_server_that_really_is_not_there(self) -> None:
        with self.assertLogs("learning_paths", "ERROR"):
            report = api.send_notices(self.notices())
        assert len(report.failed) == 3

    def test_a_policy_of_the_site_withholds(self) -> None:
        def deny(message: Any) -> set[ChannelType]:
            return set(ChannelType) if message.recipient.lms_user_id == self.ana.pk else set()

        with site_policy(deny):
            report = api.send_notices(self.notices())
        assert report.withheld == ("ana@example.com",)
        assert report.sent == ("ben@example.com", "new0@example.com")
        assert report.failed == ()

    def test_the_policy_for_disabled_accounts_is_asked_of_accounts_only(self) -> None:
        asked = []

        def deny(message: Any) -> set[ChannelType]:
            if not message.options["skip_disable_user_policy"]:
                asked.append(message.recipient.lms_user_id)
            return set()

        with site_policy(deny):
            api.send_notices(self.notices())
        assert asked == [self.ana.pk, self.ben.pk]

    def test_whatever_a_policy_raises_is_one_failure(self) -> None:
        def deny(message: Any) -> set[ChannelType]:
            if message.recipient.lms_user_id is None:
                raise LookupError("no such user")
            return set()

        with site_policy(deny), self.assertLogs("learning_paths", "ERROR") as logs:
            report = api.send_notices(self.notices())
        assert report.failed == ("new0@example.com",)
        assert "no such user" in logs.output[0]

    def test_a_site_without_a_channel_for_e_mail(self) -> None:
        with (
            mock.patch("edx_ace.ace.get_channel_for_message", side_effect=_no_channel),
            self.assertLogs("learning_paths", "ERROR") as logs,
        ):
            report = api.send_notices(self.notices())
        assert len(report.failed) == 3
        assert "no channel for e-mail" in logs.output[0]


def _no_channel(*args: Any) -> Any:
    from edx_ace.errors import UnsupportedChannelError

    raise UnsupportedChannelError("none")


class JobTests(NoticesTestCase):
    """The learners of a job."""

    def tell(self, job: BulkEnrollmentJob) -> BulkEnrollmentJob:
        """Send until nobody is left."""
        while api.send_job_notices(job.pk):
            pass
        job.refresh_from_db()
        return job

    def test_each_learner_gets_one_message(self) -> None:
        job = self.tell(self.job("ana@example.com, ben@example.com, new@example.com", self.science, self.web))
        assert sorted(message.to for message in mail.outbox) == [
            ["ana@example.com"],
            ["ben@example.com"],
            ["new@example.com"],
        ]
        assert (job.notices_total, job.notices_sent, job.notices_failed, job.notices_left) == (3, 3, 0, 0)
        assert job.notified_at is not None
        assert set(job.rows.values_list("notice", flat=True)) == {NoticeState.SENT}
        assert api.notices_of_job(job)[0] == LearnerNotice(
            "ana@example.com", "ana", enrolled=(self.science.key, self.web.key)
        )

    def test_a_job_that_changed_nothing_tells_nobody(self) -> None:
        self.enroll("ana@example.com", self.web)
        job = self.tell(self.job("ana@example.com", self.web))
        assert mail.outbox == []
        assert job.notified_at is not None

    def test_two_deliveries_send_nothing_twice(self) -> None:
        job = self.job("ana@example.com, ben@example.com, new@example.com", self.web)
        batches: list[list[str]] = []

        def deliver_again(some: Any) -> Any:
            batches.append([notice.email for notice in some])
            if len(batches) == 1:
                assert api.send_job_notices(job.pk)
            return send(some)

        send = api.send_notices
        with (
            mock.patch.object(job_notices, "NOTICES_AT_ONCE", 2),
            mock.patch.object(job_notices, "send_notices", deliver_again),
        ):
            self.tell(job)
        self.tell(job)
        assert len(mail.outbox) == 3
        assert batches == [["ana@example.com", "ben@example.com"], ["new@example.com"]]
        job.refresh_from_db()
        assert (job.notices_sent, job.notices_left) == (3, 0)

    def test_a_delivery_that_comes_too_late_sends_nothing(self) -> None:
        job = self.job("ana@example.com", self.web)
        stale = BulkEnrollmentJob.objects.get(pk=job.pk)
        self.tell(job)
        with mock.patch.object(job_notices, "jobs_to_tell") as found:
            found.return_value.filter.return_value.first.return_value = stale
            assert not api.send_job_notices(job.pk)
        assert len(mail.outbox) == 1

    def test_a_worker_that_is_killed_costs_those_that_it_had_taken(self) -> None:
        job = self.job("ana@example.com, ben@example.com, new@example.com", self.web)
        with (
            mock.patch.object(job_notices, "NOTICES_AT_ONCE", 2),
            mock.patch.object(job_notices, "send_notices", side_effect=SystemExit),
            self.assertRaises(SystemExit),
        ):
            api.send_job_notices(job.pk)
        self.tell(job)
        assert [message.to for message in mail.outbox] == [["new@example.com"]]
        assert (job.notices_total, job.notices_sent, job.notices_left, job.notices_unknown) == (3, 1, 0, 2)

    @override_settings(EMAIL_BACKEND=f"{__name__}.RefusingBackend")
    def test_failures_are_facts_of_their_own(self) -> None:
        job = self.job("ana@example.com, ben@example.com", self.science, self.web)
        with self.assertLogs("learning_paths", "ERROR"), self.assertLogs("edx_ace", "ERROR"):
            self.tell(job)
        assert job.state == JobState.FINISHED
        assert (job.notices_sent, job.notices_failed) == (1, 1)
        assert list(api.undelivered(job)) == ["ben@example.com"]
        assert LearningPathEnrollment.objects.filter(is_active=True).count() == 4

    @override_settings(**NOBODY_LISTENS)
    def test_a_mail_server_that_is_down_ends_it(self) -> None:
        emails = [f"new{number:02}@example.com" for number in range(20)]
        job = self.job(",".join(emails), self.science, self.web)
        with (
            mock.patch.object(job_notices, "NOTICES_AT_ONCE", 8),
            mock.patch("socket.create_connection", side_effect=ConnectionRefusedError("refused")) as connect,
            self.assertLogs("learning_paths", "ERROR"),
        ):
            self.tell(job)
        assert connect.call_count == notices.FAILURES_IN_A_ROW
        assert (job.notices_total, job.notices_failed, job.notices_left) == (20, 20, 0)
        assert list(api.undelivered(job)) == emails
        assert job.notified_at is not None

    def test_who_is_told(self) -> None:
        quiet = self.job("ana@example.com", self.web, notify=False)
        assert not api.has_learners_to_tell(quiet.pk)
        queued = api.queue_bulk_job(
            api.prepare_bulk("ben@example.com", [self.web.key]), notify=True, acting_user=self.sam
        )
        assert not api.has_learners_to_tell(queued.pk)
        assert not api.send_job_notices(queued.pk)
        assert not api.send_job_notices(10**6)
        assert mail.outbox == []

    def test_an_undo_tells_nobody(self) -> None:
        job = self.job("ana@example.com", self.web)
        undo = api.confirm_bulk_job(api.undo_bulk_job(job, acting_user=self.sam), acting_user=self.sam)
        assert not undo.notify
        api.run_bulk_job(undo.pk)
        assert not api.has_learners_to_tell(undo.pk)

    def test_a_cancelled_job_tells_those_whom_it_had_changed(self) -> None:
        job = self.job("ana@example.com, ben@example.com", self.web)
        job.rows.filter(email="ben@example.com").update(code="")
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(state=JobState.CANCELLED)
        self.tell(job)
        assert [message.to for message in mail.outbox] == [["ana@example.com"]]

    def test_the_queries_do_not_grow_with_the_learners(self) -> None:
        small = self.job("ana@example.com", self.science, self.web)
        large = self.job(",".join(f"new{number}@example.com" for number in range(30)), self.science, self.web)
        for job in (small, large):
            # the job, addresses, how many, the claim, rows, accounts, paths, two for the outcomes
            with self.assertNumQueries(9):
                assert api.send_job_notices(job.pk)

    def test_a_draft_tells_how_many_it_would_be(self) -> None:
        self.enroll("ana@example.com", self.web)
        work = api.prepare_bulk("ana@example.com, ben@example.com, new@example.com", [self.web.key])
        draft = api.draft_bulk_job(work, notify=True, acting_user=self.sam)
        with self.assertNumQueries(1):
            assert api.count_learners_to_tell(draft) == 2
