"""The numbers and the chart at the top of a path's page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import ddt
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from learning_paths import api
from learning_paths.admin.path_overview import Overview, overview_of
from learning_paths.models import LearningPath, LearningPathEnrollment
from tests.admin.base import AdminTestCase, admin_url
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path, make_user

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
NUMBERS = {"Active learners": "active", "Pending invitations": "pending", "Enrolled this month": "this_month"}


class OverviewTestCase(AdminTestCase):
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path(display_name="Data Science")

    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch("learning_paths.admin.path_overview.timezone.now", return_value=NOW)
        patch.start()
        self.addCleanup(patch.stop)

    def enroll(
        self, username: str, moment: datetime, *, is_active: bool = True, path: LearningPath | None = None
    ) -> User:
        learner = make_user(username)
        api.enroll(learner, path or self.path, acting_user=None)
        enrolled = LearningPathEnrollment.objects.filter(user=learner)
        enrolled.update(enrolled_at=moment, is_active=is_active)
        return learner

    def overview(self) -> Overview:
        return overview_of(self.path, site="admin", link_invitations=True)

    def counts(self) -> dict[str, int]:
        """Return the months that have learners."""
        return {month.name: month.count for month in self.overview().months if month.count}

    def page(self) -> Any:
        return self.client.get(admin_url("learningpath", "change", self.path.pk))


@ddt.ddt
class NumbersTest(OverviewTestCase):
    def test_learners_are_counted_by_state_and_by_month(self) -> None:
        self.enroll("ana", NOW)
        self.enroll("ben", NOW - timedelta(days=40))
        self.enroll("chloe", NOW, is_active=False)
        self.enroll("dan", NOW, path=make_path("path-v1:DemoX+WEB+2026"))
        for name in ("eve", "finn", "gus"):
            api.invite(f"{name}@example.org", self.path, acting_user=None)
        api.withdraw_invitation("gus@example.org", self.path, acting_user=None)
        overview = self.overview()
        assert (overview.active, overview.pending, overview.this_month) == (2, 2, 2)
        assert self.counts() == {"February 2026": 1, "March 2026": 2}

    def test_the_year_ends_with_this_month(self) -> None:
        names = [month.name for month in self.overview().months]
        assert (len(names), names[0], names[9], names[-1]) == (12, "April 2025", "January 2026", "March 2026")

    @ddt.data(
        ("2025-03-31T23:59:59.999999+00:00", {}),
        ("2025-04-01T00:00:00+00:00", {"April 2025": 1}),
        ("2025-12-31T23:59:59.999999+00:00", {"December 2025": 1}),
        ("2026-01-01T00:00:00+00:00", {"January 2026": 1}),
        ("2026-03-31T23:59:59.999999+00:00", {"March 2026": 1}),
        ("2026-04-01T00:00:00+00:00", {}),
        ("2030-03-01T00:00:00+00:00", {}),
    )
    @ddt.unpack
    def test_a_month_ends_where_the_next_one_begins(self, moment: str, counts: dict[str, int]) -> None:
        self.enroll("ana", datetime.fromisoformat(moment))
        assert self.counts() == counts

    @ddt.data("UTC", "America/New_York", "Asia/Tokyo")
    def test_months_are_those_of_utc_wherever_the_site_is(self, zone: str) -> None:
        self.enroll("ana", datetime(2026, 2, 28, 23, 30, tzinfo=UTC))
        self.enroll("ben", datetime(2026, 3, 1, 0, 30, tzinfo=UTC))
        with self.settings(TIME_ZONE=zone), timezone.override(zone):
            assert self.counts() == {"February 2026": 1, "March 2026": 1}

    def test_who_comes_back_counts_once_and_then(self) -> None:
        ana = self.enroll("ana", NOW - timedelta(days=40), is_active=False)
        assert self.counts() == {"February 2026": 1}
        api.enroll(ana, self.path, acting_user=None)
        LearningPathEnrollment.objects.update(enrolled_at=NOW)
        assert self.counts() == {"March 2026": 1}

    def test_three_queries_whatever_there_is(self) -> None:
        with self.assertNumQueries(3):
            self.overview()
        for number in range(20):
            self.enroll(f"learner{number}", NOW - timedelta(days=15 * number))
        with self.assertNumQueries(3):
            self.overview()

    def test_no_time_zone_is_converted_by_the_database(self) -> None:
        """MySQL answers null unless its time zone tables are loaded."""
        with CaptureQueriesContext(connection) as queries:
            self.counts()
        assert not [found["sql"] for found in queries if "CONVERT_TZ" in found["sql"] or "New_York" in found["sql"]]

    def test_each_number_leads_to_the_rows_that_it_counts(self) -> None:
        self.enroll("ana", NOW)
        self.enroll("ben", datetime(2026, 2, 1, tzinfo=UTC))
        self.enroll("chloe", datetime(2026, 3, 1, tzinfo=UTC), is_active=False)
        self.enroll("dan", NOW, path=make_path("path-v1:DemoX+WEB+2026"))
        api.invite("eve@example.org", self.path, acting_user=None)
        api.invite("finn@example.org", self.path, acting_user=None)
        api.withdraw_invitation("finn@example.org", self.path, acting_user=None)
        overview = self.overview()
        pages = [(month.address, month.count) for month in overview.months]
        pages += [(getattr(overview, f"{name}_address"), getattr(overview, name)) for name in NUMBERS.values()]
        for address, count in pages:
            assert len(self.client.get(address).context["cl"].result_list) == count, address


@ddt.ddt
class ChartTest(OverviewTestCase):
    def bars(self) -> list[dict[str, str]]:
        html = self.page().content.decode()
        return [dict(re.findall(r'(\w+)="([\d.]+)%?"', tag)) for tag in re.findall(r"<rect[^>]*>", html)]

    def test_bars_stand_in_proportion_on_one_ground(self) -> None:
        for number in range(4):
            self.enroll(f"learner{number}", NOW)
        self.enroll("ana", NOW - timedelta(days=40))
        bars = self.bars()
        heights = [float(bar["height"]) for bar in bars]
        assert heights == [0.0] * 10 + [26.25, 105.0]
        assert {float(bar["y"]) + float(bar["height"]) for bar in bars} == {125.0}
        places = [float(bar["x"]) for bar in bars]
        assert places == sorted(places)
        assert places[-1] + float(bars[-1]["width"]) < 100

    @ddt.data(NOW - timedelta(days=800), NOW + timedelta(days=800))
    def test_what_is_beyond_the_year_does_not_press_it_down(self, moment: datetime) -> None:
        self.enroll("ana", NOW)
        for number in range(4):
            self.enroll(f"learner{number}", moment)
        assert self.bars()[-1]["height"] == "105.00"

    def test_it_is_told_in_words_too(self) -> None:
        self.enroll("ana", NOW)
        self.enroll("ben", NOW)
        self.enroll("chloe", NOW - timedelta(days=40))
        page = self.page()
        self.assertContains(page, '<svg role="img" aria-labelledby="path-overview-title path-overview-summary"')
        self.assertContains(page, '<title id="path-overview-title">Enrollments by month</title>', html=True)
        summary = "From April 2025 to March 2026: 3 in all, most of them in March 2026 (2)."
        self.assertContains(page, f'<desc id="path-overview-summary">{summary}</desc>', html=True)
        self.assertContains(page, '<th scope="row">February 2026</th>')
        self.assertContains(page, "<title>March 2026: 2</title>")
        self.assertContains(page, '<tr><th scope="row">', count=12)

    def test_a_path_without_learners_has_a_flat_chart(self) -> None:
        assert {bar["height"] for bar in self.bars()} == {"0.00"}
        self.assertContains(self.page(), "From April 2025 to March 2026 nobody enrolled.")

    def test_nothing_in_it_needs_a_lax_content_security_policy(self) -> None:
        html = self.page().content.decode()
        (part,) = re.findall(r'<section class="module path-overview".*?</section>', html, re.DOTALL)
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", part)
        assert re.search(r'<link href="/static/learning_paths/admin/overview.css"[^>]*rel="stylesheet">', html)

    def test_a_locale_puts_no_comma_into_a_position(self) -> None:
        self.enroll("ana", NOW)
        self.enroll("ben", NOW)
        self.enroll("chloe", NOW - timedelta(days=40))
        english = self.bars()
        with self.settings(LANGUAGE_CODE="de", USE_THOUSAND_SEPARATOR=True), translation.override("de"):
            assert self.bars() == english
            assert self.overview().months[-1].name == "März 2026"

    def test_large_numbers_are_grouped_as_the_locale_has_them(self) -> None:
        with (
            mock.patch("learning_paths.admin.path_overview.Count", side_effect=_twelve_thousand),
            self.settings(USE_THOUSAND_SEPARATOR=True),
        ):
            self.enroll("ana", NOW)
            page = self.page()
        self.assertContains(page, ">12,345</text>")
        self.assertContains(page, "12,345 in all")


def _twelve_thousand(name: str) -> Any:
    from django.db.models import Count, Value

    return Count(name) * Value(12345)


class OverviewPermissionTest(OverviewTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enroll("ana", NOW)
        api.invite("eve@example.org", self.path, acting_user=None)

    def test_who_may_see_enrollments_sees_it(self) -> None:
        self.log_in_with("view_learningpath", "view_learningpathenrollment")
        page = self.page()
        for name in NUMBERS:
            self.assertContains(page, name)
        self.assertContains(page, "learningpathenrollment/?learning_path__id__exact")
        self.assertNotContains(page, "learningpathenrollmentallowed/")
        assert page.context["overview"].pending == 1

    def test_who_may_see_invitations_is_led_there(self) -> None:
        self.log_in_with("view_learningpath", "change_learningpathenrollment", "change_learningpathenrollmentallowed")
        self.assertContains(self.page(), "learningpathenrollmentallowed/?learning_path__id__exact")

    def test_who_may_not_sees_none_of_it_and_costs_no_query(self) -> None:
        self.log_in_with("view_learningpath", "view_learningpathenrollmentallowed")
        with CaptureQueriesContext(connection) as queries:
            page = self.page()
        self.assertNotContains(page, "path-overview-")
        table = LearningPathEnrollment._meta.db_table
        assert not [found for found in queries if f"{table}`" in found["sql"] or f'{table}"' in found["sql"]]

    def test_a_path_that_is_not_there_yet_has_none(self) -> None:
        self.assertNotContains(self.client.get(admin_url("learningpath", "add")), "path-overview-")

    def test_a_form_with_an_error_shows_it_too(self) -> None:
        page = self.client.post(admin_url("learningpath", "change", self.path.pk), path_form(display_name=""))
        self.assertContains(page, "Please correct the error below.")
        self.assertContains(page, "Active learners")

    def test_the_name_of_a_path_is_text(self) -> None:
        self.path.display_name = "<b>Bold</b>"
        self.path.save()
        self.assertNotContains(self.page(), "<b>Bold")
