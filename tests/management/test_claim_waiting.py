"""The command that gives people what they missed, and the other one that does so too."""

from __future__ import annotations

from io import StringIO
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import TestCase

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from tests.factories import make_path, make_plan


@ddt.ddt
class ClaimWaitingTests(TestCase):
    """dan@example.com was invited and has a license; the account came without a signal."""

    def setUp(self) -> None:
        api.invite("dan@example.com", make_path(), acting_user=None)
        api.assign_licenses(make_plan(), ["dan@example.com"], acting_user=None)
        User.objects.bulk_create([User(username="dan", email="dan@example.com")])

    def call(self, command: str) -> str:
        out = StringIO()
        call_command(command, stdout=out)
        return out.getvalue()

    @ddt.data("claim_waiting", "resume_bulk_jobs")
    def test_claims_and_tells(self, command: str) -> None:
        assert self.call(command) == "Claimed after all: 1 enrollments, 1 licenses.\n"
        assert LearningPathEnrollment.objects.get().user.username == "dan"

    def test_once_more_there_is_nothing(self) -> None:
        self.call("claim_waiting")
        assert self.call("claim_waiting") == "Claimed after all: 0 enrollments, 0 licenses.\n"
        assert self.call("resume_bulk_jobs") == ""

    @ddt.data("claim_waiting", "resume_bulk_jobs")
    def test_a_failure_is_told_to_cron(self, command: str) -> None:
        fault = mock.patch("learning_paths.actions.sweep.claim_invitations", side_effect=RuntimeError)
        with fault, self.assertLogs("learning_paths", "ERROR"), self.assertRaisesRegex(CommandError, "1 accounts"):
            self.call(command)
