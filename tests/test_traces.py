"""What is told of an error."""

from __future__ import annotations

from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected
from typing import Any

import ddt
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import SimpleTestCase

from learning_paths.traces import WITHHELD, outline, trace

# More than MySQL quotes of a value: what is left of it has no “@”.
CUT = f"Duplicate entry '{'d' * 64}' for key 'email'"


@ddt.ddt
class TraceTests(SimpleTestCase):
    """Class, place and number of an error, and its text if that names nobody."""

    @ddt.data(
        (ValueError("no such user"), "ValueError: no such user"),
        (ValueError(), "ValueError"),
        (ValueError("two\n lines"), "ValueError: two lines"),
        (ValueError("dan@example.com"), f"ValueError: {WITHHELD}"),
        (KeyError("/users/dan%40example.com"), f"KeyError: {WITHHELD}"),
        (ValidationError("dan@example.com"), f"django.core.exceptions.ValidationError: {WITHHELD}"),
        (IntegrityError(1062, CUT), f"django.db.utils.IntegrityError: 1062 {WITHHELD}"),
        (IntegrityError("UNIQUE constraint failed"), "django.db.utils.IntegrityError: UNIQUE constraint failed"),
        (IntegrityError("no dan@example.com"), f"django.db.utils.IntegrityError: {WITHHELD}"),
        (SMTPDataError(554, b"dan is unknown"), f"smtplib.SMTPDataError: 554 {WITHHELD}"),
        (SMTPSenderRefused(550, b"no", "lms@example.com"), f"smtplib.SMTPSenderRefused: 550 {WITHHELD}"),
        (
            SMTPRecipientsRefused({"dan": (550, b"no"), "eve": (450, b"later"), "fay": (550, b"no")}),
            f"smtplib.SMTPRecipientsRefused: [450, 550] {WITHHELD}",
        ),
        (SMTPServerDisconnected("closed"), "smtplib.SMTPServerDisconnected: closed"),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError: [Errno 111] Connection refused"),
    )
    @ddt.unpack
    def test_in_one_line(self, error: Exception, expected: str) -> None:
        assert outline(error) == expected

    def caught(self, text: str) -> Exception:
        """Return an error with what led to it, as MySQL's driver and Django raise it."""
        driver: Any = type("IntegrityError", (type("DatabaseError", (Exception,), {}),), {"__module__": "MySQLdb"})
        try:
            try:
                raise driver(1062, text)
            except driver as error:
                raise IntegrityError(*error.args) from error
        except IntegrityError as error:
            return error

    def test_with_what_led_to_it(self) -> None:
        lines = trace(self.caught(CUT)).splitlines()
        assert [line for line in lines if not line.startswith(" ")] == [
            "Traceback (most recent call last):",
            f"MySQLdb.IntegrityError: 1062 {WITHHELD}",
            "Traceback (most recent call last):",
            f"django.db.utils.IntegrityError: 1062 {WITHHELD}",
        ]
        assert sum("test_traces.py" in line for line in lines) == 2

    def test_without_what_was_left_out_on_purpose(self) -> None:
        error = self.caught(CUT)
        error.__cause__, error.__suppress_context__ = None, True
        assert trace(error).count("Traceback") == 1

    def test_a_circle_has_an_end(self) -> None:
        error, other = ValueError("one"), ValueError("two")
        error.__cause__, other.__cause__ = other, error
        assert trace(error).count("ValueError") == 2
