"""What learners are told, and what became of the e-mails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from opaque_keys.edx.keys import CourseKey

from learning_paths.data.bulk import RowCode
from learning_paths.keys import LearningPathKey


class NoticeState(TextChoices):
    """What became of the e-mail to one learner."""

    SENT = "sent", _("sent")
    WITHHELD = "withheld", _("withheld")
    """The site's policies say so, or the learning paths have been deleted, so that there is nothing to tell of."""
    FAILED = "failed", _("failed")


TELLING = (RowCode.ENROLLED, RowCode.ENROLLED_AGAIN, RowCode.INVITED)
"""What learners are told of."""


@dataclass(frozen=True, slots=True)
class LearnerNotice:
    """What one learner is to be told: the keys of what the learner was enrolled in, or invited to."""

    email: str
    username: str = ""
    enrolled: tuple[LearningPathKey | CourseKey, ...] = ()
    invited: tuple[LearningPathKey | CourseKey, ...] = ()

    @property
    def keys(self) -> tuple[LearningPathKey | CourseKey, ...]:
        """All the keys."""
        return (*self.enrolled, *self.invited)

    def payload(self) -> dict[str, Any]:
        """Return the notice in a form that is fit for JSON."""
        enrolled, invited = map(str, self.enrolled), map(str, self.invited)
        return {"email": self.email, "username": self.username, "enrolled": [*enrolled], "invited": [*invited]}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> LearnerNotice:
        """Return the notice that had this payload."""
        keys = {name: tuple(map(_any_key, payload[name])) for name in ("enrolled", "invited")}
        return cls(payload["email"], payload["username"], **keys)


def _any_key(text: str) -> LearningPathKey | CourseKey:
    is_path = text.startswith(f"{LearningPathKey.CANONICAL_NAMESPACE}:")
    return LearningPathKey.from_string(text) if is_path else CourseKey.from_string(text)


@dataclass(frozen=True, slots=True)
class NoticeReport:
    """
    The addresses to which e-mails were sent, were kept back, or could not be sent.

    ``gave_up`` tells that the mail server could not be reached several times in a row, so that the rest was not tried.
    """

    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    gave_up: bool = False
