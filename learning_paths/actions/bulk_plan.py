"""What a bulk run would do to each pair of address and path. Reads only; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from learning_paths.data import BulkOperation, RowCode, RowOutcome
from learning_paths.lms import get_lms
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed
from learning_paths.queries.users import users_by_email

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some addresses and some paths, each address with each path."""

    emails: Sequence[str]
    paths: Sequence[LearningPath]

    def __len__(self) -> int:
        return len(self.emails) * len(self.paths)

    def halves(self) -> tuple[Chunk, Chunk]:
        """Divide the chunk, by its addresses as long as there are several, then by its paths."""
        if len(self.emails) > 1:
            middle = len(self.emails) // 2
            return Chunk(self.emails[:middle], self.paths), Chunk(self.emails[middle:], self.paths)
        middle = len(self.paths) // 2
        return Chunk(self.emails, self.paths[:middle]), Chunk(self.emails, self.paths[middle:])


@dataclass(slots=True)
class PlannedRow:
    """
    One pair, what is there of it, and what is to become of it.

    Enrollment and invitation are loaded without their moments: converting those took a third of the time of a run that
    finds nothing to do.
    """

    email: str
    path: LearningPath
    code: RowCode
    user: User | None
    enrollment: LearningPathEnrollment | None
    invitation: LearningPathEnrollmentAllowed | None
    was_pending: bool
    """Whether the invitation waited for an account when the row was planned."""

    @property
    def outcome(self) -> RowOutcome:
        """The row of the report."""
        username = self.user.get_username() if self.user else ""
        return RowOutcome(self.email, self.path.key, self.code, username)


def plan(operation: BulkOperation, chunk: Chunk, *, lock: bool) -> list[PlannedRow]:
    """
    Return what is to become of each pair of the chunk, in its order, in at most four queries.

    With ``lock``, which needs a transaction, the rows that are there are locked, invitations before enrollments, so
    that the plan still holds when it is carried out. Rows that somebody else inserts meanwhile make that fail instead.
    """
    users = users_by_email(chunk.emails)
    retired = set()
    if operation == BulkOperation.ENROLL:
        unknown = [email for email in chunk.emails if email not in users]
        retired = get_lms().retired_emails(unknown) if unknown else set()
    invitations = _invitations(chunk, lock=lock)
    enrollments = _enrollments(users, chunk, lock=lock)
    decide = _enrolling if operation == BulkOperation.ENROLL else _unenrolling
    rows = []
    for email in chunk.emails:
        owners = users.get(email, [])
        user = owners[0] if len(owners) == 1 else None
        for path in chunk.paths:
            invitation = invitations.get((email, path.pk))
            enrollment = enrollments.get((user.pk, path.pk)) if user else None
            if len(owners) > 1:
                code = RowCode.AMBIGUOUS
            elif email in retired:
                code = RowCode.RETIRED
            else:
                code = decide(user, enrollment, invitation)
            was_pending = invitation is not None and invitation.is_pending
            rows.append(PlannedRow(email, path, code, user, enrollment, invitation, was_pending))
    return rows


def _enrolling(
    user: User | None, enrollment: LearningPathEnrollment | None, invitation: LearningPathEnrollmentAllowed | None
) -> RowCode:
    if user is not None and user.is_active:
        if enrollment is None:
            return RowCode.ENROLLED
        return RowCode.ALREADY_ENROLLED if enrollment.is_active else RowCode.ENROLLED_AGAIN
    if invitation is not None and invitation.user_id is not None:
        return RowCode.TAKEN
    return RowCode.ALREADY_INVITED if invitation is not None and invitation.is_active else RowCode.INVITED


def _unenrolling(
    user: User | None, enrollment: LearningPathEnrollment | None, invitation: LearningPathEnrollmentAllowed | None
) -> RowCode:
    if enrollment is not None and enrollment.is_active:
        return RowCode.UNENROLLED
    return RowCode.WITHDRAWN if invitation is not None and invitation.is_pending else RowCode.NOT_ENROLLED


def _invitations(chunk: Chunk, *, lock: bool) -> dict[tuple[str, int], LearningPathEnrollmentAllowed]:
    invitations = LearningPathEnrollmentAllowed.objects.filter(email__in=chunk.emails, learning_path__in=chunk.paths)
    invitations = invitations.only("email", "learning_path", "user", "is_active").order_by("pk")
    if lock:
        invitations = invitations.select_for_update()
    return {(invitation.email, invitation.learning_path_id): invitation for invitation in invitations}


def _enrollments(
    users: dict[str, list[User]], chunk: Chunk, *, lock: bool
) -> dict[tuple[int, int], LearningPathEnrollment]:
    learners = [owners[0].pk for owners in users.values() if len(owners) == 1]
    if not learners:
        return {}
    enrollments = LearningPathEnrollment.objects.filter(user__in=learners, learning_path__in=chunk.paths)
    enrollments = enrollments.only("user", "learning_path", "is_active").order_by("pk")
    if lock:
        enrollments = enrollments.select_for_update()
    return {(enrollment.user_id, enrollment.learning_path_id): enrollment for enrollment in enrollments}
