"""``/api/v1/enrollment/bulk_enroll/``: statuses, bodies, and what is refused."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest import mock

import ddt
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from learning_paths.actions import bulk_apply
from learning_paths.actions.bulk_write import write_enrolling
from learning_paths.models import (
    BulkEnrollmentJob,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)
from tests.factories import make_path, make_staff, make_user
from tests.rest_api.base import INVITE_ONLY, OPEN, RestTestCase, SavepointClient

URL = "/api/v1/enrollment/bulk_enroll/"
EMPTY: dict[str, Any] = {
    "successes": [],
    "pending": [],
    "failures": [],
    "invalid_email_addresses": [],
    "invalid_email_addresses_count": 0,
    "invalid_learning_paths": [],
    "invalid_learning_paths_count": 0,
}
METHODS = ("post", "delete")
SAYS_SOMETHING = re.compile(r"\w")
"""What is made of quotes alone counts as no input."""


class Base(RestTestCase):
    """Sends requests, as Sam of the staff unless said otherwise."""

    client_class = SavepointClient

    def setUp(self) -> None:
        super().setUp()
        self.act_as("sam")

    def send(self, method: str = "post", **data: Any) -> Any:
        return getattr(self.client, method)(URL, data=json.dumps(data), content_type="application/json")


@ddt.ddt
class AccessTests(Base):
    """Staff only."""

    @ddt.data(*METHODS)
    def test_anonymous_and_learners(self, method: str) -> None:
        for name, status in ((None, 401), ("ana", 403), ("ida", 403)):
            self.act_as(name)
            self.assert_json(self.send(method, learning_paths=OPEN, emails="new@example.com"), status)
        self.people["ida"].is_staff = True
        self.act_as("ida")
        self.assert_json(self.send(method, learning_paths=OPEN, emails="new@example.com"), 403)
        assert not LearningPathEnrollmentAllowed.objects.exists()

    @ddt.data("get", "put", "patch")
    def test_other_methods(self, method: str) -> None:
        self.assert_json(getattr(self.client, method)(URL), 405)

    def test_superusers_and_no_trailing_slash(self) -> None:
        self.act_as("una")
        body = {"learning_paths": OPEN, "emails": "new@example.com"}
        self.assert_json(self.client.post(URL.rstrip("/"), body, format="json"), 201)


@ddt.ddt
class EnrollTests(Base):
    """POST."""

    def test_each_kind_of_row(self) -> None:
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        self.enroll("ben")
        answer = self.assert_json(
            self.send(
                learning_paths=f"{OPEN}, path-v1:x",
                emails="Ana@example.com; ben@example.com new@example.com, nope\ntwin@example.com",
                reason="Cohort",
                role="scholar",
                org="DemoX",
            ),
            201,
        )
        assert answer == {
            "successes": [
                {"email": "ana@example.com", "learning_path": OPEN, "username": "ana", "created": True},
                {"email": "ben@example.com", "learning_path": OPEN, "username": "ben", "created": False},
            ],
            "pending": [{"email": "new@example.com", "learning_path": OPEN, "created": True}],
            "failures": [
                {
                    "email": "twin@example.com",
                    "learning_path": OPEN,
                    "code": "ambiguous_email",
                    "reason": "More than one account has this e-mail address. Enroll the learner by username.",
                }
            ],
            "invalid_email_addresses": ["nope"],
            "invalid_email_addresses_count": 1,
            "invalid_learning_paths": ["path-v1:x"],
            "invalid_learning_paths_count": 1,
            "enrollments_created": 1,
            "enrollment_allowed_created": 1,
        }
        audits = ManualEnrollmentAudit.objects.all()
        assert {(audit.enrolled_by, audit.reason, audit.role, audit.org) for audit in audits} == {
            (self.people["sam"], "Cohort", "scholar", "DemoX")
        }

    def test_lists(self) -> None:
        answer = self.assert_json(
            self.send(learning_paths=[OPEN, INVITE_ONLY], emails=["ana@example.com", "Ben <ben@example.com>"]), 201
        )
        assert answer["enrollments_created"] == 4

    def test_form_encoded(self) -> None:
        for emails in ("ana@example.com,new@example.com", ["ben@example.com", "new2@example.com"]):
            response = self.client.post(URL, {"learning_paths": OPEN, "emails": emails}, format="multipart")
            assert self.assert_json(response, 201)["enrollments_created"] == 1
        body = f"learning_paths={OPEN.replace('+', '%2B')}&emails=new3@example.com"
        response = self.client.post(URL, body, content_type="application/x-www-form-urlencoded")
        assert len(self.assert_json(response, 201)["pending"]) == 1

    def test_file(self) -> None:
        content = "Name;E-mail\nAna;ana@example.com\nJosé;new@example.com\n".encode("utf-16")
        file = SimpleUploadedFile("people.csv", content, content_type="text/csv")
        data = {"learning_paths": OPEN, "emails": "ben@example.com", "file": file}
        answer = self.assert_json(self.client.post(URL, data, format="multipart"), 201)
        assert [row["email"] for row in answer["successes"]] == ["ben@example.com", "ana@example.com"]
        assert [row["email"] for row in answer["pending"]] == ["new@example.com"]

    def test_a_repeat(self) -> None:
        self.send(learning_paths=OPEN, emails="ana@example.com new@example.com")
        answer = self.assert_json(self.send(learning_paths=OPEN, emails="ana@example.com new@example.com"), 201)
        assert [row["created"] for row in answer["successes"] + answer["pending"]] == [False, False]
        assert (answer["enrollments_created"], answer["enrollment_allowed_created"]) == (0, 0)

    def test_dry_run(self) -> None:
        answer = self.assert_json(
            self.send(learning_paths=OPEN, emails="ana@example.com new@example.com nope", dry_run=True), 200
        )
        assert (answer["enrollments_created"], answer["enrollment_allowed_created"]) == (1, 1)
        assert answer["invalid_email_addresses"] == ["nope"]
        assert not LearningPathEnrollment.objects.exists()
        assert not LearningPathEnrollmentAllowed.objects.exists()
        self.assert_json(self.send(learning_paths=OPEN, emails="nope", dry_run=True), 400)

    def test_nothing_valid_is_left(self) -> None:
        counts = {"enrollments_created": 0, "enrollment_allowed_created": 0}
        answer = self.assert_json(self.send(learning_paths="path-v1:x", emails="new@example.com"), 400)
        assert answer == {**EMPTY, "invalid_learning_paths": ["path-v1:x"], "invalid_learning_paths_count": 1, **counts}
        answer = self.assert_json(self.send(learning_paths=[OPEN], emails=["nope", "\ud800", "=1+1", "a\x00b"]), 400)
        assert answer["invalid_email_addresses"][0] == "nope"
        assert len(answer["invalid_email_addresses"]) == 4

    def test_a_row_that_can_not_be_saved_does_not_undo_the_others(self) -> None:
        """Under ``ATOMIC_REQUESTS``: the view is not one transaction."""
        write = write_enrolling

        def failing(rows: Any, *args: Any) -> None:
            write(rows, *args)
            if any(row.email == "ben@example.com" for row in rows):
                raise DatabaseError("poison")

        assert connection.settings_dict["ATOMIC_REQUESTS"]
        with (
            mock.patch.object(bulk_apply, "write_enrolling", failing),
            self.assertLogs("learning_paths", "ERROR"),
        ):
            answer = self.assert_json(
                self.send(learning_paths=OPEN, emails="ana@example.com ben@example.com new@example.com"), 201
            )
        assert [row["email"] for row in answer["successes"]] == ["ana@example.com"]
        assert [(row["email"], row["code"]) for row in answer["failures"]] == [("ben@example.com", "not_saved")]
        assert LearningPathEnrollment.objects.count() == 1

    def test_number_of_queries(self) -> None:
        emails = [make_user(f"learner{number}").email for number in range(10)] + ["new@example.com"]
        with self.assertNumQueries(14):  # the client's savepoint, the paths, and the 11 of a chunk
            self.assert_json(self.send(learning_paths=[OPEN, INVITE_ONLY], emails=emails), 201)


@ddt.ddt
class RefusalTests(Base):
    """What is missing, of the wrong type or too much."""

    @ddt.data(
        ({}, {"learning_paths", "emails"}),
        ({"learning_paths": OPEN}, {"emails"}),
        ({"emails": "new@example.com"}, {"learning_paths"}),
        ({"learning_paths": "", "emails": " "}, {"learning_paths", "emails"}),
        ({"learning_paths": [], "emails": ["", ""]}, {"learning_paths", "emails"}),
        ({"learning_paths": 7, "emails": {"a": 1}}, {"learning_paths", "emails"}),
        ({"learning_paths": [OPEN, 7], "emails": [None]}, {"learning_paths", "emails"}),
        ({"learning_paths": [[OPEN]], "emails": [["a@example.com"]]}, {"learning_paths", "emails"}),
        ({"learning_paths": None, "emails": None}, {"learning_paths", "emails"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "dry_run": "perhaps"}, {"dry_run"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "org": "x" * 256}, {"org"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "role": "x" * 256}, {"role"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "reason": "a\x00b"}, {"reason"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "reason": "\ud800"}, {"reason"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "file": "x"}, {"file"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "unheard": True}, {"unheard"}),
        ({"learning_paths": OPEN, "emails": "new@example.com", "subscription": "x"}, {"subscription"}),
    )
    @ddt.unpack
    def test_fields(self, body: dict[str, Any], expected: set[str]) -> None:
        for method in METHODS:
            assert set(self.assert_json(self.send(method, **body), 400)) == expected
        assert not LearningPathEnrollmentAllowed.objects.exists()

    @ddt.data(b"", b"{", b"[]", b'"x"', b"7", b"null", b"\xff", b"[" * 100_000)
    def test_bodies(self, body: bytes) -> None:
        for method in METHODS:
            response = getattr(self.client, method)(URL, data=body, content_type="application/json")
            self.assert_json(response, 400)

    def test_media_type(self) -> None:
        self.assert_json(self.client.post(URL, data=b"x", content_type="application/xml"), 415)

    def test_a_file_that_is_too_large(self) -> None:
        file = SimpleUploadedFile("people.csv", b"a@example.com\n")
        with mock.patch("learning_paths.rest_api.v1.bulk_serializers.LARGEST_FILE", 5):
            response = self.client.post(URL, {"learning_paths": OPEN, "file": file}, format="multipart")
        assert set(self.assert_json(response, 400)) == {"file"}

    def test_an_empty_file(self) -> None:
        file = SimpleUploadedFile("people.csv", b"")
        response = self.client.post(URL, {"learning_paths": OPEN, "file": file}, format="multipart")
        assert self.assert_json(response, 400)["successes"] == []


class UnenrollTests(Base):
    """DELETE."""

    def test_each_kind_of_row(self) -> None:
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        self.send(learning_paths=OPEN, emails="ana@example.com new@example.com")
        answer = self.assert_json(
            self.send(
                "delete",
                learning_paths=OPEN,
                emails="ana@example.com ben@example.com new@example.com twin@example.com nope",
                reason="Over",
            ),
            200,
        )
        assert answer == {
            "successes": [
                {"email": "ana@example.com", "learning_path": OPEN, "username": "ana", "changed": True},
                {"email": "ben@example.com", "learning_path": OPEN, "username": "ben", "changed": False},
                {"email": "new@example.com", "learning_path": OPEN, "changed": True},
            ],
            "pending": [],
            "failures": [
                {
                    "email": "twin@example.com",
                    "learning_path": OPEN,
                    "code": "ambiguous_email",
                    "reason": "More than one account has this e-mail address. Enroll the learner by username.",
                }
            ],
            "invalid_email_addresses": ["nope"],
            "invalid_email_addresses_count": 1,
            "invalid_learning_paths": [],
            "invalid_learning_paths_count": 0,
            "enrollments_unenrolled": 1,
            "enrollment_allowed_deactivated": 1,
        }
        assert not LearningPathEnrollment.objects.get().is_active
        assert ManualEnrollmentAudit.objects.filter(reason="Over").count() == 2

    def test_dry_run_and_nothing_valid(self) -> None:
        self.enroll("ana")
        answer = self.assert_json(self.send("delete", learning_paths=OPEN, emails="ana@example.com", dry_run=True), 200)
        assert answer["enrollments_unenrolled"] == 1
        assert LearningPathEnrollment.objects.get().is_active
        self.assert_json(self.send("delete", learning_paths=OPEN, emails="nope"), 400)


@ddt.ddt
@override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=3, LEARNING_PATHS_BULK_MAX_PAIRS=6)
class SizeTests(Base):
    """What a request does itself, what becomes a job, and what is refused. How jobs go on is in ``test_bulk_jobs``."""

    @ddt.data(("post", "enroll"), ("delete", "unenroll"))
    @ddt.unpack
    def test_more_pairs_than_a_request_handles_become_a_job(self, method: str, operation: str) -> None:
        response = self.send(
            method,
            learning_paths=[INVITE_ONLY, OPEN, "path-v1:x"],
            emails="Ana@example.com new@example.com nope",
            reason="Cohort",
            role="scholar",
            org="DemoX",
        )
        body = self.assert_json(response, 202)
        job = BulkEnrollmentJob.objects.get()
        assert set(body) == {"job"}
        expected = {
            "uuid": str(job.uuid),
            "operation": operation,
            "state": "queued",
            "author": "sam",
            "learning_paths": [OPEN, INVITE_ONLY],
            "reason": "Cohort",
            "role": "scholar",
            "org": "DemoX",
            "total": 4,
            "done": 0,
        }
        assert expected.items() <= body["job"].items()
        assert body["job"]["counts"] == {
            "changed": 0,
            "unchanged": 0,
            "pending": 0,
            "failure": 0,
            "invalid": 2,
            "not_done": 4,
        }
        assert (
            response["Location"] == body["job"]["url"] == f"http://testserver/api/v1/bulk-enrollment-jobs/{job.uuid}/"
        )
        assert self.assert_json(self.client.get(response["Location"]), 200) == body["job"]
        assert job.rows.count() == 6
        assert not LearningPathEnrollmentAllowed.objects.exists()

    @ddt.data(*METHODS)
    def test_as_many_pairs_as_a_request_handles(self, method: str) -> None:
        answer = self.send(method, learning_paths=OPEN, emails="a@example.com b@example.com c@example.com")
        self.assert_json(answer, 201 if method == "post" else 200)
        assert not BulkEnrollmentJob.objects.exists()

    @ddt.data(*METHODS)
    def test_a_dry_run_becomes_a_draft(self, method: str) -> None:
        self.enroll("ben")
        response = self.send(
            method, learning_paths=[OPEN, INVITE_ONLY], emails="ana@example.com ben@example.com", dry_run=True
        )
        job = self.assert_json(response, 202)["job"]
        assert (job["state"], job["total"], job["done"], job["confirmed_at"]) == ("draft", 4, 0, None)
        assert (job["counts"]["changed"], job["counts"]["unchanged"]) == ((3, 1) if method == "post" else (1, 3))
        assert self.assert_json(self.client.get(response["Location"]), 200) == job
        assert [enrollment.is_active for enrollment in LearningPathEnrollment.objects.all()] == [True]
        assert not LearningPathEnrollmentAllowed.objects.exists()

    @ddt.data(*METHODS)
    def test_more_pairs_than_a_job_takes(self, method: str) -> None:
        emails = [f"a{number}@example.com" for number in range(7)]
        for dry_run in (False, True):
            two_paths: dict[str, Any] = {"learning_paths": [OPEN, INVITE_ONLY], "emails": emails[:4]}
            answer = self.assert_json(self.send(method, **two_paths, dry_run=dry_run), 413)
            assert answer == {
                "detail": "These are 8 pairs of an address and a learning path or course. One job takes at most 6. "
                "Take fewer of them at a time."
            }
        assert not BulkEnrollmentJob.objects.exists()
        assert not LearningPathEnrollmentAllowed.objects.exists()
        self.assert_json(self.send(method, learning_paths=OPEN, emails=emails[:6]), 202)

    def test_more_invalid_addresses_than_a_job_takes(self) -> None:
        emails = [f"a{number}@example.com" for number in range(4)] + [f"nope{number}" for number in range(7)]
        self.assert_json(self.send(learning_paths=OPEN, emails=emails), 413)
        assert not BulkEnrollmentJob.objects.exists()
        self.assert_json(self.send(learning_paths=OPEN, emails=emails[:-1]), 202)

    def test_where_no_pair_is_left_there_is_nothing_for_a_job_to_do(self) -> None:
        emails, nopes = [f"a{number}@example.com" for number in range(6)], [f"nope{number}" for number in range(6)]
        for dry_run in (False, True):
            answer = self.assert_json(self.send(learning_paths="path-v1:x", emails=emails, dry_run=dry_run), 400)
            assert answer["invalid_learning_paths"] == ["path-v1:x"]
            answer = self.assert_json(self.send(learning_paths=OPEN, emails=nopes, dry_run=dry_run), 400)
            assert answer["invalid_email_addresses"] == nopes
        assert not BulkEnrollmentJob.objects.exists()

    def test_a_file_becomes_a_job(self) -> None:
        content = "E-mail\na@example.com\nb@example.com\nc@example.com\n=1+1\n"
        file = SimpleUploadedFile("people.csv", content.encode(), content_type="text/csv")
        data = {"learning_paths": OPEN, "emails": "ana@example.com", "file": file}
        job = self.assert_json(self.client.post(URL, data, format="multipart"), 202)["job"]
        assert (job["total"], job["counts"]["invalid"]) == (4, 1)

    def test_number_of_queries_does_not_grow_with_the_pairs(self) -> None:
        """What SQLite inserts at once is some 80 rows; one statement of MySQL's takes them all."""
        counts = []
        with override_settings(LEARNING_PATHS_BULK_MAX_PAIRS=1000):
            for number in (4, 30):
                emails = [f"a{index}@example.com" for index in range(number)]
                with CaptureQueriesContext(connection) as queries:
                    self.assert_json(self.send(learning_paths=[OPEN, INVITE_ONLY], emails=emails), 202)
                counts.append(len(queries))
        assert counts[0] == counts[1]


class AccountingTests(HypothesisTestCase):
    """Whatever is sent, each address and each path that was named is in the answer exactly once."""

    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        emails=st.lists(
            st.sampled_from(["ana@example.com", "ANA@example.com", "new@example.com", "twin@example.com"])
            | st.emails()
            | st.text(
                alphabet=st.characters(exclude_categories=["Z", "C"], exclude_characters="<>,;\"'"),
                min_size=1,
                max_size=50,
            ),
            max_size=10,
        ),
        paths=st.lists(
            st.sampled_from([OPEN, INVITE_ONLY, OPEN.lower(), "path-v1:DemoX+NONE+2026"])
            | st.text(alphabet=st.characters(exclude_categories=["Z", "C"], exclude_characters=",;"), min_size=1),
            max_size=5,
        ),
        method=st.sampled_from(METHODS),
        as_text=st.booleans(),
    )
    def test_everything_once(self, emails: list[str], paths: list[str], method: str, as_text: bool) -> None:
        make_user("ana")
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        known = {str(make_path(OPEN).key), str(make_path(INVITE_ONLY, invite_only=True).key)}
        client = SavepointClient()
        client.force_authenticate(make_staff())
        body = (
            {"emails": ", ".join(emails), "learning_paths": ", ".join(paths)}
            if as_text
            else {
                "emails": emails,
                "learning_paths": paths,
            }
        )
        response = getattr(client, method)(URL, data=json.dumps(body), content_type="application/json")
        assert response.status_code in (200, 201, 400), response.content
        answer = response.json()
        if "successes" not in answer:
            assert not emails or not paths
            return
        pairs = [
            (row["email"], row["learning_path"])
            for name in ("successes", "pending", "failures")
            for row in answer[name]
        ]
        assert len(pairs) == len(set(pairs))
        named_paths = dict.fromkeys(paths)
        assert answer["invalid_learning_paths"] == [path for path in named_paths if path not in known]
        valid_paths = [path for path in named_paths if path in known]
        addresses = {email for email, _ in pairs}
        assert set(pairs) == {(email, path) for email in addresses for path in valid_paths}
        if valid_paths:
            told = {text.lower() for text in addresses | set(answer["invalid_email_addresses"])}
            for email in filter(SAYS_SOMETHING.search, emails):
                assert any(text in email.lower() for text in told), email
