"""What requests and jobs say of the e-mails to the learners."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from learning_paths.data import BulkReport
from learning_paths.models import BulkEnrollmentJob
from learning_paths.tasks import tell_learners


class NotificationsSerializer(serializers.Serializer[Any]):
    """How many e-mails there are of each kind. A failure to send one undoes no enrollment."""

    queued = serializers.IntegerField(help_text=_("Waiting for a worker."))
    sent = serializers.IntegerField(help_text=_("Handed to the mail server."))
    withheld = serializers.IntegerField(
        help_text=_("Not sent as the policies of the site say so, or as the learning path was deleted.")
    )
    failed = serializers.IntegerField(help_text=_("Not sent, for a reason that the log tells."))
    unknown = serializers.IntegerField(
        required=False, help_text=_("Of jobs: in the hands of a worker that was stopped. They are not sent again.")
    )


class NotifyField(serializers.BooleanField):
    """Whether the learners are to be told."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("default", False)
        kwargs.setdefault(
            "help_text",
            _("Send each learner for whom something changes one e-mail, of everything that did, when it is done."),
        )
        super().__init__(**kwargs)


def notifications(report: BulkReport, *, notify: bool) -> dict[str, Any]:
    """Have the learners told of a run that is committed, if they are to be, and return what the answer says of it."""
    return {"notifications": tell_learners(report)} if notify else {}


def notifications_of_job(job: BulkEnrollmentJob) -> dict[str, int] | None:
    """Return how far the e-mails of a job are; None when there are to be none."""
    if not job.notify:
        return None
    return {
        "queued": job.notices_left,
        "sent": job.notices_sent,
        "withheld": job.notices_withheld,
        "failed": job.notices_failed,
        "unknown": job.notices_unknown,
    }
