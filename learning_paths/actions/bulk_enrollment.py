"""
Bulk enrollment: parse, plan, apply, report.

Every pair of address and path has its own fate, and everything that was named is accounted for. See ADR 0004.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.bulk_apply import NO_LEDGER, Ledger, apply_isolated
from learning_paths.actions.bulk_courses import apply_courses, plan_courses
from learning_paths.actions.bulk_limits import is_too_much_for_a_request
from learning_paths.actions.bulk_plan import Chunk, Pair, PlannedRow, Target, plan
from learning_paths.actions.bulk_reading import parse
from learning_paths.actions.bulk_words import presentable
from learning_paths.data import Attribution, BulkOperation, BulkReport, InvalidEntry, ParsedEmails, RowOutcome
from learning_paths.exceptions import BulkTooLarge
from learning_paths.keys import LearningPathKey
from learning_paths.lms.chunks import chunks
from learning_paths.models import LearningPath

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADDRESSES_PER_CHUNK = 400
PAIRS_PER_CHUNK = 2000

Emails = str | Iterable[str] | ParsedEmails
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class BulkWork:
    """
    What a bulk request comes to: each address with each path and course run, besides pairs that were named one by one,
    and what it named that can't be worked on.
    """

    emails: tuple[str, ...] = ()
    paths: tuple[LearningPath, ...] = ()
    invalid_emails: tuple[InvalidEntry, ...] = ()
    invalid_learning_paths: tuple[str, ...] = ()
    course_keys: tuple[CourseKey, ...] = ()
    invalid_course_keys: tuple[str, ...] = ()
    invalid_user_ids: tuple[int, ...] = ()
    unlicensed_emails: tuple[str, ...] = ()
    uncovered_content: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    subscription: UUID | None = None

    @property
    def targets(self) -> list[Target]:
        """The paths and course runs, each once."""
        return list(dict.fromkeys([*self.paths, *self.course_keys, *(pair.target for pair in self.pairs)]))

    @property
    def invalid_count(self) -> int:
        """How many things were named that can't be worked on."""
        return sum(
            map(
                len,
                (
                    self.invalid_emails,
                    self.invalid_learning_paths,
                    self.invalid_course_keys,
                    self.unlicensed_emails,
                    self.uncovered_content,
                ),
            )
        )

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.emails) * (len(self.paths) + len(self.course_keys)) + len(self.pairs)

    @property
    def is_too_much_for_a_request(self) -> bool:
        """Whether it is more than one request does itself."""
        listed = sum(isinstance(pair.target, CourseKey) for pair in self.pairs)
        return is_too_much_for_a_request(len(self), len(self.emails) * len(self.course_keys) + listed)

    def chunks(self) -> Iterator[Chunk]:
        """Cut the work into pieces that can be planned at once: those of paths, then those of course runs."""
        for targets in (self.paths, self.course_keys):
            size = max(1, min(ADDRESSES_PER_CHUNK, PAIRS_PER_CHUNK // max(1, len(targets))))
            for begin in range(0, len(self.emails) if targets else 0, size):
                yield Chunk.of_each(self.emails[begin : begin + size], targets)
        yield from chunks_of(self.pairs)

    def report(self, rows: Iterable[RowOutcome]) -> BulkReport:
        """Return the report of these rows and of what could not be worked on."""
        return BulkReport(
            tuple(rows),
            self.invalid_emails,
            self.invalid_learning_paths,
            self.invalid_course_keys,
            self.invalid_user_ids,
            self.unlicensed_emails,
            self.uncovered_content,
            self.subscription,
        )


def chunks_of(pairs: Sequence[Pair]) -> Iterator[Chunk]:
    """Cut pairs into chunks of paths and chunks of course runs, in their order within each."""
    for begin in range(0, len(pairs), PAIRS_PER_CHUNK):
        some = pairs[begin : begin + PAIRS_PER_CHUNK]
        for is_course in (False, True):
            if alike := [pair for pair in some if isinstance(pair.target, CourseKey) == is_course]:
                yield Chunk(alike)


def prepare_bulk(
    emails: Emails,
    learning_paths: Iterable[LearningPathKey | str] = (),
    course_keys: Iterable[CourseKey | str] = (),
) -> BulkWork:
    """
    Find out what a bulk request comes to, in one query for some thousands of paths.

    Arguments:
        emails: text with addresses, a list of such texts, or what one of the parsers made of a file.
        learning_paths: keys of paths. Repeated ones count once; malformed and unknown ones are set apart.
        course_keys: keys of course runs. Repeated ones count once, malformed ones are set apart; one that the platform
            does not know is a failure of its rows.

    Raises:
        BulkTooLarge: there are more addresses, or more entries that are none, or more keys, than one job takes pairs.
    """
    emails = parse(emails)
    named = _named(learning_paths)
    keys = {text: key for text in named if (key := _key(text)) is not None}
    found = {
        path.key: path
        for some in chunks(keys.values(), LearningPath.objects.db)
        for path in LearningPath.objects.filter(key__in=some)
    }
    paths = {text: found[key] for text, key in keys.items() if key in found}
    courses = {text: _course_key(text) for text in _named(course_keys)}
    return BulkWork(
        emails=emails.emails,
        paths=tuple(paths.values()),
        invalid_emails=emails.invalid,
        invalid_learning_paths=tuple(presentable(text) for text in named if text not in paths),
        course_keys=tuple(dict.fromkeys(key for key in courses.values() if key is not None)),
        invalid_course_keys=tuple(presentable(text) for text, key in courses.items() if key is None),
    )


def plan_bulk_enrollment(work: BulkWork, *, operation: BulkOperation = BulkOperation.ENROLL) -> BulkReport:
    """Return what the operation would do to each pair. Nothing is written, and at most five queries a chunk read."""
    return work.report(row.outcome for chunk in work.chunks() for row in plan_chunk(operation, chunk))


def plan_chunk(operation: BulkOperation, chunk: Chunk) -> list[PlannedRow]:
    """
    Return what the operation would do to each pair of a chunk.

    Raises:
        ValueError: course runs are only enrolled in; leaving them is the platform's.
    """
    if not chunk.course_keys:
        return plan(operation, chunk, lock=False)
    if operation != BulkOperation.ENROLL:
        raise ValueError("Bulk runs unenroll from learning paths only.")
    return plan_courses(chunk)


def apply_chunk(
    operation: BulkOperation,
    chunk: Chunk,
    attribution: Attribution,
    acting_user: User | None,
    ledger: Ledger = NO_LEDGER,
) -> list[PlannedRow]:
    """
    Do the operation to each pair of a chunk, and return all of them with what became of each.

    Raises:
        ValueError: course runs are only enrolled in; leaving them is the platform's.
        DatabaseError: the caller's own transaction was undone by the database.
        RunStopped: the ledger said so.
    """
    if not chunk.course_keys:
        return apply_isolated(operation, chunk, attribution, acting_user, ledger)
    if operation != BulkOperation.ENROLL:
        raise ValueError("Bulk runs unenroll from learning paths only.")
    return apply_courses(chunk, attribution, acting_user, ledger)


def bulk_enroll(
    work: BulkWork,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
    on_progress: Progress | None = None,
) -> BulkReport:
    """
    Enroll the owner of each address in each path, now or as soon as there is one.

    Does to each pair what ``invite`` does to one. One row's failure touches no other row. Each chunk of some hundred
    addresses is a transaction of its own, so what is done stays done if the process is killed, and a second run does
    the rest; only inside a transaction of the caller's is it all or nothing. Whether ``acting_user`` may do this is for
    the caller to check.

    Arguments:
        work: what ``prepare_bulk`` returned, and ``license_gate`` let through.
        reason, role, org: what the audit rows say, those of the invitations and of their claims too.
        acting_user: who asked for it; None for the system.
        on_progress: called after each chunk with the number of pairs done so far.

    Returns:
        The fate of each pair, and what was no address or no path.

    Raises:
        DatabaseError: the caller's own transaction was undone by the database.
    """
    attribution = Attribution(acting_user.pk if acting_user else None, reason, role, org)
    return _run(BulkOperation.ENROLL, work, attribution, acting_user, on_progress)


def bulk_unenroll(
    work: BulkWork,
    *,
    reason: str = "",
    role: str = "",
    org: str = "",
    acting_user: User | None,
    on_progress: Progress | None = None,
) -> BulkReport:
    """
    Unenroll the owner of each address from each path, and withdraw what is pending for the address.

    As ``bulk_enroll`` in everything else. A pair with nothing to undo is a success.
    """
    attribution = Attribution(acting_user.pk if acting_user else None, reason, role, org)
    return _run(BulkOperation.UNENROLL, work, attribution, acting_user, on_progress)


def _run(
    operation: BulkOperation,
    work: BulkWork,
    attribution: Attribution,
    acting_user: User | None,
    on_progress: Progress | None,
) -> BulkReport:
    outcomes: list[RowOutcome] = []
    for chunk in work.chunks():
        outcomes.extend(row.outcome for row in apply_chunk(operation, chunk, attribution, acting_user))
        if on_progress is not None:
            on_progress(len(outcomes))
    return work.report(outcomes)


def _named(keys: Iterable[object]) -> list[str]:
    """Return the texts of keys, each once."""
    named: dict[str, None] = {}
    most = settings.LEARNING_PATHS_BULK_MAX_PAIRS
    for key in keys:
        named[str(key).strip()] = None
        if len(named) > most:
            text = _("These are more than %(most)d keys. One job takes at most %(most)d pairs.")
            raise BulkTooLarge(text % {"most": most})
    return list(named)


def _course_key(text: str) -> CourseKey | None:
    try:
        return CourseKey.from_string(text)
    except InvalidKeyError:
        return None


def _key(text: str) -> LearningPathKey | None:
    try:
        return LearningPathKey.from_string(text)
    except InvalidKeyError:
        return None
