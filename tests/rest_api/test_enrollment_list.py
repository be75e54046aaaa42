"""``/api/v1/enrollment/``: whose enrollments, in which order, narrowed by what."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import ddt
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from tests.factories import make_path, make_user
from tests.rest_api.base import OPEN, RestTestCase, as_json

URL = "/api/v1/enrollment/"


@ddt.ddt
class EnrollmentListTests(RestTestCase):
    """Ana is in the open path, Ben left it and is in another organization's."""

    def setUp(self) -> None:
        super().setUp()
        self.other_org = make_path("path-v1:Other_X+P1+2026")
        self.ana = self.enroll("ana")
        self.ben = self.enroll("ben", active=False)
        api.enroll(self.people["ben"], self.other_org, acting_user=None)
        self.bens_other = LearningPathEnrollment.objects.get(learning_path=self.other_org)

    def results(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.assert_json(self.client.get(URL + query), 200)
        assert set(answer) == {"next", "previous", "results"}
        results: list[dict[str, Any]] = answer["results"]
        return results

    def test_anonymous(self) -> None:
        self.assert_json(self.client.get(URL), 401)

    @ddt.data("post", "put", "patch", "delete")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        self.assert_json(getattr(self.client, method)(URL), 405)

    def test_learners_get_their_own_newest_first_active_or_not(self) -> None:
        self.act_as("ben")
        assert self.results() == [as_json(self.bens_other), as_json(self.ben)]
        self.act_as("ida")
        assert self.results() == []

    @ddt.data("sam", "una")
    def test_staff_get_everyones(self, staff: str) -> None:
        self.act_as(staff)
        assert self.results() == [as_json(self.bens_other), as_json(self.ben), as_json(self.ana)]

    def test_staff_whose_account_is_not_active_get_their_own(self) -> None:
        self.people["ida"].is_staff = True
        self.act_as("ida")
        assert self.results() == []

    def test_with_and_without_a_trailing_slash(self) -> None:
        self.act_as("ana")
        assert self.assert_json(self.client.get(URL.rstrip("/")), 200) == self.assert_json(self.client.get(URL), 200)

    @ddt.data(
        ("learning_path=" + quote(OPEN), "ben ana"),
        ("learning_path=" + quote("path-v1:DemoX+NONE+2026"), ""),
        ("username=ana", "ana"),
        ("username=nobody", ""),
        ("is_active=true", "bens_other ana"),
        ("is_active=false", "ben"),
        ("org=DemoX", "ben ana"),
        ("org=demox", "ben ana"),
        ("org=Other_X", "bens_other"),
        ("org=OtherYX", ""),
        ("org=Demo", ""),
        ("username=ben&is_active=true&org=Other_X", "bens_other"),
        ("is_active=True", "bens_other ana"),
        ("is_active=1", "bens_other ana"),
        ("is_active=False", "ben"),
        ("is_active=0", "ben"),
    )
    @ddt.unpack
    def test_filters(self, query: str, expected: str) -> None:
        self.act_as("sam")
        assert self.results(f"?{query}") == [as_json(getattr(self, name)) for name in expected.split()]

    def test_filters_by_time(self) -> None:
        self.act_as("sam")
        long_ago = timezone.now() - timedelta(days=100)
        LearningPathEnrollment.objects.filter(pk=self.ana.pk).update(enrolled_at=long_ago)
        self.ana.refresh_from_db()
        day_before, day_after = (quote((long_ago + timedelta(days=days)).isoformat()) for days in (-1, 1))
        exactly = quote(long_ago.isoformat())
        assert len(self.results(f"?enrolled_after={day_before}")) == 3
        assert len(self.results(f"?enrolled_after={day_after}")) == 2
        assert len(self.results(f"?enrolled_after={exactly}")) == 3
        assert self.results(f"?enrolled_before={exactly}") == []
        assert self.results(f"?enrolled_before={day_after}") == [as_json(self.ana)]
        assert self.results(f"?enrolled_after={day_before}&enrolled_before={day_after}") == [as_json(self.ana)]
        assert self.results("?enrolled_before=2000-01-01") == []

    def test_a_learner_may_name_themselves_and_nobody_else(self) -> None:
        self.act_as("ben")
        assert len(self.results("?username=ben")) == 2
        answers = [self.assert_json(self.client.get(f"{URL}?username={name}"), 403) for name in ("ana", "nobody")]
        assert answers[0] == answers[1]

    @ddt.data(
        "learning_path=nonsense",
        "learning_path=path-v1:DemoX",
        "learning_path=%00",
        "username=%00",
        "username=" + "x" * 151,
        "is_active=perhaps",
        "is_active=2",
        "is_active=TRUE",
        "enrolled_after=yesterday",
        "enrolled_after=2026-13-01",
        "enrolled_after=0001-01-01T00:00:00%2B14:00",
        "enrolled_before=9999-12-31T23:59:59-14:00",
        "enrolled_before=%00",
        "org=Demo%2BX",
        "org=DemoX%2BDS101",
        "org=%00",
        "cursor=nonsense",
        "cursor=%00",
        "cursor=" + quote(b64encode(b"p=abc").decode()),
        "cursor=" + quote(b64encode(b"p=99999999999999999999999").decode()),
        "cursor=" + quote(b64encode(b"p=-1").decode()),
        "cursor=" + quote(b64encode(b"p=1&o=x").decode()),
        "cursor=" + quote(b64encode("p=²".encode()).decode()),
        "page_size=0",
        "page_size=-1",
        "page_size=many",
        "page_size=²",
        "page_size=" + "9" * 5000,
        "cursor=" + quote(b64encode(b"p=" + b"9" * 5000).decode()),
    )
    def test_a_value_that_makes_no_sense(self, query: str) -> None:
        self.act_as("sam")
        answer = self.assert_json(self.client.get(f"{URL}?{query}"), 400)
        assert list(answer) == [query.partition("=")[0]]

    def test_pages_forth_and_back(self) -> None:
        self.act_as("sam")
        first = self.assert_json(self.client.get(f"{URL}?page_size=2"), 200)
        assert first["results"] == [as_json(self.bens_other), as_json(self.ben)]
        assert first["previous"] is None
        # Somebody enrolls meanwhile; no row is shown twice for that.
        self.enroll("ida")
        second = self.assert_json(self.client.get(first["next"]), 200)
        assert second["results"] == [as_json(self.ana)]
        assert second["next"] is None
        assert self.assert_json(self.client.get(second["previous"]), 200)["results"] == first["results"]

    def test_a_page_is_never_larger_than_the_maximum(self) -> None:
        self.act_as("sam")
        assert len(self.results("?page_size=999999")) == 3

    @ddt.data("sam", "ana")
    def test_number_of_queries_does_not_grow(self, name: str) -> None:
        self.act_as(name)
        with CaptureQueriesContext(
            connection,
        ) as few:
            self.results("?page_size=1000&org=DemoX&is_active=true")
        for number in range(60):
            api.enroll(make_user(f"learner{number}"), self.open, acting_user=None)
            api.enroll(self.people["ana"], make_path(f"path-v1:DemoX+N{number}+2026"), acting_user=None)
        with CaptureQueriesContext(connection) as many:
            assert len(self.results("?page_size=1000&org=DemoX&is_active=true")) > 60
        assert (
            len(few) == len(many) == 6
        )  # a savepoint set and released, the paths of the org, the page, its usernames and keys
