"""The command for operators at a shell."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from unittest import mock

import ddt
import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase

from learning_paths.models import LearningPathEnrollment, LearningPathEnrollmentAllowed, ManualEnrollmentAudit
from tests.factories import make_path, make_staff, make_user

DS = "path-v1:DemoX+DS101+2026"


class Terminal(io.StringIO):
    """Standard error of somebody who looks on."""

    def isatty(self) -> bool:
        return True


@ddt.ddt
class BulkEnrollCommandTests(TestCase):
    """Ana has an account, new@example.com has none."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def setUp(self) -> None:
        self.ana = make_user("ana")
        self.path = make_path(DS)
        self.file = self.folder / "people.csv"
        self.file.write_text("name,email\nAna,ana@example.com\nNew,new@example.com\nBad,nope\nEvil,=1+1@example.com\n")

    def call(self, *args: str, stderr: Any = None, stdin: bytes | None = None) -> list[list[str]]:
        out, self.stderr = io.StringIO(), stderr or io.StringIO()
        fake = mock.Mock(buffer=io.BytesIO(stdin or b""))
        with mock.patch("learning_paths.management.commands.bulk_enroll.sys.stdin", fake):
            call_command("bulk_enroll", *args, stdout=out, stderr=self.stderr)
        return list(csv.reader(io.StringIO(out.getvalue())))

    def test_file_to_standard_output(self) -> None:
        sam = make_staff("sam")
        rows = self.call(DS, "path-v1:x", "--file", str(self.file), "--reason", "Cohort", "--as-user", "sam")
        assert rows == [
            ["email address", "learning path", "enrollment status", "notes"],
            ["nope", "", "invalid_email", "Line 4: This is not a valid e-mail address."],
            ["", "path-v1:x", "learning_path_not_found", "There is no such learning path."],
            ["ana@example.com", DS, "enrolled", "Enrolled."],
            [
                "new@example.com",
                DS,
                "invited",
                "Will be enrolled as soon as an account with this address is activated.",
            ],
            [
                "'=1+1@example.com",
                DS,
                "invited",
                "Will be enrolled as soon as an account with this address is activated.",
            ],
        ]
        assert self.stderr.getvalue().strip() == (
            "3 of 3 pairs changed, 0 failed; 2 of the addresses and keys are not valid."
        )
        assert LearningPathEnrollment.objects.get().user == self.ana
        audit = ManualEnrollmentAudit.objects.first()
        assert audit is not None
        assert (audit.enrolled_by, audit.reason) == (sam, "Cohort")

    def test_standard_input_to_a_file_and_back(self) -> None:
        result = self.folder / "result.csv"
        assert self.call(DS, "--output", str(result), stdin=b"ana@example.com, new@example.com") == []
        assert [row[2] for row in csv.reader(result.read_text().splitlines())][1:] == ["enrolled", "invited"]
        rows = self.call(DS, "--unenroll", stdin=b"ana@example.com, new@example.com")
        assert [row[2] for row in rows][1:] == ["unenrolled", "invitation_withdrawn"]
        assert not LearningPathEnrollment.objects.filter(is_active=True).exists()

    def test_dry_run(self) -> None:
        rows = self.call(DS, "--file", str(self.file), "--dry-run")
        assert [row[2] for row in rows][1:] == ["invalid_email", "enrolled", "invited", "invited"]
        assert "3 of 3 pairs would change" in self.stderr.getvalue()
        assert not LearningPathEnrollment.objects.exists()
        assert not LearningPathEnrollmentAllowed.objects.exists()

    def test_progress_on_a_terminal(self) -> None:
        self.call(DS, "--file", str(self.file), stderr=Terminal())
        assert "3 of 3 (100 %)" in self.stderr.getvalue()

    @ddt.data(
        (["path-v1:x"], "Nothing could be done"),
        ([DS, "--as-user", "nobody"], "--as-user: There is no such user."),
        ([DS, "--file", "/no/such/file"], "--file: "),
        ([DS, "--output", "/no/such/folder/file"], "--output: "),
    )
    @ddt.unpack
    def test_what_can_not_be_done(self, args: list[str], message: str) -> None:
        with self.assertRaisesMessage(CommandError, message):
            self.call(*args, stdin=b"ana@example.com")
