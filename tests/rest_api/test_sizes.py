"""How much a request may hold, what it is told when it holds more, and what an answer holds at most."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import ddt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.test.client import MULTIPART_CONTENT

from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment
from learning_paths.rest_api.v1.base import PathsViewSet
from tests.rest_api.base import OPEN, RestTestCase, SavepointClient
from tests.rest_api.endpoints import endpoints
from tests.tiny_disk import STAND_IN, tiny_disk

URL = "/api/v1/enrollment/bulk_enroll/"
OF_0_5_0 = "/api/learning_paths/v1/enrollments/bulk-enroll/"
PATH = f"/api/v1/learning-path-enrollment/{OPEN}/"
LICENSES = "/api/v1/bulk-license-enrollment/?subscription_uuid=0f4ce14a-3c3a-4b8b-9c4a-1a0ef0f0a3f1"
COURSES = "/api/v1/enroll_learners_in_courses/"
BY_FILE = "Send the addresses as a CSV file in the field “file” of a multipart form, of at most 10.0\xa0MB."


HANDLE = PathsViewSet.handle_exception


class SizeCase(RestTestCase):
    """Requests of Sam of the staff."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")


@ddt.ddt
class RequestTests(SizeCase):
    """What is too much for a request is a 413 that says what to do."""

    def test_a_list_of_120_000_addresses(self) -> None:
        body = {"learning_paths": OPEN, "emails": [f"learner{number:08}@example.com" for number in range(120_000)]}
        for method in ("post", "delete"):
            answer = self.assert_json(getattr(self.client, method)(URL, body, format="json"), 413)
            assert answer["detail"].endswith(BY_FILE)
            assert "2.5\xa0MB" in answer["detail"]
        assert not BulkEnrollmentJob.objects.exists()

    @ddt.data(OF_0_5_0, PATH, LICENSES, COURSES)
    def test_where_no_file_is_taken(self, url: str) -> None:
        body = json.dumps({"emails": "x" * 3_000_000})
        answer = self.assert_json(self.client.post(url, body, content_type="application/json"), 413)
        assert answer["detail"].endswith("Send it in several requests.")

    def test_every_endpoint(self) -> None:
        """Whatever its type is; it is not read, so that nothing has to be sent."""
        values = {"learning_path_key": OPEN, "course_key": "course-v1:a+b+c", "uuid": "x", "pk": "1"}
        for endpoint in [each for each in endpoints() if each.method != "get"]:
            for content_type in ("application/json", "application/x-www-form-urlencoded", MULTIPART_CONTENT, "x/y"):
                for length in (str(2**24), "9" * 5000):
                    with self.subTest(f"{endpoint} {content_type}"):
                        method, address = endpoint.method.upper(), endpoint.address(values)
                        answer = self.client.generic(method, address, "{}", content_type, CONTENT_LENGTH=length)
                        self.assert_json(answer, 413)

    def test_forms(self) -> None:
        emails = " ".join(f"learner{number:08}@example.com" for number in range(120_000))
        body = {"learning_paths": OPEN, "emails": emails}
        answer = self.assert_json(self.client.post(URL, body, format="multipart"), 413)
        assert answer["detail"].endswith(BY_FILE)
        typed = self.client.post(URL, f"emails={emails}", content_type="application/x-www-form-urlencoded")
        assert self.assert_json(typed, 413) == answer

    @override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=5, DATA_UPLOAD_MAX_NUMBER_FILES=1)
    def test_too_many_fields_and_files(self) -> None:
        for body in (
            {"emails": [f"a{number}@x.org" for number in range(9)]},
            {"file": [SimpleUploadedFile(f"{number}.csv", b"x") for number in range(3)]},
        ):
            answer = self.client.post(URL, body, format="multipart")
            assert self.assert_json(answer, 413)["detail"].endswith(BY_FILE)
        form = "&".join(f"emails=a{number}@x.org" for number in range(9))
        self.assert_json(self.client.post(URL, form, content_type="application/x-www-form-urlencoded"), 413)

    @override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None)
    def test_a_site_without_a_limit(self) -> None:
        body = {"learning_paths": OPEN, "emails": "x" * 3_000_000}
        self.assert_json(self.client.post(URL, body, format="json"), 400)
        with override_settings(DATA_UPLOAD_MAX_NUMBER_FIELDS=1):
            self.assert_json(self.client.post(URL, body, format="multipart"), 413)

    def test_a_file_is_taken_that_is_larger_than_what_is_typed(self) -> None:
        lines = "\n".join(["email,note", *(f"learner@example.com,{'x' * 1000}" for _ in range(3_000))])
        body = {"learning_paths": OPEN, "file": SimpleUploadedFile("people.csv", lines.encode())}
        self.assert_json(self.client.post(URL, body, format="multipart"), 201)

    def test_a_file_that_is_too_large(self) -> None:
        body = {"learning_paths": OPEN, "file": SimpleUploadedFile("people.csv", b"x" * (10 * 2**20 + 1))}
        answer = self.assert_json(self.client.post(URL, body, format="multipart"), 400)
        assert answer["file"][0].startswith("The file is too large: at most 10.0\xa0MB.")

    def test_keys_without_end(self) -> None:
        keys = " ".join(f"k{number}" for number in range(100_001))
        self.assert_json(self.client.post(URL, {"learning_paths": keys, "emails": "a@x.org"}, format="json"), 413)

    def test_entries_without_end(self) -> None:
        """They are counted before each of them is looked at, and has an error of its own."""
        answer = self.client.post(COURSES, {"enrollments_info": [{}] * 100_000}, format="json")
        assert len(self.assert_json(answer, 400)["enrollments_info"]) == 1

    def test_a_client_that_went_away(self) -> None:
        for content_type in ("application/json", MULTIPART_CONTENT):
            broken: dict[str, Any] = {"wsgi.input": BrokenStream()}
            answer = self.client.generic("POST", URL, "x" * 9, content_type, **broken)
            self.assert_json(answer, 400)


class BrokenStream(BytesIO):
    """What a server reads from a connection that is gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("Connection reset by peer")


class AnswerTests(SizeCase):
    """At most a hundred things that are invalid are named, with their number."""

    def test_addresses_and_keys(self) -> None:
        body: dict[str, Any] = {
            "learning_paths": [OPEN, *(f"path-{number}" for number in range(150))],
            "course_run_keys": [f"course-{number}" for number in range(120)],
            "emails": ["ana@example.com", *(f"nope{number}" for number in range(5_000))],
        }
        answer = self.assert_json(self.client.post(URL, body, format="json"), 201)
        assert answer["invalid_email_addresses"] == [f"nope{number}" for number in range(100)]
        assert answer["invalid_email_addresses_count"] == 5_000
        assert answer["invalid_learning_paths"] == [f"path-{number}" for number in range(100)]
        assert answer["invalid_learning_paths_count"] == 150
        assert len(answer["invalid_course_run_keys"]) == 100
        assert answer["invalid_course_run_keys_count"] == 120

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=1)
    def test_the_results_of_a_job_have_all_of_them(self) -> None:
        emails = ["ana@example.com", "ben@example.com", *(f"nope{number}" for number in range(150))]
        body = {"learning_paths": OPEN, "emails": emails}
        job = self.assert_json(self.client.post(URL, body, format="json"), 202)["job"]
        lines = b"".join(self.client.get(job["results_url"])).decode()
        assert all(f"nope{number}," in lines for number in range(150))


class DiskTests(SizeCase):
    """A disk that is full while a file comes in."""

    body = {"learning_paths": OPEN, "file": SimpleUploadedFile("people.csv", b"ana@example.com\n" * 250_000)}

    def assert_told(self, directory: Path) -> None:
        self.body["file"].seek(0)  # type: ignore[attr-defined]  # the file
        with mock.patch.object(PathsViewSet, "handle_exception", autospec=True) as handle:
            kept = []

            def remember(view: Any, error: Exception) -> Any:
                kept.append(error)  # as what reports errors does: nothing of it is collected as garbage
                return HANDLE(view, error)

            handle.side_effect = remember
            answer = self.client.post(URL, self.body, format="multipart")
            assert list(directory.iterdir()) == []
        assert "its disk is full" in self.assert_json(answer, 507)["detail"]
        assert kept
        assert not LearningPathEnrollment.objects.exists()

    def test_a_disk_of_one_megabyte(self) -> None:
        with tiny_disk() as directory, override_settings(FILE_UPLOAD_TEMP_DIR=str(directory)):
            self.assert_told(directory)

    def test_a_stand_in(self) -> None:
        with TemporaryDirectory() as directory, override_settings(FILE_UPLOAD_TEMP_DIR=directory, **STAND_IN):
            self.assert_told(Path(directory))
