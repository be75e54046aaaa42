"""The OpenAPI schema, and what the host's defaults may not change."""

from __future__ import annotations

import json
from typing import Any

import ddt
from django.test import TestCase
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from tests.factories import make_user


def stated(operation: dict[str, Any]) -> set[str]:
    """Return the statuses that the view states itself, rather than those that all views have in common."""
    return {status for status, answer in operation["responses"].items() if "$ref" not in answer}


@ddt.ddt
class SchemaTests(TestCase):
    """drf-spectacular is used as a library: the host neither installs nor configures it."""

    def schema(self) -> dict[str, Any]:
        response = self.client.get("/api/learning_paths/schema/?format=json")
        assert response.status_code == 200
        schema: dict[str, Any] = json.loads(response.content)
        return schema

    def test_it_is_valid_and_describes_the_plugin_and_nothing_else(self) -> None:
        schema = self.schema()
        validate_schema(schema)
        assert set(schema["paths"]) == {
            "/api/learning_paths/v1/learning-paths/",
            "/api/learning_paths/v1/learning-paths/{learning_path_key}/",
            "/api/learning_paths/v1/programs/",
            "/api/learning_paths/v1/programs/{id}/",
            "/api/learning_paths/v1/{learning_path_key}/grade/",
            "/api/learning_paths/v1/{learning_path_key}/progress/",
            "/api/learning_paths/v1/enrollments/",
            "/api/learning_paths/v1/enrollments/bulk-enroll/",
            "/api/learning_paths/v1/{learning_path_key}/enrollments/",
            "/api/learning_paths/v1/{learning_path_key}/enrollments/{course_key}/",
            "/api/v1/bulk-enrollment-jobs/",
            "/api/v1/bulk-enrollment-jobs/{uuid}/",
            "/api/v1/bulk-enrollment-jobs/{uuid}/cancel/",
            "/api/v1/bulk-enrollment-jobs/{uuid}/confirm/",
            "/api/v1/bulk-enrollment-jobs/{uuid}/results.csv/",
            "/api/v1/bulk-license-enrollment/",
            "/api/v1/enroll_learners_in_courses/",
            "/api/v1/enrollment/",
            "/api/v1/enrollment/bulk_enroll/",
            "/api/v1/learning-path-enrollment/{learning_path_key}/",
        }
        assert schema["info"]["title"] == "Learning paths"

    def test_it_gives_each_answer_of_the_contract(self) -> None:
        paths = self.schema()["paths"]
        one = paths["/api/v1/learning-path-enrollment/{learning_path_key}/"]
        assert stated(one["get"]) == {"200", "403", "404"}
        assert stated(one["post"]) == {"200", "201", "403", "404", "409"}
        assert stated(one["delete"]) == {"204", "403", "404"}
        bulk = paths["/api/v1/enrollment/bulk_enroll/"]
        assert stated(bulk["post"]) == {"200", "201", "202", "400", "403", "404", "409", "413", "507"}
        assert stated(bulk["delete"]) == {"200", "202", "400", "403", "404", "409", "413", "507"}
        jobs = "/api/v1/bulk-enrollment-jobs/"
        assert stated(paths[jobs]["get"]) == {"200", "403"}
        for action, method, expected in (
            ("", "get", {"200", "403", "404"}),
            ("results.csv/", "get", {"200", "403", "404"}),
            ("confirm/", "post", {"202", "400", "403", "404", "409"}),
            ("cancel/", "post", {"200", "403", "404", "409"}),
        ):
            assert stated(paths[f"{jobs}{{uuid}}/{action}"][method]) == expected
        assert {parameter["name"] for parameter in paths[jobs]["get"]["parameters"]} == {
            "author",
            "cursor",
            "operation",
            "page_size",
            "state",
        }
        assert {parameter["name"] for parameter in paths["/api/v1/enrollment/"]["get"]["parameters"]} == {
            "cursor",
            "enrolled_after",
            "enrolled_before",
            "is_active",
            "learning_path",
            "org",
            "page_size",
            "username",
        }

    def test_it_describes_the_catalog(self) -> None:
        schema = self.schema()
        base = "/api/learning_paths/v1/"
        listed = schema["paths"][f"{base}learning-paths/"]["get"]
        assert {parameter["name"] for parameter in listed["parameters"]} == {
            "enrolled",
            "level",
            "org",
            "page",
            "page_size",
            "required_skill",
            "search",
            "skill",
        }
        for url in ("learning-paths/{learning_path_key}/", "programs/{id}/"):
            assert stated(schema["paths"][base + url]["get"]) == {"200", "404"}
        for url in ("progress", "grade"):
            described = schema["paths"][f"{base}{{learning_path_key}}/{url}/"]["get"]
            assert stated(described) == {"200", "403", "404"}
        components = schema["components"]["schemas"]
        assert set(components["PaginatedCatalogPathList"]["required"]) == {"count", "next", "previous", "results"}
        assert components["Step"]["properties"]["course_dates"]["type"] == "array"

    @ddt.data(
        ("enrollments/", "get", {"200", "403"}),
        ("enrollments/bulk-enroll/", "post", {"201", "400", "403"}),
        ("enrollments/bulk-enroll/", "delete", {"200", "204", "400", "403"}),
        ("{learning_path_key}/enrollments/", "get", {"200", "403", "404"}),
        ("{learning_path_key}/enrollments/", "post", {"200", "201", "403", "404", "409"}),
        ("{learning_path_key}/enrollments/", "delete", {"204", "403", "404"}),
        ("{learning_path_key}/enrollments/{course_key}/", "post", {"201", "400", "403", "404"}),
    )
    @ddt.unpack
    def test_it_gives_each_answer_of_the_enrollment_routes_of_0_5_0(
        self, route: str, method: str, expected: set[str]
    ) -> None:
        operation = self.schema()["paths"][f"/api/learning_paths/v1/{route}"][method]
        assert stated(operation) == expected

    @ddt.data("enrollments/", "{learning_path_key}/enrollments/")
    def test_the_lists_of_0_5_0_have_no_pages(self, route: str) -> None:
        schema = self.schema()
        operation = schema["paths"][f"/api/learning_paths/v1/{route}"]["get"]
        assert operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "array"
        assert "page_size" not in {parameter["name"] for parameter in operation["parameters"]}
        assert set(schema["components"]["schemas"]["EnrollmentWithIds"]["properties"]) == {
            "user",
            "learning_path",
            "is_active",
            "created",
        }

    def test_the_example_of_a_job_is_what_a_job_looks_like(self) -> None:
        schema = self.schema()
        accepted = schema["paths"]["/api/v1/enrollment/bulk_enroll/"]["post"]["responses"]["202"]
        (example,) = accepted["content"]["application/json"]["examples"].values()
        described = schema["components"]["schemas"]
        assert set(example["value"]["job"]) == set(described["BulkJob"]["properties"])
        assert set(example["value"]["job"]["counts"]) == set(described["BulkJobCounts"]["properties"])
        assert set(accepted["headers"]) == {"Location"}

    def test_without_a_trailing_slash_and_as_yaml(self) -> None:
        response = self.client.get("/api/learning_paths/schema")
        assert response.status_code == 200
        assert response.content.startswith(b"openapi: 3.")

    def test_it_is_made_without_a_warning(self) -> None:
        from drf_spectacular.drainage import GENERATOR_STATS

        GENERATOR_STATS.reset()
        with GENERATOR_STATS.silence():
            self.schema()
        assert not GENERATOR_STATS._warn_cache
        assert not GENERATOR_STATS._error_cache

    def test_a_host_whose_first_authentication_names_no_challenge_still_answers_401(self) -> None:
        from rest_framework.authentication import SessionAuthentication

        from learning_paths.rest_api.v1.views import EnrollmentViewSet

        with self.subTest("anonymous"):
            original = EnrollmentViewSet.authentication_classes
            self.addCleanup(setattr, EnrollmentViewSet, "authentication_classes", original)
            EnrollmentViewSet.authentication_classes = [SessionAuthentication]
            assert APIClient().get("/api/v1/enrollment/").status_code == 401

    def test_an_account_that_is_not_active_gets_in_with_a_jwt(self) -> None:
        from django.conf import settings
        from edx_rest_framework_extensions.auth.jwt.tests.utils import (
            generate_jwt_token,
            generate_latest_version_payload,
        )

        ida = make_user("ida", is_active=False)
        issuer = settings.JWT_AUTH["JWT_ISSUERS"][0]
        payload = generate_latest_version_payload(ida)
        payload.update(iss=issuer["ISSUER"], aud=issuer["AUDIENCE"])
        token = generate_jwt_token(payload, issuer["SECRET_KEY"])
        client = APIClient(headers={"Authorization": f"JWT {token}"})
        response = client.get("/api/v1/enrollment/")
        assert response.status_code == 200, response.content
        assert APIClient(headers={"Authorization": "JWT nonsense"}).get("/api/v1/enrollment/").status_code == 401
