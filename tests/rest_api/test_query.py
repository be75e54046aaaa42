"""What stands in the query of a request is heard, or is an error that names it: on every endpoint there is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import ddt
from django.test import override_settings

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from learning_paths.rest_api.v1.query import heard_by
from tests.rest_api.base import OPEN, RestTestCase, SavepointClient
from tests.rest_api.endpoints import endpoints

BULK = "/api/v1/enrollment/bulk_enroll/"
ENROLLMENTS = (f"/api/v1/learning-path-enrollment/{OPEN}/", f"/api/learning_paths/v1/{OPEN}/enrollments/")


class EverywhereTests(RestTestCase):
    """Each method of each route, with each of its parameters; what is added later is tested as well."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.enroll("ana")
        work = api.prepare_bulk("ana@example.com", [OPEN])
        job = api.draft_bulk_job(work, acting_user=self.people["sam"])
        self.values = {
            "learning_path_key": OPEN,
            "course_key": "course-v1:DemoX+PY101+2026",
            "uuid": str(job.uuid),
            "pk": str(self.open.pk),
        }
        self.act_as("sam")

    def ask(self, endpoint: Any, *query: tuple[str, str]) -> Any:
        return getattr(self.client, endpoint.method)(f"{endpoint.address(self.values)}?{urlencode(query)}")

    def test_there_are_endpoints(self) -> None:
        assert len(endpoints()) > 20
        assert sum(bool(heard_by(endpoint.view)) for endpoint in endpoints()) > 12

    def test_an_unknown_parameter(self) -> None:
        for endpoint in endpoints():
            with self.subTest(str(endpoint)):
                answer = self.assert_json(self.ask(endpoint, ("usrname", "ben"), ("x" * 5000, "")), 400)
                assert list(answer) == ["usrname", "x" * 100]
                for name in heard_by(endpoint.view):
                    assert name in answer["usrname"][0]

    def test_a_parameter_that_is_given_twice_or_left_blank(self) -> None:
        for endpoint in endpoints():
            for name in sorted(heard_by(endpoint.view)):
                for query in ([(name, "1"), (name, "1")], [(name, "")], [(name, " ")]):
                    with self.subTest(f"{endpoint} {query}"):
                        assert list(self.assert_json(self.ask(endpoint, *query), 400)) == [name]

    def test_what_is_described_is_what_is_heard(self) -> None:
        described = self.client.get(
            "/api/learning_paths/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json"
        ).json()
        for endpoint in endpoints():
            route = endpoint.address({name: f"{{{name}}}" for name in endpoint.arguments})
            found = [path for path in described["paths"] if path.rstrip("/") == _unquoted(route).rstrip("/")]
            [path] = [each for each in found if endpoint.method in described["paths"][each]] or [None]
            if path is None:
                path = next(each for each in described["paths"] if _alike(each, _unquoted(route)))
            parameters = described["paths"][path][endpoint.method].get("parameters", [])
            with self.subTest(str(endpoint)):
                assert {each["name"] for each in parameters if each["in"] == "query"} == heard_by(endpoint.view)

    def test_what_gets_past_caches(self) -> None:
        for endpoint in endpoints():
            with self.subTest(str(endpoint)):
                if endpoint.method == "get":
                    response = self.ask(endpoint, ("_", "1732627200"))
                    # A 400 is that of a parameter that must be given.
                    assert response.status_code in (200, 404) or "_" not in self.assert_json(response, 400)

    def test_who_may_not_is_told_that_first(self) -> None:
        for endpoint in endpoints():
            with self.subTest(str(endpoint)):
                self.act_as(None)
                self.assert_json(self.ask(endpoint, ("usrname", "ben")), 401)
        self.act_as("ana")
        self.assert_json(self.client.delete(f"{ENROLLMENTS[0]}?usrname=ben"), 403)

    def test_other_methods(self) -> None:
        for endpoint in endpoints():
            with self.subTest(str(endpoint)):
                self.assert_json(self.client.patch(f"{endpoint.address(self.values)}?usrname=ben"), 405)

    def test_options(self) -> None:
        assert self.client.options("/api/v1/enrollment/?usrname=ben").status_code == 200


def _unquoted(route: str) -> str:
    return route.replace("%7B", "{").replace("%7D", "}")


def _alike(path: str, route: str) -> bool:
    one, two = path.strip("/").split("/"), route.strip("/").split("/")
    return len(one) == len(two) and all(a == b or (a[0] == b[0] == "{") for a, b in zip(one, two, strict=True))


@ddt.ddt
class BodyTests(RestTestCase):
    """Where something belongs into the body, and what of the body is heard."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")

    @ddt.data("post", "delete")
    def test_a_bulk_request_in_the_address(self, method: str) -> None:
        query = urlencode({"learning_paths": OPEN, "emails": "ana@example.com"})
        answer = self.assert_json(getattr(self.client, method)(f"{BULK}?{query}"), 400)
        assert set(answer) == {"learning_paths", "emails"}
        assert all(words[0].startswith("Give this in the body of the request.") for words in answer.values())

    @ddt.data(*ENROLLMENTS)
    def test_a_misspelled_field_enrolls_nobody(self, url: str) -> None:
        for body in ({"usrname": "ben"}, {"username": "ben", "learning_path": "x"}):
            for method in ("post", "delete"):
                for form in ("json", "multipart"):
                    answer = self.assert_json(getattr(self.client, method)(url, body, format=form), 400)
                    assert list(answer) == [next(name for name in body if name != "username")]
        assert not LearningPathEnrollment.objects.exists()

    @ddt.data(*ENROLLMENTS)
    def test_a_form_that_names_two_learners(self, url: str) -> None:
        for name in ("ana", "ben"):
            answer = self.client.post(url, {"username": ["ben", name]}, format="multipart")
            assert list(self.assert_json(answer, 400)) == ["username"]
        assert not LearningPathEnrollment.objects.exists()

    def test_a_form_that_says_two_things(self) -> None:
        body: dict[str, Any] = {"learning_paths": [OPEN, OPEN], "emails": ["ana@example.com", "ben@example.com"]}
        answer = self.client.post(BULK, {**body, "dry_run": ["true", "false"]}, format="multipart")
        assert list(self.assert_json(answer, 400)) == ["dry_run"]
        self.assert_json(self.client.post(BULK, {**body, "dry_run": "false"}, format="multipart"), 201)

    @ddt.data(*ENROLLMENTS)
    def test_a_client_without_a_body(self, url: str) -> None:
        """As the micro-frontend enrolls."""
        self.act_as("ben")
        self.assert_json(self.client.post(url), 201)

    @ddt.data("/api/learning_paths/v1/programs/", "/api/learning_paths/v1/learning-paths/")
    def test_as_course_discovery_asks(self, url: str) -> None:
        self.assert_json(self.client.get(f"{url}?page=1&page_size=50"), 200)


class BrowsableTests(RestTestCase):
    """The page of a list that DRF shows to browsers, where a site has it."""

    def test_it_has_no_form_that_sends_blank_filters(self) -> None:
        self.act_as("sam")
        response = self.client.get("/api/v1/enrollment/?format=api", HTTP_ACCEPT="text/html")
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/html")
        assert b'name="username"' not in response.content

    @override_settings(REST_FRAMEWORK={"URL_FORMAT_OVERRIDE": None})
    def test_where_the_address_does_not_choose_the_form(self) -> None:
        self.act_as("sam")
        assert list(self.assert_json(self.client.get("/api/v1/enrollment/?format=json"), 400)) == ["format"]
