"""What a bulk run would do to each pair of address and path. Reads only; of course runs, see ``bulk_courses``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from django.db import OperationalError
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.locks import lock as lock_rows
from learning_paths.data import INVITING, BulkOperation, RowCode, RowOutcome
from learning_paths.lms import get_lms
from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed
from learning_paths.queries.users import users_by_email

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.keys import LearningPathKey
    from learning_paths.models import LearningPath


RECORD_CHANGED = 1020
"""MySQL's number for what is said of a row that changed between a look and its lock. The same attempt passes later."""

Target: TypeAlias = "LearningPath | CourseKey"
PairId: TypeAlias = tuple[str, int | CourseKey]


def target_id(target: Target) -> int | CourseKey:
    """Return the id of a path, or the key of a course run."""
    return target if isinstance(target, CourseKey) else target.pk


def target_key(target: Target) -> LearningPathKey | CourseKey:
    """Return the key of a path or course run."""
    return target if isinstance(target, CourseKey) else target.key


@dataclass(frozen=True, slots=True)
class Made:
    """What an earlier job made of a pair and when: an enrollment, or a pending invitation when there is no id."""

    enrollment_id: int | None
    at: datetime


class Pair(NamedTuple):
    """
    One address, and a path or course run.

    ``made`` is what is to be undone; other operations do not look at it. ``force`` enrolls in a course run that is
    closed or full, ``best_mode`` in the best mode that it offers. ``user_id`` is given where the learner was named by
    the account, not by the address. ``refusal`` says that the pair is not to be enrolled, and why.
    """

    email: str
    target: Target
    made: Made | None = None
    force: bool = False
    user_id: int | None = None
    refusal: RowCode | None = None
    best_mode: bool = False

    @property
    def id(self) -> PairId:
        """What tells the pair from others: the address, and the id of the path or the key of the course run."""
        return self.email, target_id(self.target)


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Some pairs, no two alike, all of them of learning paths or all of course runs.

    Reading is quickest when each address comes with each target.
    """

    pairs: Sequence[Pair]

    @classmethod
    def of_each(cls, emails: Iterable[str], targets: Sequence[Target]) -> Chunk:
        """Return each address with each path or course run."""
        return cls([Pair(email, target) for email in emails for target in targets])

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def emails(self) -> list[str]:
        """The addresses, each once."""
        return list(dict.fromkeys(pair.email for pair in self.pairs))

    @property
    def path_ids(self) -> set[int]:
        """The ids of the paths."""
        return {pair.target.pk for pair in self.pairs if not isinstance(pair.target, CourseKey)}

    @property
    def course_keys(self) -> set[CourseKey]:
        """The keys of the course runs."""
        return {pair.target for pair in self.pairs if isinstance(pair.target, CourseKey)}

    def halves(self) -> tuple[Chunk, Chunk]:
        """Divide the chunk."""
        middle = len(self.pairs) // 2
        return Chunk(self.pairs[:middle]), Chunk(self.pairs[middle:])


@dataclass(slots=True)
class PlannedRow:
    """
    One pair, what is there of it, and what is to become of it.

    Enrollment and invitation are loaded without their moments, but for an undo: converting those took a third of the
    time of a run that finds nothing to do.
    """

    email: str
    target: Target
    code: RowCode
    user: User | None = None
    enrollment: LearningPathEnrollment | None = None
    invitation: LearningPathEnrollmentAllowed | None = None
    force: bool = False
    mode: str | None = None
    was_pending: bool = field(init=False)
    """Whether the invitation waited for an account when the row was planned."""

    def __post_init__(self) -> None:
        self.was_pending = self.invitation is not None and self.invitation.is_pending

    @property
    def path(self) -> LearningPath:
        """The path of a row that is about one."""
        return cast("LearningPath", self.target)

    @property
    def course_key(self) -> CourseKey:
        """The key of a row that is about a course run."""
        return cast(CourseKey, self.target)

    @property
    def id(self) -> PairId:
        """As that of the pair."""
        return self.email, target_id(self.target)

    @property
    def changed_at(self) -> datetime | None:
        """The moment that the change of this row, if it was one, left in what it changed."""
        if not self.code.is_change:
            return None
        changed = self.invitation if self.code in {*INVITING, RowCode.WITHDRAWN} else self.enrollment
        return None if changed is None else changed.modified

    @property
    def outcome(self) -> RowOutcome:
        """The row of the report."""
        username, user_id = (self.user.get_username(), self.user.pk) if self.user else ("", None)
        return RowOutcome(self.email, target_key(self.target), self.code, username, user_id)


def plan(operation: BulkOperation, chunk: Chunk, *, lock: bool) -> list[PlannedRow]:
    """
    Return what is to become of each pair of the chunk, in its order, in at most four queries, or six with ``lock``.

    Unenrolling takes one more where addresses are found whose owners may have changed them.

    Undoing unenrolls whom an earlier job enrolled and withdraws what it left pending, if that is still as it left it.

    With ``lock``, which needs a transaction, the rows that are there are locked, invitations before enrollments, so
    that the plan still holds when it is carried out. Rows that somebody else inserts meanwhile make that fail instead.

    Raises:
        OperationalError: somebody claimed an invitation between the look and the lock. A new plan sees the account.
    """
    if operation == BulkOperation.UNDO:
        return _plan_undo(chunk, lock=lock)
    # First the invitations: whoever claimed one before it was locked has an account by now that is seen after it.
    invitations = _invitations(chunk, lock=lock)
    users = users_by_email(chunk.emails)
    retired = retired_among(chunk.emails, users) if operation == BulkOperation.ENROLL else set()
    enrollments = _enrollments(users, chunk, lock=lock)
    decide = _enrolling if operation == BulkOperation.ENROLL else _unenrolling
    rows = []
    for email, path in _paths(chunk):
        owners = users.get(email, [])
        user = owners[0] if len(owners) == 1 else None
        invitation = invitations.get((email, path.pk))
        enrollment = enrollments.get((user.pk, path.pk)) if user else None
        if len(owners) > 1:
            code = RowCode.AMBIGUOUS
        elif email in retired:
            code = RowCode.RETIRED
        else:
            code = decide(user, enrollment, invitation)
        rows.append(PlannedRow(email, path, code, user, enrollment, invitation))
    if operation == BulkOperation.UNENROLL:
        _find_changed_addresses(rows)
    return rows


def retired_among(emails: Iterable[str], users: Mapping[str, object]) -> set[str]:
    """Return the addresses of retired accounts among those that have no account, in one query or none."""
    unknown = [email for email in emails if email not in users]
    return get_lms().retired_emails(unknown) if unknown else set()


def _paths(chunk: Chunk) -> Iterator[tuple[str, LearningPath]]:
    return ((pair.email, cast("LearningPath", pair.target)) for pair in chunk.pairs)


def _enrolling(
    user: User | None, enrollment: LearningPathEnrollment | None, invitation: LearningPathEnrollmentAllowed | None
) -> RowCode:
    if user is not None and enrollment is not None and enrollment.is_active:
        return RowCode.ALREADY_ENROLLED if user.is_active else RowCode.ENROLLED_NOT_ACTIVE
    if user is not None and user.is_active:
        return RowCode.ENROLLED if enrollment is None else RowCode.ENROLLED_AGAIN
    used_by = None if invitation is None else invitation.user_id
    if used_by is not None:
        return RowCode.NOT_ACTIVE if user is not None and user.pk == used_by else RowCode.TAKEN
    if invitation is not None and invitation.is_active:
        return RowCode.ALREADY_INVITED
    return RowCode.INVITED if enrollment is None else RowCode.NOT_ACTIVE


def _unenrolling(
    user: User | None, enrollment: LearningPathEnrollment | None, invitation: LearningPathEnrollmentAllowed | None
) -> RowCode:
    if enrollment is not None and enrollment.is_active:
        return RowCode.UNENROLLED
    return RowCode.WITHDRAWN if invitation is not None and invitation.is_pending else RowCode.NOT_ENROLLED


def _find_changed_addresses(rows: list[PlannedRow]) -> None:
    """
    Tell where an address finds nobody enrolled, but the account that used its invitation is, under another address.

    One query, or none. That account is named and left alone: the address may be somebody else's by now.
    """
    used: defaultdict[tuple[int, int], list[PlannedRow]] = defaultdict(list)
    for row in rows:
        used_by = None if row.invitation is None else row.invitation.user_id
        if row.code == RowCode.NOT_ENROLLED and used_by is not None and (row.user is None or row.user.pk != used_by):
            used[used_by, row.path.pk].append(row)
    if not used:
        return
    enrollments = LearningPathEnrollment.objects.filter(
        user__in={user for user, _ in used}, learning_path__in={path for _, path in used}, is_active=True
    )
    for enrollment in enrollments.select_related("user").only("learning_path", "user__username"):
        for row in used.get((enrollment.user_id, enrollment.learning_path_id), []):
            row.code, row.user = RowCode.ADDRESS_CHANGED, enrollment.user


def _plan_undo(chunk: Chunk, *, lock: bool) -> list[PlannedRow]:
    """Find what was made by its own id or moment: the learner may have another address by now."""
    invitations = _invitations(chunk, lock=lock, moments=True)
    made = LearningPathEnrollment.objects.filter(
        pk__in=[pair.made.enrollment_id for pair in chunk.pairs if pair.made and pair.made.enrollment_id]
    )
    made = made.only("user", "learning_path", "is_active", "modified").prefetch_related("user").order_by("pk")
    enrollments = {enrollment.pk: enrollment for enrollment in (made.select_for_update() if lock else made)}
    rows = []
    for (email, path), before in zip(_paths(chunk), (pair.made for pair in chunk.pairs), strict=True):
        row = PlannedRow(email, path, RowCode.CHANGED_SINCE)
        if before is not None and before.enrollment_id is not None:
            enrollment = enrollments.get(before.enrollment_id)
            if enrollment is not None and enrollment.is_active and enrollment.modified == before.at:
                row = PlannedRow(email, path, RowCode.UNENROLLED, enrollment.user, enrollment)
        elif before is not None:
            invitation = invitations.get((email, path.pk))
            if invitation is not None and invitation.is_pending and invitation.modified == before.at:
                row = PlannedRow(email, path, RowCode.WITHDRAWN, invitation=invitation)
        rows.append(row)
    return rows


def _invitations(
    chunk: Chunk, *, lock: bool, moments: bool = False
) -> dict[tuple[str, int], LearningPathEnrollmentAllowed]:
    fields = ["email", "learning_path", "user", "is_active", *(["modified"] if moments else [])]
    invitations = LearningPathEnrollmentAllowed.objects.filter(email__in=chunk.emails, learning_path__in=chunk.path_ids)
    invitations = invitations.only(*fields).order_by("pk")
    if not lock:
        return {(invitation.email, invitation.learning_path_id): invitation for invitation in invitations}
    asked = {pair.id for pair in chunk.pairs}
    rows = invitations.values_list("pk", "email", "learning_path", "user")
    users = {pk: user_id for pk, email, path_id, user_id in rows if (email, path_id) in asked}
    locked = lock_rows(LearningPathEnrollmentAllowed.objects.only(*fields), users)
    if any(invitation.user_id is not None and users[invitation.pk] is None for invitation in locked):
        # Whoever claimed it since has an account that what this transaction reads from now on need not show.
        raise OperationalError(RECORD_CHANGED, "An invitation was claimed between a look and its lock")
    return {(invitation.email, invitation.learning_path_id): invitation for invitation in locked}


def _enrollments(
    users: dict[str, list[User]], chunk: Chunk, *, lock: bool
) -> dict[tuple[int, int], LearningPathEnrollment]:
    learners = [owners[0].pk for owners in users.values() if len(owners) == 1]
    if not learners:
        return {}
    fields = ("user", "learning_path", "is_active")
    enrollments = LearningPathEnrollment.objects.filter(user__in=learners, learning_path__in=chunk.path_ids)
    enrollments = enrollments.only(*fields).order_by("pk")
    rows: Iterable[LearningPathEnrollment] = enrollments
    if lock:
        rows = lock_rows(LearningPathEnrollment.objects.only(*fields), enrollments.values_list("pk", flat=True))
    return {(enrollment.user_id, enrollment.learning_path_id): enrollment for enrollment in rows}
