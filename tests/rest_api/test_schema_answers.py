"""What the OpenAPI schema says of errors, and that they are what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import mock

import ddt
from django.core.cache import cache
from django.test import SimpleTestCase
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft4Validator
from rest_framework.throttling import UserRateThrottle

from learning_paths.exceptions import LicensesUnavailable
from learning_paths.rest_api.v1.base import PathsViewSet
from tests.rest_api.base import OPEN, RestTestCase, SavepointClient

Described = dict[str, Any]
ERROR, FIELD_ERRORS = "#/components/schemas/Error", "#/components/schemas/FieldErrors"
BULK = "/api/v1/enrollment/bulk_enroll/"


def the_schema() -> Described:
    generator = SchemaGenerator(urlconf="learning_paths.rest_api.urls")
    schema: Described = json.loads(json.dumps(generator.get_schema(request=None, public=True), default=str))
    return schema


class DescribedTestCase(SimpleTestCase):
    """Each test looks at the schema."""

    whole: ClassVar[Described]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.whole = the_schema()

    def operations(self) -> Iterator[tuple[str, str, Described]]:
        for path, methods in self.whole["paths"].items():
            for method, operation in methods.items():
                yield path, method, operation

    def answer(self, path: str, method: str, status: int) -> Described:
        """Return what is said of an answer, wherever that stands."""
        answer: Described = self.whole["paths"][path][method]["responses"][str(status)]
        if "$ref" in answer:
            answer = self.whole["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        return answer

    def body(self, path: str, method: str, status: int) -> Described:
        schema: Described = self.answer(path, method, status)["content"]["application/json"]["schema"]
        return schema

    def assert_conforms(self, path: str, response: Any) -> None:
        """Check that the answer is one that is described, and has the form that is described."""
        method = response.request["REQUEST_METHOD"].lower()
        described = self.answer(path, method, response.status_code)
        for name, header in described.get("headers", {}).items():
            assert not header.get("required") or name in response, name
        schema = {**described["content"]["application/json"]["schema"], "components": self.whole["components"]}
        Draft4Validator(schema).validate(response.json())  # that of OpenAPI 3.0 is a dialect of it


class GeneralTests(DescribedTestCase):
    """Every operation."""

    def test_what_may_be_answered_to_any_request(self) -> None:
        for path, method, operation in self.operations():
            with self.subTest(operation=f"{method} {path}"):
                assert {"401", "429", "503"} <= set(operation["responses"])

    def test_a_key_in_the_address_may_be_unknown(self) -> None:
        for path, method, operation in self.operations():
            with self.subTest(operation=f"{method} {path}"):
                numbered = any(parameter["name"] == "page" for parameter in operation.get("parameters", []))
                assert "404" in operation["responses"] or not ("{" in path or numbered)

    def test_what_is_sent_may_be_wrong(self) -> None:
        for path, method, operation in self.operations():
            with self.subTest(operation=f"{method} {path}"):
                has_query = any(parameter["in"] == "query" for parameter in operation.get("parameters", []))
                assert "400" in operation["responses"] or not (has_query or method != "get")
                assert ("413" in operation["responses"]) == ("requestBody" in operation)

    def test_whatever_only_some_may_do_can_be_refused(self) -> None:
        for path, method, operation in self.operations():
            with self.subTest(operation=f"{method} {path}"):
                assert "403" in operation["responses"] or method == "get"

    def test_every_error_has_a_body_by_the_name_of_a_component(self) -> None:
        for path, method, operation in self.operations():
            for status in filter(lambda status: status >= "400", operation["responses"]):
                with self.subTest(operation=f"{method} {path}", status=status):
                    body = self.body(path, method, int(status))
                    forms = [form["$ref"] for form in body.get("oneOf", [body])]
                    assert ERROR in forms
                    assert (FIELD_ERRORS in forms) == (status == "400")

    def test_every_form_of_an_answer_is_a_component_that_is_there(self) -> None:
        text = json.dumps(self.whole)
        for part in text.split('"$ref": "#/components/')[1:]:
            kind, name = part.partition('"')[0].split("/")
            assert name in self.whole["components"][kind]

    def test_who_is_to_wait_is_told_for_how_long(self) -> None:
        for path, method, _ in self.operations():
            for status in (429, 503):
                assert "Retry-After" in self.answer(path, method, status)["headers"]


@ddt.ddt
class RequestTests(DescribedTestCase):
    """What must be sent."""

    @ddt.data(
        ("BulkRequest", [("emails", "file"), ("learning_paths", "course_run_keys")]),
        ("EnrollLearners", [("enrollments_info", "licenses_info")]),
        ("Entry", [("email", "user_id")]),
        ("LicenseEnrollment", [("emails", "enroll_all"), ("course_run_keys", "learning_paths")]),
    )
    @ddt.unpack
    def test_of_fields_that_stand_for_one_another_one_is_needed(self, name: str, groups: list[tuple[str, ...]]) -> None:
        described = self.whole["components"]["schemas"][name]
        assert described["allOf"] == [{"anyOf": [{"required": [field]} for field in group]} for group in groups]

    @ddt.data("BulkRequest", "EnrollLearners", "LicenseEnrollment")
    def test_other_fields_are_refused(self, name: str) -> None:
        assert self.whole["components"]["schemas"][name]["additionalProperties"] is False

    def test_a_delete_that_takes_a_body_says_so(self) -> None:
        for path in (BULK, "/api/learning_paths/v1/enrollments/bulk-enroll/"):
            methods = self.whole["paths"][path]
            assert (
                methods["delete"]["requestBody"]["content"].keys() == methods["post"]["requestBody"]["content"].keys()
            )
        assert (
            "requestBody" not in self.whole["paths"]["/api/v1/learning-path-enrollment/{learning_path_key}/"]["delete"]
        )


@ddt.ddt
class AnswerTests(DescribedTestCase, RestTestCase):
    """What is answered has the form that the schema says."""

    client_class = SavepointClient

    @ddt.data(
        ({"emails": "ana@example.com"}, "FieldErrors"),
        ({"emails": 1, "learning_paths": OPEN, "what": ""}, "FieldErrors"),
        ({"emails": "nope", "learning_paths": OPEN}, "BulkEnrollAnswer"),
        ({"emails": "ana@example.com", "learning_paths": "path-v1:no"}, "BulkEnrollAnswer"),
        ('{"emails": ', "Error"),
    )
    @ddt.unpack
    def test_the_forms_of_a_bulk_400_are_told_apart(self, body: Any, expected: str) -> None:
        self.act_as("sam")
        text = body if isinstance(body, str) else json.dumps(body)
        response = self.client.post(BULK, text, content_type="application/json")
        assert response.status_code == 400
        self.assert_conforms(BULK, response)
        forms = {form["$ref"].rpartition("/")[2]: form for form in self.body(BULK, "post", 400)["oneOf"]}
        assert set(forms) == {"BulkEnrollAnswer", "FieldErrors", "Error"}
        components = {"components": self.whole["components"]}
        fitting = [
            name for name, form in forms.items() if Draft4Validator({**form, **components}).is_valid(response.json())
        ]
        assert fitting == [expected]

    def test_an_error_in_an_entry_of_a_list(self) -> None:
        self.act_as("sam")
        address = "/api/v1/enroll_learners_in_courses/"
        entries = [{"email": "ana@example.com", "course_run_key": "course-v1:A+B+C"}, {"course_run_key": "nope"}]
        response = self.client.post(address, {"enrollments_info": entries}, format="json")
        assert response.status_code == 400
        self.assert_conforms(address, response)

    @ddt.data(
        (None, "get", "/api/v1/enrollment/", 401),
        ("ana", "get", "/api/v1/bulk-enrollment-jobs/", 403),
        ("ana", "get", "/api/v1/enrollment/?username=ben", 403),
        ("ana", "get", "/api/v1/enrollment/?is_active=x", 400),
        ("ana", "get", "/api/learning_paths/v1/learning-paths/?page=9", 404),
        ("ana", "get", "/api/learning_paths/v1/programs/?page=9", 404),
        ("ana", "get", "/api/learning_paths/v1/learning-paths/?page_size=x", 400),
    )
    @ddt.unpack
    def test_an_error(self, name: str | None, method: str, address: str, status: int) -> None:
        self.act_as(name)
        response = getattr(self.client, method)(address)
        assert response.status_code == status
        self.assert_conforms(address.partition("?")[0], response)

    def test_a_media_type_that_is_not_read_and_one_that_is_not_written(self) -> None:
        self.act_as("sam")
        response = self.client.post(BULK, "x", content_type="text/plain")
        assert response.status_code == 415
        self.assert_conforms(BULK, response)
        response = self.client.get("/api/v1/enrollment/", headers={"accept": "image/png"})
        assert response.status_code == 406
        self.assert_conforms("/api/v1/enrollment/", response)

    def test_a_host_that_throttles(self) -> None:
        class OneAnHour(UserRateThrottle):
            rate = "1/hour"

        cache.clear()
        self.addCleanup(cache.clear)
        self.act_as("ana")
        with mock.patch.object(PathsViewSet, "throttle_classes", [OneAnHour]):
            assert self.client.get("/api/v1/enrollment/").status_code == 200
            response = self.client.get("/api/v1/enrollment/")
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        self.assert_conforms("/api/v1/enrollment/", response)

    def test_a_service_that_is_away(self) -> None:
        self.act_as("sam")
        address = "/api/v1/bulk-license-enrollment/"
        uuid = "8f0e6c0a-6d0b-4f0e-9d55-0c5f1f2b7a11"
        body = {"emails": "ana@example.com", "learning_paths": OPEN}
        with mock.patch("learning_paths.api.license_gate", side_effect=LicensesUnavailable):
            response = self.client.post(f"{address}?subscription_uuid={uuid}", body, format="json")
        assert response.status_code == 503
        assert int(response["Retry-After"]) > 0
        self.assert_conforms(address, response)
