"""How long a question to license-manager may take, how a job shows that it still waits, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unittest import mock
from uuid import UUID

import ddt
import pytest
from django.test import SimpleTestCase

from learning_paths import api
from learning_paths.exceptions import LicensesUnavailable
from learning_paths.licensing.asking import NOBODY_WAITS, current_asking, shown_by, still_asking
from learning_paths.licensing.kept import Kept
from learning_paths.licensing.service_client import Patience
from tests.licensing.services import Answer
from tests.licensing.test_license_manager import LOGGER, Hasty, WithServices

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


class Interrupted(Exception):
    """What a job that was cancelled raises."""


class AskingCase(WithServices, SimpleTestCase):
    """A plan of five licenses, which are three pages."""

    def setUp(self) -> None:
        super().setUp()
        self.plan_uuid = self.services.add_plan()
        self.everyone: dict[str, UUID] = {}
        for name in ("ann", "ben", "cleo", "dan", "eve"):
            email = f"{name}@example.com"
            self.everyone[email] = self.services.add_license(self.plan_uuid, email)
        self.plan = self.backend.get_plan(self.plan_uuid)
        self.services.requests.clear()

    def say(self, status: int, **headers: str) -> None:
        """Answer the next page with this."""
        self.services.say("/licenses/", Answer(status, headers={n.replace("_", "-"): v for n, v in headers.items()}))

    def assert_unavailable(self, text: str) -> None:
        with self.assertLogs(LOGGER) as logs, pytest.raises(LicensesUnavailable):
            self.backend.valid_licenses(self.plan, None)
        assert text in logs.output[0]


class ShowTests(AskingCase):
    """Before each request, and each second of a wait, whoever asks is told."""

    def test_once_for_each_page(self) -> None:
        shown: list[int] = []
        with shown_by(lambda: shown.append(len(self.pages_asked()))):
            assert self.backend.valid_licenses(self.plan, None) == self.everyone
        assert shown == [0, 1, 2, 3, 4, 5]

    def test_what_it_raises_ends_the_question(self) -> None:
        def stop() -> None:
            if len(self.pages_asked()) == 2:
                raise Interrupted

        with shown_by(stop), pytest.raises(Interrupted):
            self.backend.valid_licenses(self.plan, None)
        assert self.pages_asked() == [1, 2]
        assert self.backend.valid_licenses(self.plan, None) == self.everyone

    def test_the_plan_and_its_coverage_too(self) -> None:
        shown = mock.Mock()
        with shown_by(shown):
            self.backend.get_plan(self.plan_uuid)
        assert shown.call_count == 1

    def test_each_second_of_a_wait(self) -> None:
        self.say(429, Retry_After="3")
        shown = mock.Mock()
        with (
            shown_by(shown),
            mock.patch("learning_paths.licensing.service_client.time.sleep") as sleep,
        ):
            self.backend.valid_licenses(self.plan, None)
        assert sleep.mock_calls == [mock.call(1.0), mock.call(1.0), mock.call(1.0)]
        assert shown.call_count == 7 + 2

    def test_nobody_has_to_be_told(self) -> None:
        assert current_asking() == NOBODY_WAITS
        still_asking()
        with shown_by(None):
            still_asking()
        assert current_asking() == NOBODY_WAITS


@ddt.ddt
class WaitTests(AskingCase):
    """What a service asks to wait is waited for before the deadline, and within a request for a moment only."""

    def setUp(self) -> None:
        super().setUp()
        patience = Patience(connect_timeout=1, read_timeout=1, backoff=0.01, longest_wait=5, deadline=120, request=50)
        self.enterContext(mock.patch.object(Hasty, "patience", patience))
        self.sleep = self.enterContext(mock.patch("learning_paths.licensing.service_client.time.sleep"))

    def slept(self) -> float:
        return float(sum(call.args[0] for call in self.sleep.mock_calls))

    @ddt.data((429, 30.0), (429, 110.0), (503, 30.0))
    @ddt.unpack
    def test_a_wait_that_fits_is_waited_for(self, status: int, seconds: float) -> None:
        self.say(status, Retry_After=str(int(seconds)))
        assert self.backend.valid_licenses(self.plan, None) == self.everyone
        assert self.slept() == seconds

    def test_also_one_that_is_a_date(self) -> None:
        self.say(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=60)))
        assert self.backend.valid_licenses(self.plan, None) == self.everyone
        assert 50 < self.slept() <= 60

    def test_one_that_does_not_fit_is_not(self) -> None:
        self.say(429, Retry_After="121")
        self.assert_unavailable("status 429")
        assert self.slept() == 0

    def test_within_a_request_only_a_moment(self) -> None:
        self.say(429, Retry_After="5")
        with api.licenses_within_a_request():
            assert self.backend.valid_licenses(self.plan, None) == self.everyone
        assert self.slept() == 5.0

    def test_within_a_request_not_for_long(self) -> None:
        self.say(429, Retry_After="6")
        with api.licenses_within_a_request():
            self.assert_unavailable("status 429")
        assert self.slept() == 0


class RequestTests(AskingCase):
    """All the questions of a request have one end."""

    def use_up(self) -> None:
        """Let a slow answer take all the time that there is."""
        self.services.say(f"/subscriptions/{self.plan_uuid}/", Answer(delay=0.6))
        with self.assertLogs(LOGGER), pytest.raises(LicensesUnavailable):
            self.backend.get_plan(self.plan_uuid)

    def setUp(self) -> None:
        super().setUp()
        patience = Patience(connect_timeout=1, read_timeout=0.3, attempts=1, deadline=60, request=0.2)
        self.enterContext(mock.patch.object(Hasty, "patience", patience))

    def test_the_next_question_is_not_asked_when_the_time_is_used_up(self) -> None:
        with api.licenses_within_a_request():
            self.use_up()
            self.services.requests.clear()
            self.assert_unavailable("no time left")
            with api.licenses_within_a_request():
                self.assert_unavailable("no time left")
        assert self.services.requests == []

    def test_elsewhere_each_has_its_own(self) -> None:
        self.use_up()
        assert self.backend.valid_licenses(self.plan, None) == self.everyone

    def test_the_next_request_begins_anew(self) -> None:
        with api.licenses_within_a_request():
            self.use_up()
        with mock.patch.object(Hasty, "patience", Patience(request=50)), api.licenses_within_a_request():
            assert self.backend.valid_licenses(self.plan, None) == self.everyone

    def test_a_job_that_a_request_runs_shows_itself_and_has_the_end_of_the_request(self) -> None:
        with api.licenses_within_a_request(), shown_by(mock.Mock()) as _:
            assert current_asking().request_since is not None
            assert current_asking().show is not None
            with api.licenses_within_a_request():
                assert current_asking().show is not None
        assert current_asking() == NOBODY_WAITS


@ddt.ddt
class KeepTests(AskingCase):
    """What was read is kept no shorter than reading took."""

    CLOCK = "learning_paths.licensing.kept.time.monotonic"

    @ddt.data((20, 0, 20), (20, 19, 20), (20, 80, 80), (0, 80, 0))
    @ddt.unpack
    def test_for_how_long(self, seconds: float, at_least: float, expected: float) -> None:
        kept: Kept[str] = Kept(seconds)
        now = time.monotonic()
        with mock.patch(self.CLOCK, return_value=now):
            kept.put("plan", "licenses", at_least=at_least)
        for moment, value in ((expected - 0.1, "licenses" if expected else None), (expected + 0.1, None)):
            with mock.patch(self.CLOCK, return_value=now + moment):
                assert kept.get("plan") == value

    @ddt.data(True, False)
    def test_a_plan_that_takes_long_to_read_is_not_read_for_each_part_of_a_job(self, is_slow: bool) -> None:
        with mock.patch.object(Hasty, "keep_licenses", 0.01):
            self.backend = Hasty()
        patience = Patience(connect_timeout=1, read_timeout=5)
        self.services.seconds_per_page = 0.3 if is_slow else 0.0
        pause: Callable[[], Any] = nullcontext if is_slow else lambda: time.sleep(0.2)
        with mock.patch.object(Hasty, "patience", patience):
            assert self.backend.valid_licenses(self.plan, None) == self.everyone
            pause()
            self.services.seconds_per_page = 0.0
            assert self.backend.valid_licenses(self.plan, None) == self.everyone
        assert len(self.pages_asked()) == (6 if is_slow else 12)

    def test_the_plans_on_offer_too(self) -> None:
        with mock.patch.object(Kept, "put") as put:
            self.backend.plans_for(mock.Mock())
        assert put.call_args.kwargs["at_least"] > 0
