"""
Telling learners by e-mail what was changed for them: one message to each, of everything.

It happens after the commits of what it tells of, and whatever becomes of it undoes nothing of that. See ADR 0011.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from opaque_keys.edx.keys import CourseKey

from learning_paths.actions.notice_links import item_url, lms_url, paths_url, register_url
from learning_paths.data import TELLING, BulkReport, LearnerNotice, NoticeReport, NoticeState, RowCode, RowOutcome
from learning_paths.lms import get_lms
from learning_paths.messages import LearnerEnrolled, LearnerInvited, NotDelivered, send
from learning_paths.models import LearningPath
from learning_paths.queries.users import users_by_email
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.keys import LearningPathKey

log = logging.getLogger(__name__)

NOTICES_AT_ONCE = 50
"""A portion: so many learners a worker has in hand, and so many e-mails are lost when it is killed."""
FAILURES_IN_A_ROW = 5
"""So often in a row the mail server may be out of reach before the rest is given up."""


def notices_of(report: BulkReport) -> list[LearnerNotice]:
    """
    Return what each learner is to be told of a bulk run that enrolled, in the order of the run. No query.

    Only of what it changed: who was enrolled or invited already is told nothing.
    """
    return notices_of_rows(report.rows)


def notices_of_rows(rows: Iterable[RowOutcome]) -> list[LearnerNotice]:
    """Return what each learner is to be told of these rows."""
    by_email: defaultdict[str, list[RowOutcome]] = defaultdict(list)
    for row in rows:
        if row.code in TELLING:
            by_email[row.email].append(row)
    return [
        LearnerNotice(
            email=email,
            username=next((row.username for row in own if row.username), ""),
            enrolled=tuple(row.key for row in own if row.code != RowCode.INVITED),
            invited=tuple(row.key for row in own if row.code == RowCode.INVITED),
        )
        for email, own in by_email.items()
    ]


def send_notices(notices: Sequence[LearnerNotice]) -> NoticeReport:
    """
    Send each learner one e-mail, and return what became of each. Four queries for each portion of learners.

    Nothing that happens to an e-mail is raised: each failure is logged and reported. When the mail server is out of
    reach several times in a row, the rest is not tried, and has failed too. Who called twice sends twice.

    Arguments:
        notices: what ``notices_of`` returned. Call it after the commit of what they tell.

    Raises:
        DatabaseError: the database could not be asked.
    """
    outcomes: dict[NoticeState, list[str]] = {state: [] for state in NoticeState}
    in_a_row = 0
    for number, letter in enumerate(_letters(notices), start=1):
        if in_a_row >= FAILURES_IN_A_ROW:
            break
        try:
            outcomes[letter.send()].append(letter.email)
            in_a_row = 0
        except NotDelivered as error:
            who = "an address without an account" if letter.user_id is None else f"user {letter.user_id}"
            text = "Learning paths: e-mail %d of %d was not sent, to %s\n%s"
            log.error(text, number, len(notices), who, trace(error.__cause__ or error))
            outcomes[NoticeState.FAILED].append(letter.email)
            in_a_row = in_a_row + 1 if error.is_down else 0
    gave_up = in_a_row >= FAILURES_IN_A_ROW
    if gave_up:
        tried = sum(map(len, outcomes.values()))
        rest = [notice.email for notice in notices[tried:]]
        log.error("Learning paths: the mail server is out of reach; %d more e-mails were not tried", len(rest))
        outcomes[NoticeState.FAILED] += rest
    return NoticeReport(**{state.value: tuple(emails) for state, emails in outcomes.items()}, gave_up=gave_up)


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message to one learner, ready to be sent."""

    message_type: Any
    email: str
    user_id: int | None
    language: str
    context: Mapping[str, Any]

    def send(self) -> NoticeState:
        """
        Send it, unless the learning paths that it tells of have been deleted.

        Raises:
            NotDelivered: it was not sent.
        """
        if not self.context["items"]:
            return NoticeState.WITHHELD
        return send(
            self.message_type, email=self.email, user_id=self.user_id, language=self.language, context=self.context
        )


def _letters(notices: Sequence[LearnerNotice]) -> Iterator[_Letter]:
    """Write the letters, in the order of the notices, one portion at once."""
    enrolled, invited = LearnerEnrolled(context=site_context()), LearnerInvited(context=site_context())
    for begin in range(0, len(notices), NOTICES_AT_ONCE):
        some = notices[begin : begin + NOTICES_AT_ONCE]
        users = _accounts(some)
        languages = _languages([user.pk for user in users.values()])
        items = _items({key for notice in some for key in notice.keys})
        for notice in some:
            user = users.get(notice.email)
            # Whoever was invited and has activated an account since was enrolled by that.
            is_in = bool(notice.enrolled) or (user is not None and user.is_active)
            message_type = enrolled if is_in else invited
            own = {
                "email": notice.email,
                "username": user.get_username() if user else notice.username,
                "items": [items[key, is_in] for key in notice.keys if (key, is_in) in items],
                **_links(has_paths=not all(isinstance(key, CourseKey) for key in notice.keys)),
            }
            yield _Letter(
                message_type,
                notice.email,
                user.pk if user else None,
                languages.get(user.pk, settings.LANGUAGE_CODE) if user else settings.LANGUAGE_CODE,
                {**message_type.context, **own},
            )


def _accounts(notices: Sequence[LearnerNotice]) -> dict[str, User]:
    """Return the accounts of the learners by address: of several with one address, the one that was enrolled."""
    found = users_by_email([notice.email for notice in notices])
    names = {notice.email: notice.username for notice in notices}
    accounts = {}
    for email, users in found.items():
        own = [user for user in users if len(users) == 1 or user.get_username() == names[email]]
        if own:
            accounts[email] = own[0]
    return accounts


def _languages(user_ids: Collection[int]) -> dict[int, str]:
    """Return the languages that learners chose, as far as there are texts in them."""
    languages = {}
    for user_id, code in get_lms().preferred_languages(user_ids).items():
        try:
            languages[user_id] = get_supported_language_variant(code)
        except LookupError:
            continue
    return languages


def _items(
    keys: Collection[LearningPathKey | CourseKey],
) -> dict[tuple[LearningPathKey | CourseKey, bool], dict[str, Any]]:
    """
    Return the paths and course runs as the templates need them, by key, and whether the learner is enrolled already.

    A path that is gone is absent.
    """
    course_keys = {key for key in keys if isinstance(key, CourseKey)}
    names: dict[LearningPathKey | CourseKey, str] = {key: str(key) for key in course_keys}
    if path_keys := [key for key in keys if not isinstance(key, CourseKey)]:
        paths = LearningPath.objects.only("key", "display_name").filter(key__in=path_keys)
        names.update((path.key, path.display_name or str(path.key)) for path in paths)
    if course_keys:
        names.update((key, run.name) for key, run in get_lms().course_runs(course_keys).items())
    return {
        (key, is_in): {"name": name, "url": item_url(key, is_in=is_in), "is_course": key in course_keys}
        for key, name in names.items()
        for is_in in (True, False)
    }


def site_context() -> dict[str, str]:
    """Return what every message tells of the site. The addresses are those of the LMS, empty where it is unknown."""
    name = getattr(settings, "PLATFORM_NAME", "") or getattr(settings, "SITE_NAME", "") or "Open edX"
    return {
        "platform_name": str(name),
        "home_url": lms_url("/"),
        "dashboard_url": lms_url("/dashboard"),
    }


def _links(*, has_paths: bool) -> dict[str, str]:
    """Return where a message leads to besides what it names; its paths are not on the dashboard of the LMS."""
    return {"paths_url": paths_url() if has_paths else "", "register_url": register_url(for_paths=has_paths)}
