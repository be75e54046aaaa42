"""The license backend over the license-manager service, against a server that speaks its JSON."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar
from unittest import mock
from uuid import UUID, uuid4

import ddt
import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import SimpleTestCase, TestCase, override_settings
from edx_django_utils.cache import TieredCache
from opaque_keys.edx.keys import CourseKey

from learning_paths.checks import E_LICENSE_SERVICES, check_license_services
from learning_paths.exceptions import LicensesUnavailable, SubscriptionNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.licensing import get_license_backend, license_pages
from learning_paths.licensing.license_manager import SETTINGS, LicenseManagerBackend
from learning_paths.licensing.service_client import Patience
from learning_paths.models import LearningPathStep
from tests.factories import make_path
from tests.licensing.services import Answer, Services

# edx-rest-api-client, on Python 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

BACKEND = "learning_paths.licensing.license_manager.LicenseManagerBackend"
LOGGER = "learning_paths.licensing"
DS101 = CourseKey.from_string("course-v1:DemoX+DS101+2026")
DS102 = CourseKey.from_string("course-v1:DemoX+DS102+2026")


class Hasty(LicenseManagerBackend):
    """Pages of two, and little patience."""

    patience = Patience(connect_timeout=0.3, read_timeout=0.15, backoff=0.01, longest_wait=0.1, deadline=5)
    page_size = 2


def settings_for(url: str) -> dict[str, Any]:
    """The settings with which everything is asked of one server."""
    return {
        "LEARNING_PATHS_LICENSE_MANAGER_URL": f"{url}/",
        "LEARNING_PATHS_ENTERPRISE_CATALOG_URL": url,
        "LEARNING_PATHS_OAUTH_URL": f"{url}/oauth2",
        "LEARNING_PATHS_OAUTH_CLIENT_ID": "learning-paths",
        "LEARNING_PATHS_OAUTH_CLIENT_SECRET": "secret",
    }


class WithServices:
    """A server for each test, and the backend that asks it."""

    def setUp(self) -> None:
        TieredCache.dangerous_clear_all_tiers()
        case: Any = self
        self.services: Services = case.enterContext(Services())
        case.enterContext(override_settings(**settings_for(self.services.url)))
        self.backend = Hasty()

    def paths_asked(self) -> list[str]:
        """Return the paths of what was asked for, in order."""
        return [request.partition("?")[0] for request in self.services.requests]

    def pages_asked(self) -> list[int]:
        """Return the numbers of the pages of licenses that were asked for, in order."""
        return [int(request.rpartition("page=")[2]) for request in self.services.requests if "page_size" in request]


@ddt.ddt
class PlanTests(WithServices, SimpleTestCase):
    """The plan of a uuid, and the plans on offer."""

    def test_a_current_plan(self) -> None:
        uuid = self.services.add_plan("Spring")
        plan = self.backend.get_plan(uuid)
        assert (plan.uuid, plan.title, plan.org, plan.is_current) == (uuid, "Spring", "", True)
        assert plan.start_date == datetime(2020, 1, 1, tzinfo=UTC)
        assert plan.expiration_date == datetime(2120, 1, 1, tzinfo=UTC)
        assert self.paths_asked() == [f"/api/v1/subscriptions/{uuid}/"]

    @ddt.data(
        {"is_active": False},
        {"start_date": "2119-01-01T00:00:00Z"},
        {"expiration_date": "2021-01-01T00:00:00.5+02:00"},
        {"expiration_date": "2021-06-30"},
    )
    def test_a_plan_that_is_not_current_has_no_valid_licenses(self, fields: dict[str, Any]) -> None:
        uuid = self.services.add_plan(**fields)
        self.services.add_license(uuid, "ann@example.com")
        plan = self.backend.get_plan(uuid)
        assert not plan.is_current
        assert self.backend.valid_licenses(plan, None) == {}
        assert len(self.services.requests) == 1

    @ddt.data(404, 403)
    def test_no_such_plan(self, status: int) -> None:
        self.services.unknown_plan_status = status
        with pytest.raises(SubscriptionNotFound), self.assertLogs(LOGGER):
            self.backend.get_plan(uuid4())
        assert len(self.services.requests) == 1

    def test_the_current_plans_of_all_pages_are_offered_by_title(self) -> None:
        expected = [self.services.add_plan(f"Plan {number:03}") for number in range(101)]
        self.services.add_plan("Switched off", is_active=False)
        for _ in range(2):
            assert [plan.uuid for plan in self.backend.plans_for(User())] == expected
        assert len(self.services.requests) == 2

    def test_a_site_with_very_many_plans_is_offered_the_first(self) -> None:
        for number in range(101):
            self.services.add_plan(f"Plan {number:03}")
        with mock.patch.object(Hasty, "max_plan_pages", 1), self.assertLogs(LOGGER) as logs:
            assert len(self.backend.plans_for(User())) == 100
        assert "only the first 1 pages" in logs.output[0]

    def test_a_page_of_plans_that_is_gone_is_the_end(self) -> None:
        self.services.add_plan()
        last = Answer(body={"results": [], "next": "more"})
        self.services.say("/subscriptions/", last, Answer(404))
        assert self.backend.plans_for(User()) == []


@ddt.ddt
class LicenseTests(WithServices, SimpleTestCase):
    """Who has a valid license."""

    def setUp(self) -> None:
        super().setUp()
        self.plan_uuid = self.services.add_plan()
        self.plan = self.backend.get_plan(self.plan_uuid)
        self.services.requests.clear()

    def add(self, *names: str) -> dict[str, UUID]:
        """Assign licenses; return them by address."""
        emails = [f"{name}@example.com" for name in names]
        return {email: self.services.add_license(self.plan_uuid, email) for email in emails}

    def test_ann_and_ben_have_one_and_nobody_else(self) -> None:
        ann = self.services.add_license(self.plan_uuid, "ann@example.com")
        ben = self.services.add_license(self.plan_uuid, "ben@example.com", "activated")
        self.services.add_license(self.plan_uuid, "revoked@example.com", "revoked")
        self.services.add_license(self.plan_uuid, None, "unassigned")
        self.services.add_license(self.services.add_plan("Other"), "other@example.com")
        everyone = {"ann@example.com": ann, "ben@example.com": ben}
        assert self.backend.valid_licenses(self.plan, None) == everyone
        asked = ["ann@example.com", "revoked@example.com", "nobody@example.com"]
        assert self.backend.valid_licenses(self.plan, asked) == {"ann@example.com": ann}
        assert self.pages_asked() == [1]  # the second answer is the first, kept

    def test_nobody_is_asked_about_no_addresses(self) -> None:
        assert self.backend.valid_licenses(self.plan, []) == {}
        assert self.services.requests == []

    def test_addresses_are_normalized_and_those_that_no_account_can_have_are_left_out(self) -> None:
        ann = self.services.add_license(self.plan_uuid, "Ann@Example.COM")
        self.services.add_license(self.plan_uuid, "josé@example.com")
        assert self.backend.valid_licenses(self.plan, None) == {"ann@example.com": ann}

    @ddt.data(["assigned", "activated"], ["activated", "assigned"])
    def test_of_two_licenses_the_activated_one_counts(self, statuses: list[str]) -> None:
        uuids = {status: self.services.add_license(self.plan_uuid, "ann@example.com", status) for status in statuses}
        assert self.backend.valid_licenses(self.plan, None) == {"ann@example.com": uuids["activated"]}

    def test_what_the_server_did_not_filter_is_filtered_here(self) -> None:
        rows = list(self.services.licenses.values())
        for status in ("unassigned", "revoked"):
            rows.append(self.services.licenses[self.services.add_license(self.plan_uuid, f"{status}@x.org", status)])
        self.services.say("/licenses/", Answer(body={"results": rows, "next": None}))
        assert self.backend.valid_licenses(self.plan, None) == {}

    def test_three_pages_are_read_up_and_down(self) -> None:
        everyone = self.add("ann", "ben", "cleo", "dan", "eve")
        assert self.backend.valid_licenses(self.plan, None) == everyone
        assert self.pages_asked() == [1, 2, 3, 3, 2, 1]

    def test_next_on_another_host_is_not_followed(self) -> None:
        everyone = self.add("ann", "ben", "cleo")
        with Services() as elsewhere:
            self.services.next_host = elsewhere.url
            assert self.backend.valid_licenses(self.plan, None) == everyone
            assert elsewhere.requests == []

    @ddt.data(1, 2, 3)
    def test_a_license_revoked_while_the_pages_are_read_counts_for_nothing(self, after: int) -> None:
        everyone = self.add("ann", "ben", "cleo", "dan", "eve", "fay")
        ann = everyone.pop("ann@example.com")
        revoke: Callable[[], None] = lambda: self.services.revoke(ann)  # noqa: E731
        self.services.after_page = [*[lambda: None] * (after - 1), revoke]
        assert self.backend.valid_licenses(self.plan, None) == everyone
        assert self.paths_asked()[-1].endswith(f"/licenses/{ann}/")

    def test_who_slips_past_the_second_reading_is_asked_for(self) -> None:
        everyone = self.add("ann", "ben", "cleo", "dan", "eve")
        eve = everyone["eve@example.com"]
        hide = {"user_email": None}
        self.services.after_page = [
            lambda: None,
            lambda: None,
            lambda: self.services.licenses[eve].update(hide),
            lambda: None,
            lambda: None,
            lambda: self.services.licenses[eve].update(user_email="eve@example.com"),
        ]
        assert self.backend.valid_licenses(self.plan, None) == everyone

    def test_a_license_that_is_gone_counts_for_nothing(self) -> None:
        everyone = self.add("ann", "ben", "cleo")
        ann = everyone.pop("ann@example.com")
        self.services.after_page = [lambda: self.services.forget(ann)]
        assert self.backend.valid_licenses(self.plan, None) == everyone

    def test_pages_that_are_added_are_read_too(self) -> None:
        everyone = self.add("ann", "ben", "cleo")
        self.services.after_page = [lambda: None, lambda: everyone.update(self.add("zoe", "zora"))]
        assert self.backend.valid_licenses(self.plan, None) == everyone
        assert self.pages_asked() == [1, 2, 2, 3, 1]

    def test_a_last_page_that_goes_away_is_empty(self) -> None:
        everyone = self.add("ann", "ben", "cleo")
        cleo = everyone.pop("cleo@example.com")
        self.services.after_page = [lambda: None, lambda: self.services.revoke(cleo)]
        assert self.backend.valid_licenses(self.plan, None) == everyone

    def test_when_much_changed_one_more_reading_is_made(self) -> None:
        everyone = self.add("ann", "ben", "cleo", "dan")
        ann = everyone.pop("ann@example.com")
        self.services.after_page = [lambda: self.services.revoke(ann)]
        with mock.patch.object(license_pages, "MAX_SINGLE", 0):
            assert self.backend.valid_licenses(self.plan, None) == everyone
        assert self.pages_asked() == [1, 2, 2, 1, 2, 1]

    def test_licenses_that_never_stand_still_are_unavailable(self) -> None:
        revocable = iter([*self.add("ann", "ben", "cleo", "dan", "eve", *"abcdefghijk").values()])
        self.services.after_page = [lambda: self.services.revoke(next(revocable))] * 16
        with mock.patch.object(license_pages, "MAX_SINGLE", 0), mock.patch.object(license_pages, "MAX_READS", 2):
            self.assert_unavailable("change faster than")

    def test_too_many_pages(self) -> None:
        self.add("ann", "ben", "cleo")
        with mock.patch.object(Hasty, "max_pages", 1):
            self.assert_unavailable("more than 1 pages")

    def test_a_revoked_license_is_noticed_when_the_kept_answer_is_old(self) -> None:
        with mock.patch.object(Hasty, "keep_licenses", 0.0):
            backend = Hasty()
        ann = self.services.add_license(self.plan_uuid, "ann@example.com")
        assert backend.valid_licenses(self.plan, None) == {"ann@example.com": ann}
        self.services.revoke(ann)
        assert backend.valid_licenses(self.plan, None) == {}
        assert Hasty.keep_licenses <= 30

    def test_what_is_handed_out_is_not_what_is_kept(self) -> None:
        everyone = self.add("ann")
        self.backend.valid_licenses(self.plan, None).clear()
        assert self.backend.valid_licenses(self.plan, None) == everyone

    @ddt.data(
        b"<html>",
        b"\xff\xfe\xff",
        [],
        {},
        {"results": [], "next_page": None},
        {"results": None, "next": None},
        {"results": [7], "next": None},
        {"results": [{}], "next": None},
    )
    def test_an_answer_that_makes_no_sense(self, body: Any) -> None:
        self.services.say("/licenses/", Answer(body=body))
        self.assert_unavailable("the answer")

    @ddt.data(
        {"uuid": "7"},
        {"uuid": 7},
        {"status": 7},
        {"user_email": 7},
        {"subscription_plan_uuid": None},
        {"subscription_plan_uuid": str(uuid4())},
    )
    def test_a_license_that_makes_no_sense(self, fields: dict[str, Any]) -> None:
        row = self.services.licenses[self.services.add_license(self.plan_uuid, "ann@example.com")] | fields
        self.services.say("/licenses/", Answer(body={"results": [row], "next": None}))
        if fields == {"status": 7}:
            assert self.backend.valid_licenses(self.plan, None) == {}
        else:
            self.assert_unavailable("the answer")

    def test_a_plan_that_is_gone_by_now(self) -> None:
        self.services.say("/licenses/", Answer(404))
        self.assert_unavailable("status 404")

    def assert_unavailable(self, *texts: str) -> None:
        """Ask; there is no answer, and one line in the log says why, without an address."""
        with self.assertLogs(LOGGER) as logs, pytest.raises(LicensesUnavailable):
            self.backend.valid_licenses(self.plan, None)
        (line,) = logs.output
        assert all(text in line for text in texts), line
        assert "@" not in line


@ddt.ddt
class TroubleTests(WithServices, SimpleTestCase):
    """What is tried again, and what is not."""

    def setUp(self) -> None:
        super().setUp()
        self.plan_uuid = self.services.add_plan()
        self.here = f"/subscriptions/{self.plan_uuid}/"

    def assert_unavailable(self, *texts: str, tries: int | None = None) -> None:
        """Ask for the plan; there is no answer, and one line in the log says why, without a token or the secret."""
        with self.assertLogs(LOGGER) as logs, pytest.raises(LicensesUnavailable):
            self.backend.get_plan(self.plan_uuid)
        (line,) = logs.output
        assert all(text in line for text in texts), line
        assert "token-" not in line
        assert "secret" not in line
        if tries is not None:
            # The service may note the last request after whoever asked has given up.
            patience = time.monotonic() + 5
            while len(self.services.requests) < tries and time.monotonic() < patience:
                time.sleep(0.01)
            assert len(self.services.requests) == tries

    def assert_answered(self, tries: int) -> None:
        """Ask for the plan; the answer comes after so many tries."""
        assert self.backend.get_plan(self.plan_uuid).uuid == self.plan_uuid
        assert len(self.services.requests) == tries

    @ddt.data(500, 502, 503, 429)
    def test_trouble_that_passes(self, status: int) -> None:
        self.services.say(self.here, Answer(status))
        self.assert_answered(2)

    @ddt.data(500, 502, 503, 429)
    def test_trouble_that_stays(self, status: int) -> None:
        self.services.always[self.here] = Answer(status)
        self.assert_unavailable(f"status {status}", "attempt 3", tries=3)

    @ddt.data(400, 301, 302, 204, 418)
    def test_trouble_that_will_stay(self, status: int) -> None:
        self.services.say(self.here, Answer(status, headers={"Location": f"{self.services.url}/elsewhere/"}))
        self.assert_unavailable(f"status {status}", tries=1)

    def test_a_token_that_is_refused_is_fetched_anew(self) -> None:
        self.backend.get_plan(self.plan_uuid)
        self.services.valid_tokens.clear()
        self.services.requests.clear()
        self.assert_answered(2)
        assert self.services.tokens_given == 2

    def test_a_client_that_is_refused(self) -> None:
        self.services.always[self.here] = Answer(401)
        self.assert_unavailable("status 401", tries=2)
        assert self.services.tokens_given == 2

    def test_a_token_serves_for_many_questions(self) -> None:
        for _ in range(3):
            self.backend.get_plan(self.plan_uuid)
        assert self.services.tokens_given == 1

    @ddt.data(401, 400, 404)
    def test_no_token(self, status: int) -> None:
        self.services.say("/access_token", Answer(status))
        self.assert_unavailable(f"no token: status {status}", tries=0)

    def test_no_token_at_first(self) -> None:
        self.services.say("/access_token", Answer(503))
        self.assert_answered(1)

    @ddt.data(b"", b"nonsense", [], {}, {"access_token": "a", "expires_in": "soon"}, {"access_token": "a"})
    def test_a_token_that_makes_no_sense(self, body: Any) -> None:
        self.services.say("/access_token", Answer(body=body))
        self.assert_unavailable("no token that makes sense", tries=0)

    def test_a_slow_answer(self) -> None:
        self.services.say(self.here, Answer(delay=0.4))
        self.assert_answered(2)

    def test_slow_answers(self) -> None:
        self.services.always[self.here] = Answer(delay=0.4)
        self.assert_unavailable("ReadTimeout", tries=3)

    def test_nobody_listens(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        with override_settings(LEARNING_PATHS_LICENSE_MANAGER_URL=f"http://127.0.0.1:{port}"):
            self.assert_unavailable("ConnectionError", tries=0)
        with override_settings(LEARNING_PATHS_OAUTH_URL=f"http://127.0.0.1:{port}/oauth2"):
            self.assert_unavailable("ConnectionError", tries=0)

    def test_an_answer_that_breaks_off(self) -> None:
        self.services.say(self.here, Answer(body=b"{}", headers={"Content-Encoding": "gzip"}))
        self.assert_answered(2)

    def test_the_service_says_when_to_come_again(self) -> None:
        past = format_datetime(datetime.now(UTC) - timedelta(hours=1))
        headers = [{"Retry-After": "0"}, {"Retry-After": past}]
        self.services.say(self.here, *(Answer(429, headers=each) for each in headers))
        with mock.patch("learning_paths.licensing.service_client.time.sleep") as sleep:
            self.assert_answered(3)
        assert sleep.mock_calls == [mock.call(0.0), mock.call(0.0)]

    @ddt.data("3600", "9" * 400, format_datetime(datetime(2120, 1, 1, tzinfo=UTC)))
    def test_a_service_that_wants_to_be_left_alone_is(self, value: str) -> None:
        self.services.say(self.here, Answer(503, headers={"Retry-After": value}))
        self.assert_unavailable("status 503", tries=1)

    @ddt.data("soon", "-1", "Mon, 01 Jan 0001 00:00:00 +1400")
    def test_a_wait_that_makes_no_sense_is_ignored(self, value: str) -> None:
        self.services.say(self.here, Answer(503, headers={"Retry-After": value}))
        self.assert_answered(2)

    def test_no_time_left(self) -> None:
        patience = Patience(deadline=0)
        with mock.patch.object(Hasty, "patience", patience):
            self.assert_unavailable("no time left", tries=0)

    @ddt.data(
        {"uuid": "7"},
        {"uuid": str(uuid4())},
        {"enterprise_catalog_uuid": None},
        {"title": None},
        {"is_active": "false"},
        {"start_date": None},
        {"expiration_date": "some day"},
        {"expiration_date": "2026-02-30T00:00:00Z"},
    )
    def test_a_plan_that_makes_no_sense(self, fields: dict[str, Any]) -> None:
        self.services.say(self.here, Answer(body=self.services.plans[self.plan_uuid] | fields))
        self.assert_unavailable("the answer can't be understood")

    @ddt.data(*SETTINGS)
    def test_a_setting_is_missing(self, name: str) -> None:
        with override_settings(**{name: None}), pytest.raises(LicensesUnavailable), self.assertLogs(LOGGER):
            self.backend.covered(self.backend.get_plan(self.plan_uuid), [DS101])


@ddt.ddt
class CoverageTests(WithServices, TestCase):
    """What a plan covers."""

    def setUp(self) -> None:
        super().setUp()
        self.plan = self.backend.get_plan(self.services.add_plan())
        self.services.requests.clear()
        self.services.contained = {str(DS101)}

    def make_path(self, key: str, *runs: CourseKey) -> LearningPathKey:
        """Return the key of a path with these steps."""
        path = make_path(key)
        for run in runs:
            LearningPathStep.objects.create(learning_path=path, course_key=run)
        return LearningPathKey.from_string(key)

    def test_course_runs(self) -> None:
        assert self.backend.covered(self.plan, [DS101, DS102]) == {DS101}
        assert len(self.services.requests) == 2

    def test_a_path_is_covered_when_all_of_its_steps_are(self) -> None:
        inside = self.make_path("path-v1:DemoX+In+2026", DS101)
        half = self.make_path("path-v1:DemoX+Half+2026", DS101, DS102)
        empty = self.make_path("path-v1:DemoX+Empty+2026")
        unknown = LearningPathKey.from_string("path-v1:DemoX+Unknown+2026")
        with self.assertNumQueries(1):
            assert self.backend.covered(self.plan, [inside, half, empty, unknown, DS102]) == {inside}
        assert len(self.services.requests) == 2  # each course run once

    def test_a_path_with_steps_inside_is_covered(self) -> None:
        self.services.contained.add(str(DS102))
        whole = self.make_path("path-v1:DemoX+Whole+2026", DS101, DS102)
        assert self.backend.covered(self.plan, [whole]) == {whole}

    def test_keys_match_exactly(self) -> None:
        self.make_path("path-v1:DemoX+In+2026", DS101)
        other = LearningPathKey.from_string("path-v1:demox+in+2026")
        assert self.backend.covered(self.plan, [other]) == set()

    @ddt.data([], ["path-v1:DemoX+Empty+2026"])
    def test_nobody_is_asked_about_nothing(self, keys: list[str]) -> None:
        paths = [self.make_path(key) for key in keys]
        assert self.backend.covered(self.plan, paths) == set()
        assert self.services.requests == []

    def test_the_answer_is_kept_for_a_while(self) -> None:
        for _ in range(3):
            assert self.backend.covered(self.plan, [DS101, DS102]) == {DS101}
        assert len(self.services.requests) == 2

    def test_a_plan_whose_catalog_is_not_known_is_asked_for(self) -> None:
        assert Hasty().covered(self.plan, [DS101]) == {DS101}
        assert self.paths_asked()[0] == f"/api/v1/subscriptions/{self.plan.uuid}/"

    @ddt.data(
        Answer(404),
        Answer(403),
        Answer(body={}),
        Answer(body={"contains_content_items": None}),
        Answer(body={"contains_content_items": "true"}),
        Answer(body=b"true"),
    )
    def test_a_catalog_that_does_not_answer(self, answer: Answer) -> None:
        self.services.say("/contains_content_items/", answer)
        with self.assertLogs(LOGGER) as logs, pytest.raises(LicensesUnavailable):
            self.backend.covered(self.plan, [DS101])
        assert "/contains_content_items/" in logs.output[0]


@ddt.ddt
class SettingsTests(SimpleTestCase):
    """A backend that lacks a setting is an error at start-up."""

    GOOD: ClassVar = settings_for("https://services.example.com")

    def errors(self, **settings: Any) -> list[str]:
        """Return the errors about the settings of the services."""
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND=BACKEND, **settings):
            return [f"{error.msg} {error.hint}" for error in check_license_services()]

    def test_everything_is_set(self) -> None:
        assert self.errors(**self.GOOD) == []

    @ddt.data(*SETTINGS)
    def test_one_is_missing(self, name: str) -> None:
        for value in (None, "", 7):
            (error,) = self.errors(**(self.GOOD | {name: value}))
            assert error.startswith(f"{name} is needed")
            assert SETTINGS[name] in error

    def test_a_url_needs_a_scheme(self) -> None:
        assert len(self.errors(**(self.GOOD | {"LEARNING_PATHS_LICENSE_MANAGER_URL": "services.example.com"}))) == 1

    def test_the_settings_of_the_lms_stand_in(self) -> None:
        of_lms = {SETTINGS[name]: value for name, value in self.GOOD.items() if SETTINGS[name]}
        assert self.errors(LEARNING_PATHS_LICENSE_MANAGER_URL="https://license-manager.example.com", **of_lms) == []

    def test_other_backends_need_none(self) -> None:
        assert check_license_services() == []
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND="no.such.backend"):
            assert check_license_services() == []

    def test_the_check_is_registered(self) -> None:
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND=BACKEND):
            assert E_LICENSE_SERVICES in [error.id for error in run_checks()]

    def test_it_is_the_license_backend_of_a_site_that_says_so(self) -> None:
        with override_settings(LEARNING_PATHS_LICENSE_BACKEND=BACKEND):
            assert isinstance(get_license_backend(), LicenseManagerBackend)
