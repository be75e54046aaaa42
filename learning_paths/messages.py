"""
E-mails to learners, handed to edx-ace, and what became of each.

Templates are in ``templates/learning_paths/edx_ace/<name>/email``, where the theme of a site may replace them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any

from edx_ace import ace
from edx_ace.channel import ChannelType
from edx_ace.message import Message, MessageType
from edx_ace.recipient import Recipient

from learning_paths.data import NoticeState
from learning_paths.traces import outline

DELIVERED = f"{ChannelType.EMAIL}_delivery_succeeded"
EXPIRED = f"{ChannelType.EMAIL}_delivery_expired"
ERROR = f"{ChannelType.EMAIL}_error"
ALLOWED = "policy_allowed_channels"


class LearnerEnrolled(MessageType):
    """Tells a learner what somebody enrolled the learner in."""

    APP_LABEL = "learning_paths"
    NAME = "enrolled"


class LearnerInvited(MessageType):
    """Tells the owner of an address what waits for an account with it, and how to come by one."""

    APP_LABEL = "learning_paths"
    NAME = "invited"


class NotDelivered(Exception):
    """A message did not leave. ``is_down`` tells that this is no fault of the message: the next would not leave."""

    def __init__(self, reason: str, *, is_down: bool) -> None:
        super().__init__(reason)
        self.is_down = is_down


def send(
    message_type: MessageType, *, email: str, user_id: int | None, language: str, context: Mapping[str, Any]
) -> NoticeState:
    """
    Send a message, and return whether it was sent or the policies of the site withheld it.

    Arguments:
        message_type: one of those above.
        email: the address.
        user_id: the learner's account, which policies look at; None where there is none.
        language: the language to write in.
        context: what the templates need, fit for JSON.

    Raises:
        NotDelivered: it was not sent, for whatever reason.
    """
    message = _Followed(
        app_label=message_type.app_label,
        name=message_type.name,
        recipient=Recipient(lms_user_id=user_id, email_address=email),
        send_uuid=message_type.uuid,
        language=language,
        context=dict(context),
        # Staff's own decision, not an advertisement. Who has no account can't have a disabled one, and the policy that
        # looks for that takes a missing account for an error in some releases of the LMS.
        options={"transactional": True, "skip_disable_user_policy": user_id is None},
    )
    sending = _sending.set(True)
    try:
        ace.send(message)
    except Exception as error:
        if DELIVERED not in message.reports:
            raise NotDelivered(outline(error), is_down=_is_down(error)) from error
    finally:
        _sending.reset(sending)
    if DELIVERED in message.reports:
        return NoticeState.SENT
    if ChannelType.EMAIL.value not in _channels(message.reports.get(ALLOWED, "")):
        return NoticeState.WITHHELD
    if message.error is not None:
        cause = message.error.__cause__ or message.error
        raise NotDelivered(outline(message.error), is_down=_is_down(cause)) from message.error
    expired = EXPIRED in message.reports
    reason = "it was put off for too long" if expired else "there is no channel for e-mail, or no template"
    raise NotDelivered(reason, is_down=True)


class _Followed(Message):
    """A message that keeps what edx-ace reports of it: ``ace.send`` returns nothing, and keeps errors to itself."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reports: dict[str, Any] = {}
        self.error: BaseException | None = None

    def report(self, key: str, value: Any) -> None:
        """Take note."""
        self.reports[key] = value
        if key == ERROR:
            self.error = sys.exception()
        super().report(key, value)


_sending: ContextVar[bool] = ContextVar("learning_paths_sending", default=False)
"""Whether a message of ours is being sent in this thread."""


def _without_people(record: logging.LogRecord) -> bool:
    """
    Take the addresses out of what edx-ace's e-mail channel logs of a message of ours, and let it pass.

    The channel logs an error of the mail server with its text, which names the recipient. What others send is theirs.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and _sending.get():
        record.msg, record.args, record.exc_info, record.exc_text = outline(error), (), None, None
    return True


logging.getLogger("edx_ace.channel.django_email").addFilter(_without_people)


def _channels(text: str) -> Collection[str]:
    return text.split(",")


def _is_down(error: BaseException) -> bool:
    """Whether whoever takes the mail could not be reached, or took none at all. HTTP clients' errors are OSErrors."""
    if isinstance(error, SMTPException):
        return not isinstance(error, SMTPRecipientsRefused | SMTPDataError)
    return isinstance(error, OSError)
