"""Bulk jobs: what somebody asked to be done to many learners, and what became of each row."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from learning_paths.data import BulkOperation, JobState, NoticeState, RowCode, RowGroup, RowStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from learning_paths.models.learning_path import LearningPath

INVALID_CODES = [code for code in RowCode if code.status == RowStatus.INVALID]

NOT_DONE = {
    JobState.CANCELLED: _("Not done: the job was cancelled."),
    JobState.FAILED: _("Not done: the job stopped before."),
}


class BulkJobQuerySet(models.QuerySet["BulkEnrollmentJob"]):
    """Reads over jobs."""

    def visible_to(self, user: User | AnonymousUser) -> BulkJobQuerySet:
        """Leave out the drafts of others; a superuser sees those too."""
        if user.is_active and user.is_superuser:
            return self
        return self.filter(~models.Q(state=JobState.DRAFT) | models.Q(author=user.pk))


class BulkEnrollmentJob(TimeStampedModel):
    """
    One bulk run: who asked for it, for what, and how far it is. See ADR 0010.

    ``course_keys`` and ``deleted_paths`` are the texts of keys; the latter are of paths that were deleted since, whose
    rows stay. ``version`` tells one preview of a draft from the next: whatever changes what a draft would do raises it.
    ``subscription`` is the uuid of the plan whose licenses gate the job.
    ``counts`` holds how many rows have which outcome. ``worker`` and ``heartbeat_at`` say which worker has the job and
    when it was last at it; nobody else writes while they are fresh. What was typed and uploaded is kept until the job
    is confirmed, so that its author can go back to the form.

    With ``notify`` the learners are told by e-mail, in the order of their addresses: ``notified_to`` is the last one
    that was taken so far, ``notified_at`` the moment when nobody was left, and the numbers tell what became of them.

    .. pii: the e-mail addresses that the author typed or uploaded, while the job is a draft, and one of a learner
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    operation = models.CharField(max_length=16, choices=BulkOperation.choices, verbose_name=_("operation"))
    state = models.CharField(max_length=16, choices=JobState.choices, db_index=True, verbose_name=_("state"))
    version = models.PositiveIntegerField(default=1, verbose_name=_("version"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("author")
    )
    origin = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="successors", verbose_name=_("follows")
    )
    learning_paths: models.ManyToManyField[LearningPath, Any] = models.ManyToManyField(
        "LearningPath", verbose_name=_("learning paths")
    )
    deleted_paths = models.JSONField(default=list, verbose_name=_("deleted learning paths"))
    course_keys = models.JSONField(default=list, verbose_name=_("course runs"))
    subscription = models.UUIDField(null=True, verbose_name=_("subscription"))
    notify = models.BooleanField(default=False, verbose_name=_("tell the learners"))
    reason = models.TextField(blank=True, verbose_name=_("reason"))
    role = models.CharField(max_length=255, blank=True, verbose_name=_("role"))
    org = models.CharField(max_length=255, blank=True, verbose_name=_("organization"))
    typed = models.TextField(blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    file_content = models.BinaryField(blank=True, default=b"")
    total = models.PositiveIntegerField(default=0, verbose_name=_("pairs of address and learning path"))
    counts = models.JSONField(default=dict)
    notified_to = models.CharField(max_length=254, blank=True)
    notified_at = models.DateTimeField(null=True)
    notices_total = models.PositiveIntegerField(default=0)
    notices_sent = models.PositiveIntegerField(default=0)
    notices_withheld = models.PositiveIntegerField(default=0)
    notices_failed = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=36, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True, verbose_name=_("confirmed"))
    started_at = models.DateTimeField(null=True, verbose_name=_("started"))
    finished_at = models.DateTimeField(null=True, verbose_name=_("ended"))

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk enrollment job")
        verbose_name_plural = _("bulk enrollment jobs")
        permissions = [("enroll_without_subscription", "Can enroll in bulk without a subscription")]

    def __str__(self) -> str:
        return str(_("Job %(number)s") % {"number": self.pk})

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return JobState(self.state).is_over

    @property
    def done(self) -> int:
        """How many of the pairs have an outcome."""
        return sum(count for code, count in self.counts.items() if code not in INVALID_CODES)

    @property
    def percent(self) -> int:
        """How far the job is, from 0 to 100."""
        return 100 * self.done // self.total if self.total else 100 * self.is_over

    @property
    def duration(self) -> timedelta | None:
        """How long the job took, or has been at work so far; None before it began."""
        if self.started_at is None:
            return None
        return max(timedelta(), (self.finished_at or timezone.now()) - self.started_at)

    @property
    def rate(self) -> float | None:
        """Pairs a second; None before there is anything to tell."""
        seconds = self.duration.total_seconds() if self.duration else 0
        return self.done / seconds if self.done and seconds else None

    @property
    def notices_left(self) -> int:
        """How many learners are still to be told of what the job did, as far as that is known."""
        return 0 if self.notified_at else self._notices_without_outcome

    @property
    def notices_unknown(self) -> int:
        """How many e-mails a worker had in hand when it was stopped. They are not sent again: nobody gets two."""
        return self._notices_without_outcome if self.notified_at else 0

    @property
    def _notices_without_outcome(self) -> int:
        return max(0, self.notices_total - self.notices_sent - self.notices_withheld - self.notices_failed)

    def count(self, *codes: RowCode) -> int:
        """Return how many rows have one of these outcomes."""
        return sum(self.counts.get(code.value, 0) for code in codes)

    def count_group(self, group: RowGroup) -> int:
        """Return how many rows are in one group, by the outcomes so far."""
        if group == RowGroup.NOT_DONE:
            return self.total - self.done
        return sum(self.counts.get(code, 0) for code in group.codes)

    def describe(self, row: BulkEnrollmentRow) -> tuple[str, str]:
        """Return what is planned for a row of a draft, or became of a row of a job: its code, and the words for it."""
        is_draft = self.state == JobState.DRAFT
        text = row.planned if is_draft else row.code
        if not text:
            return RowGroup.NOT_DONE.value, str(NOT_DONE.get(JobState(self.state), _("Not done yet.")))
        code = RowCode(text)
        words = code.describe(row.username, as_plan=is_draft)
        if row.has_lost_its_path and code != RowCode.PATH_DELETED:
            words = _("%(outcome)s The learning path has been deleted since.") % {"outcome": words}
        if row.line is not None:
            words = _("Line %(line)d: %(problem)s") % {"line": row.line, "problem": words}
        return code.value, words


class BulkEnrollmentRow(models.Model):
    """
    One pair of a job, of an address and a path or course run, or something that was named and can't be worked on.

    ``planned`` is what the preview promised, ``code`` what became of it, empty until then. The rows of a job have their
    order by id. ``enrollment`` and ``changed_at`` are what the row changed and the moment at which it did, so that it
    can be told later whether that changed since; of a row of an undo that is not done yet, what is to be undone.
    ``unknown_path`` is the text of what is no path or course run, and the key of a path that was deleted since.
    ``notice`` is what became of the e-mail to the learner, None as long as nothing has; rows are inserted without it.

    .. pii: the e-mail address of the learner
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    job = models.ForeignKey(BulkEnrollmentJob, on_delete=models.CASCADE, related_name="rows")
    email = models.CharField(max_length=254, verbose_name=_("e-mail address"))
    learning_path = models.ForeignKey(
        "LearningPath", on_delete=models.SET_NULL, null=True, verbose_name=_("learning path")
    )
    course_key = models.CharField(max_length=255, blank=True, verbose_name=_("course run"))
    unknown_path = models.CharField(max_length=255, blank=True)
    line = models.PositiveIntegerField(null=True)
    username = models.CharField(max_length=150, blank=True, verbose_name=_("username"))
    planned = models.CharField(max_length=32, blank=True)
    code = models.CharField(max_length=32, blank=True)
    enrollment = models.ForeignKey("LearningPathEnrollment", on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(null=True)
    notice = models.CharField(max_length=16, null=True, choices=NoticeState.choices)  # noqa: DJ001 - as said

    class Meta:
        verbose_name = _("row of a bulk enrollment job")
        verbose_name_plural = _("rows of bulk enrollment jobs")
        indexes = [
            models.Index(fields=["job", "code"], name="learning_paths_row_code"),
            models.Index(fields=["job", "planned"], name="learning_paths_row_planned"),
            models.Index(fields=["job", "email"], name="learning_paths_row_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.learning_path or self.course_key or self.unknown_path}"

    @property
    def has_lost_its_path(self) -> bool:
        """Whether the row is about a pair whose learning path was deleted."""
        return self.learning_path_id is None and not self.course_key and self.code not in INVALID_CODES
