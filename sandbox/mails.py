"""The e-mails that the sandbox would have sent: read from the files in which Django's backend keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

SHOWN = 10
LARGEST = 2**20
"""Bytes of a file that are read."""
END_OF_MESSAGE = b"\n" + b"-" * 79 + b"\n"


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail as the front page shows it."""

    subject: str
    to: str
    time: datetime
    text: str


def latest_mails() -> list[Mail]:
    """Return the latest e-mails, the latest first. What can't be read is left out."""
    directory = Path(settings.EMAIL_FILE_PATH)
    if not directory.is_dir():
        return []
    newest = sorted(directory.glob("*.log"), key=os.path.getmtime, reverse=True)[:SHOWN]
    mails = [mail for file in newest for mail in reversed(_mails_in(file))]
    return sorted(mails, key=lambda mail: mail.time, reverse=True)[:SHOWN]


def _mails_in(file: Path) -> list[Mail]:
    """The backend writes a file for each connection, with a line of dashes after each e-mail."""
    with file.open("rb") as opened:
        texts = opened.read(LARGEST).split(END_OF_MESSAGE)
    found = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
    messages = [message_from_bytes(text.lstrip(), policy=policy.default) for text in texts if text.strip()]
    return [_mail(message, found) for message in messages if isinstance(message, EmailMessage)]


def _mail(message: EmailMessage, found: datetime) -> Mail:
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return Mail(str(message["Subject"] or ""), str(message["To"] or ""), found, text.strip())
