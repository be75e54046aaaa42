"""What a worker that is killed costs: the e-mails of one portion at most, and never one twice."""

from __future__ import annotations

from typing import Any
from unittest import mock

from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import override_settings

from learning_paths import api, tasks
from learning_paths.data import NoticeState
from learning_paths.models import BulkEnrollmentJob
from tests.actions.test_notices import NoticesTestCase

MOST_LOST = 50
LEARNERS = [f"new{number:03}@example.com" for number in range(120)]


class DyingBackend(EmailBackend):
    """A mail server at whose next message the worker dies, once 70 went out."""

    has_died = False

    def send_messages(self, messages: Any) -> int:
        """Die once."""
        if len(mail.outbox) == 70 and not DyingBackend.has_died:
            DyingBackend.has_died = True
            raise SystemExit
        return super().send_messages(messages)


def addressees() -> list[str]:
    return [address for message in mail.outbox for address in message.to]


class PortionTests(NoticesTestCase):
    """120 learners."""

    def test_of_a_job(self) -> None:
        job = self.job(",".join(LEARNERS), self.web)
        DyingBackend.has_died = False
        with override_settings(EMAIL_BACKEND=f"{__name__}.DyingBackend"):
            with self.assertRaises(SystemExit):
                self.tell(job)
            self.tell(job)
        told = addressees()
        assert len(told) == len(set(told))
        assert len(LEARNERS) - MOST_LOST <= len(told) < len(LEARNERS)
        job.refresh_from_db()
        assert job.notices_unknown <= MOST_LOST
        assert job.notices_sent + job.notices_unknown == job.notices_total == len(LEARNERS)
        sent = set(job.rows.filter(notice=NoticeState.SENT).values_list("email", flat=True))
        assert len(sent) == job.notices_sent
        assert sent <= set(told)

    def tell(self, job: BulkEnrollmentJob) -> None:
        while api.send_job_notices(job.pk):
            pass

    def test_of_a_request(self) -> None:
        report = self.enroll(",".join(LEARNERS), self.web)
        with mock.patch.object(tasks.send_notices, "delay", return_value=None) as delay:
            assert tasks.tell_learners(report)["queued"] == len(LEARNERS)
        portions = [[notice["email"] for notice in call.args[0]] for call in delay.call_args_list]
        assert max(map(len, portions)) <= MOST_LOST
        assert [email for portion in portions for email in portion] == LEARNERS

    def test_a_portion_costs_the_same_wherever_it_is(self) -> None:
        job = self.job(",".join(LEARNERS), self.science, self.web)
        with self.assertNumQueries(9):  # as ``test_notices`` tells, with the count of all learners
            assert api.send_job_notices(job.pk)
        for _ in range(2):
            with self.assertNumQueries(8):
                assert api.send_job_notices(job.pk)
        with self.assertNumQueries(3):  # the job, addresses, the end
            assert not api.send_job_notices(job.pk)
