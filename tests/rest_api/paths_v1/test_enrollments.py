"""``/api/learning_paths/v1/enrollments/``: a plain list with ids, as 0.5.0 was seen to answer, however long it is."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock
from urllib.parse import quote

import ddt
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from learning_paths.rest_api.paths_v1 import enrollment_serializers
from tests.factories import make_path, make_user
from tests.rest_api.base import OPEN, Cast, CommittingTestCase, RestTestCase
from tests.rest_api.paths_v1.base import ROOT, with_ids

URL = f"{ROOT}/enrollments/"


@ddt.ddt
class EnrollmentsTests(RestTestCase):
    """Ana is in the open path, Ben left it and is in another organization's."""

    def setUp(self) -> None:
        super().setUp()
        self.ana = self.enroll("ana")
        self.ben = self.enroll("ben", active=False)
        api.enroll(self.people["ben"], make_path("path-v1:OtherX+P1+2026"), acting_user=None)
        self.bens_other = LearningPathEnrollment.objects.latest("pk")

    def results(self, query: str = "") -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.assert_json(self.client.get(URL + query), 200)
        return results

    def test_anonymous(self) -> None:
        self.assert_json(self.client.get(URL), 401)

    @ddt.data("post", "put", "patch", "delete")
    def test_other_methods(self, method: str) -> None:
        self.act_as("sam")
        self.assert_json(getattr(self.client, method)(URL), 405)

    def test_learners_get_their_own_active_or_not_oldest_first(self) -> None:
        self.act_as("ben")
        assert self.results() == [with_ids(self.ben), with_ids(self.bens_other)]
        self.act_as("ida")
        assert self.results() == []

    @ddt.data("sam", "una")
    def test_staff_get_everyones(self, staff: str) -> None:
        self.act_as(staff)
        assert self.results() == [with_ids(self.ana), with_ids(self.ben), with_ids(self.bens_other)]

    def test_staff_whose_account_is_not_active_get_their_own(self) -> None:
        self.people["ida"].is_staff = True
        self.act_as("ida")
        assert self.results() == []

    def test_without_a_trailing_slash(self) -> None:
        self.act_as("ana")
        assert self.assert_json(self.client.get(URL.rstrip("/")), 200) == [with_ids(self.ana)]

    @ddt.data(
        ("username=ben", "ben bens_other"),
        ("is_active=false", "ben"),
        ("learning_path=" + quote(OPEN), "ana ben"),
        ("org=OtherX", "bens_other"),
    )
    @ddt.unpack
    def test_it_takes_the_filters_of_the_other_list(self, query: str, expected: str) -> None:
        self.act_as("sam")
        assert self.results(f"?{query}") == [with_ids(getattr(self, name)) for name in expected.split()]

    def test_a_filter_that_makes_no_sense_or_names_another(self) -> None:
        self.act_as("ana")
        self.assert_json(self.client.get(f"{URL}?is_active=perhaps"), 400)
        self.assert_json(self.client.get(f"{URL}?username=%00"), 400)
        self.assert_json(self.client.get(f"{URL}?username=ben"), 403)

    def test_one_query_however_many(self) -> None:
        self.act_as("sam")
        with CaptureQueriesContext(connection) as few:
            self.results()
        for number in range(60):
            api.enroll(make_user(f"learner{number}"), self.open, acting_user=None)
        with CaptureQueriesContext(connection) as many:
            assert len(self.results()) == 63
        assert len(few) == len(many) == 3  # a savepoint set and released, the list


class SevenLearners(Cast):
    """Seven learners are in the open path, and Sam asks for them."""

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")
        for number in range(7):
            api.enroll(make_user(f"learner{number}"), self.open, acting_user=None)
        self.expected = [with_ids(enrollment) for enrollment in LearningPathEnrollment.objects.order_by("pk")]

    def read_at_once(self, number: int) -> Any:
        return mock.patch.object(enrollment_serializers, "ROWS_AT_ONCE", number)


@ddt.ddt
class LongListTests(SevenLearners, RestTestCase):
    """More than is held at a time."""

    @ddt.data(1, 3, 6, 7)
    def test_it_is_sent_in_pieces_that_make_one_list(self, number: int) -> None:
        for address in (URL, f"{ROOT}/{OPEN}/enrollments/"):
            with self.read_at_once(number):
                response: Any = self.client.get(address)
                assert isinstance(response, StreamingHttpResponse)
                assert (response.status_code, response["Content-Type"]) == (200, "application/json")
                assert json.loads(response.getvalue()) == self.expected

    def test_a_list_that_fits_is_an_ordinary_answer(self) -> None:
        with self.read_at_once(8):
            assert self.assert_json(self.client.get(URL), 200) == self.expected


class LaterTests(SevenLearners, CommittingTestCase):
    """What is sent later is read after the transaction of the request."""

    def test_who_enrolls_meanwhile_is_at_the_end_and_nobody_is_there_twice(self) -> None:
        with self.read_at_once(3):
            response: Any = self.client.get(URL)
            assert not connection.in_atomic_block
            newest = self.enroll("ana")
            with CaptureQueriesContext(connection) as queries:
                sent = json.loads(response.getvalue())
        assert sent == [*self.expected, with_ids(newest)]
        assert len(queries) == 2  # the first three were read before
