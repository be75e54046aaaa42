"""``/api/v1/bulk-enrollment-jobs/``: who sees which job, what became of its rows, how it is confirmed and cancelled."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any
from unittest import mock
from uuid import uuid4

import ddt
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from learning_paths import api
from learning_paths.actions import bulk_job_run
from learning_paths.data import BulkOperation, JobState
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollment, LearningPathEnrollmentAllowed
from learning_paths.tasks import run_bulk_job
from tests.factories import make_path, make_staff, make_user
from tests.rest_api.base import INVITE_ONLY, OPEN, Cast, CommittingTestCase, RestTestCase, SavepointClient

URL = "/api/v1/bulk-enrollment-jobs/"
ENROLL_URL = "/api/v1/enrollment/bulk_enroll/"
HEADER = ["email address", "learning path", "enrollment status", "notes"]
STATES = [state.value for state in JobState]
OVER = ["finished", "cancelled", "failed"]
ENDPOINTS = [
    ("get", ""),
    ("get", "{uuid}/"),
    ("get", "{uuid}/results.csv"),
    ("post", "{uuid}/confirm/"),
    ("post", "{uuid}/cancel/"),
]
OF_ONE_JOB = ENDPOINTS[1:]


class Jobs(Cast):
    """Makes jobs, of Sam of the staff unless said otherwise, and asks for them."""

    def setUp(self) -> None:
        super().setUp()
        self.people["sue"] = make_staff("sue")
        self.act_as("sam")

    def job(
        self,
        state: str = "queued",
        emails: str = "ana@example.com, new@example.com, nope",
        *,
        author: str | None = "sam",
        operation: BulkOperation = BulkOperation.ENROLL,
        paths: tuple[str, ...] = (OPEN,),
        **attribution: str,
    ) -> BulkEnrollmentJob:
        work = api.prepare_bulk(emails, paths)
        make = api.draft_bulk_job if state == "draft" else api.queue_bulk_job
        user = self.people[author] if author else None
        job: BulkEnrollmentJob = make(work, operation=operation, acting_user=user, **attribution)  # type: ignore[arg-type]  # texts only
        if state == "finished":
            api.run_bulk_job(job.pk)
        elif state == "cancelled":
            api.cancel_bulk_job(job)
        elif state in ("running", "failed"):
            BulkEnrollmentJob.objects.filter(pk=job.pk).update(state=state, heartbeat_at=timezone.now(), worker="w")
        job.refresh_from_db()
        return job

    def ask(self, method: str, endpoint: str, job: BulkEnrollmentJob | None = None, **kwargs: Any) -> Any:
        uuid = str(job.uuid if job else uuid4())
        return getattr(self.client, method)(URL + endpoint.format(uuid=uuid), **kwargs)

    def state_of(self, job: BulkEnrollmentJob) -> str:
        return BulkEnrollmentJob.objects.get(pk=job.pk).state

    def table(self, job: BulkEnrollmentJob) -> list[list[str]]:
        """Return the rows of the CSV below its header."""
        response = self.ask("get", "{uuid}/results.csv", job)
        assert response.status_code == 200
        assert isinstance(response, StreamingHttpResponse)
        text = b"".join(response).decode("utf-8")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert header == HEADER
        return rows


class JobTestCase(Jobs, RestTestCase):
    """Jobs that nobody runs but the test: nothing is committed."""

    client_class = SavepointClient


@ddt.ddt
class AccessTests(JobTestCase):
    """Staff only, and of the drafts only one's own."""

    @ddt.data(*ENDPOINTS)
    @ddt.unpack
    def test_anonymous_and_learners(self, method: str, endpoint: str) -> None:
        jobs = [self.job("draft"), self.job("queued")]
        self.people["ida"].is_staff = True
        for name, status in ((None, 401), ("ana", 403), ("ida", 403)):
            self.act_as(name)
            for job in jobs:
                self.assert_json(self.ask(method, endpoint, job), status)
            self.assert_json(self.ask(method, endpoint), status)
        assert [self.state_of(job) for job in jobs] == ["draft", "queued"]

    @ddt.data(*OF_ONE_JOB)
    @ddt.unpack
    def test_the_drafts_of_others(self, method: str, endpoint: str) -> None:
        job = self.job("draft", author="sam")
        self.act_as("sue")
        missing = self.assert_json(self.ask(method, endpoint), 404)
        assert missing == {"detail": "There is no such job."}
        assert self.assert_json(self.ask(method, endpoint, job), 404) == missing
        assert self.state_of(job) == "draft"
        for name in ("sam", "una"):
            self.act_as(name)
            assert self.ask(method, endpoint, self.job("draft", author="sam")).status_code != 404

    def test_the_list_leaves_the_drafts_of_others_out(self) -> None:
        drafts = {name: str(self.job("draft", author=name).uuid) for name in ("sam", "sue")}
        queued = str(self.job("queued", author="sue").uuid)
        for name, expected in (
            ("sam", {drafts["sam"], queued}),
            ("sue", {drafts["sue"], queued}),
            ("una", {*drafts.values(), queued}),
        ):
            self.act_as(name)
            answer = self.assert_json(self.client.get(URL), 200)
            assert {job["uuid"] for job in answer["results"]} == expected

    def test_any_staff_may_cancel_a_job_that_goes_on(self) -> None:
        job = self.job("running", author="sam")
        self.act_as("sue")
        assert self.assert_json(self.ask("post", "{uuid}/cancel/", job), 200)["author"] == "sam"

    @ddt.data("nonsense", "0", "%00", "%0A", "a/b", "-", "8f0e6c0a-6d0b-4f0e-9d55-0c5f1f2b7a1", "%E2%80%AE" * 16)
    def test_what_is_no_uuid(self, text: str) -> None:
        for method, endpoint in OF_ONE_JOB:
            self.assert_json(getattr(self.client, method)(URL + endpoint.format(uuid=text)), 404)

    @ddt.data(*ENDPOINTS)
    @ddt.unpack
    def test_with_and_without_a_trailing_slash(self, method: str, endpoint: str) -> None:
        for path in (endpoint.rstrip("/"), endpoint.rstrip("/") + "/"):
            url = (URL + path).replace("//", "/") if path else URL.rstrip("/")
            response = getattr(self.client, method)(url.format(uuid=self.job("draft").uuid))
            assert response.status_code == (409 if "cancel" in url else 202 if "confirm" in url else 200)

    @ddt.data(*ENDPOINTS)
    @ddt.unpack
    def test_other_methods(self, method: str, endpoint: str) -> None:
        job = self.job("draft")
        for other in {"get", "post", "put", "patch", "delete"} - {method}:
            self.assert_json(self.ask(other, endpoint, job), 405)
        assert self.state_of(job) == "draft"


@ddt.ddt
class JobTests(JobTestCase):
    """One job, as it is told."""

    def fetch(self, job: BulkEnrollmentJob) -> dict[str, Any]:
        body: dict[str, Any] = self.assert_json(self.ask("get", "{uuid}/", job), 200)
        return body

    def test_every_field(self) -> None:
        first = "path-v1:Alpha+A1+2026"
        make_path(first)
        job = self.job("finished", paths=(OPEN, first, "path-v1:x"), reason="Cohort", role="scholar", org="DemoX")
        moments = {name: getattr(job, name) for name in ("created", "confirmed_at", "started_at", "finished_at")}
        assert None not in moments.values()
        url = f"http://testserver{URL}{job.uuid}/"
        assert self.fetch(job) == {
            "uuid": str(job.uuid),
            "url": url,
            "results_url": f"{url}results.csv/",
            "operation": "enroll",
            "state": "finished",
            "version": 1,
            "author": "sam",
            "learning_paths": [first, OPEN],
            "course_run_keys": [],
            "subscription": None,
            "notify": False,
            "notifications": None,
            "reason": "Cohort",
            "role": "scholar",
            "org": "DemoX",
            "total": 4,
            "done": 4,
            "counts": {"changed": 2, "unchanged": 0, "pending": 2, "failure": 0, "invalid": 2, "not_done": 0},
            "origin": None,
            **{name: _moment(value) for name, value in moments.items()},
        }
        assert self.client.get(url).status_code == self.client.get(f"{url}results.csv/").status_code == 200

    def test_a_draft_counts_what_is_planned(self) -> None:
        self.enroll("ben")
        job = self.fetch(self.job("draft", "ana@example.com ben@example.com new@example.com nope"))
        assert job["counts"] == {
            "changed": 1,
            "unchanged": 1,
            "pending": 1,
            "failure": 0,
            "invalid": 1,
            "not_done": 0,
        }
        assert (job["total"], job["done"]) == (3, 0)
        assert job["confirmed_at"] is job["started_at"] is job["finished_at"] is None

    def test_what_is_not_done(self) -> None:
        for state in ("queued", "running", "cancelled", "failed"):
            job = self.fetch(self.job(state))
            assert (job["state"], job["counts"]["not_done"], job["done"]) == (state, 2, 0)

    def test_an_author_who_is_gone(self) -> None:
        assert self.fetch(self.job("queued", author=None))["author"] is None

    def test_what_it_follows(self) -> None:
        origin = self.job("finished")
        undo = api.undo_bulk_job(origin, acting_user=self.people["sam"])
        body = self.fetch(undo)
        assert (body["origin"], body["operation"], body["state"]) == (str(origin.uuid), "undo", "draft")

    @ddt.data(("draft", 4), ("queued", 3), ("finished", 3))
    @ddt.unpack
    def test_number_of_queries(self, state: str, expected: int) -> None:
        """The job with its author and origin, its paths, the counts of a draft; and the savepoint of the client."""
        job = self.job(state, paths=(OPEN, INVITE_ONLY))
        with self.assertNumQueries(expected + 1):
            self.fetch(job)


@ddt.ddt
class ListTests(JobTestCase):
    """All jobs."""

    def results(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.assert_json(self.client.get(URL + query), 200)
        assert set(answer) == {"next", "previous", "results"}
        results: list[dict[str, Any]] = answer["results"]
        return results

    def test_each_as_it_is_told_alone_newest_first(self) -> None:
        jobs = [self.job(state) for state in STATES]
        alone = [self.assert_json(self.ask("get", "{uuid}/", job), 200) for job in reversed(jobs)]
        assert self.results() == alone

    @ddt.data(
        ("state=draft", "draft"),
        ("state=running", "running"),
        ("state=failed", ""),
        ("operation=unenroll", "unenroll"),
        ("operation=undo", ""),
        ("operation=enroll", "of_sue running draft"),
        ("author=sue", "of_sue"),
        ("author=nobody", ""),
        ("author=sam&state=queued", "unenroll"),
    )
    @ddt.unpack
    def test_filters(self, query: str, expected: str) -> None:
        jobs = {
            "draft": self.job("draft"),
            "running": self.job("running"),
            "unenroll": self.job("queued", operation=BulkOperation.UNENROLL),
            "of_sue": self.job("queued", author="sue"),
        }
        assert [job["uuid"] for job in self.results(f"?{query}")] == [str(jobs[name].uuid) for name in expected.split()]

    def test_no_filter_shows_the_drafts_of_others(self) -> None:
        self.job("draft", author="sue")
        assert self.results("?state=draft&author=sue") == []

    @ddt.data(
        "state=nonsense",
        "state=%00",
        "state=DRAFT",
        "operation=nonsense",
        "author=%00",
        "author=" + "x" * 151,
        "cursor=nonsense",
        "page_size=0",
    )
    def test_a_value_that_makes_no_sense(self, query: str) -> None:
        answer = self.assert_json(self.client.get(f"{URL}?{query}"), 400)
        assert list(answer) == [query.partition("=")[0]]

    def test_pages_forth_and_back(self) -> None:
        jobs = [str(self.job().uuid) for _ in range(3)]
        first = self.assert_json(self.client.get(f"{URL}?page_size=2&state=queued"), 200)
        assert [job["uuid"] for job in first["results"]] == jobs[:0:-1]
        assert first["previous"] is None
        self.job()
        second = self.assert_json(self.client.get(first["next"]), 200)
        assert [job["uuid"] for job in second["results"]] == jobs[:1]
        assert second["next"] is None
        assert self.assert_json(self.client.get(second["previous"]), 200)["results"] == first["results"]

    def test_number_of_queries_does_not_grow(self) -> None:
        def make() -> None:
            origin = self.job("finished", f"new{uuid4()}@example.com", author="sue", paths=(OPEN, INVITE_ONLY))
            self.job("draft", paths=(OPEN, INVITE_ONLY))
            api.undo_bulk_job(origin, acting_user=self.people["sam"])

        make()
        with CaptureQueriesContext(connection) as few:
            assert len(self.results()) == 3
        for number in range(8):
            make_path(f"path-v1:DemoX+N{number}+2026")
            make()
        with CaptureQueriesContext(connection) as many:
            assert len(self.results("?page_size=1000")) == 27
        # The client's savepoint, set and released; the jobs, their paths, the counts of the drafts.
        assert len(few) == len(many) == 5
        BulkEnrollmentJob.objects.filter(state="draft").delete()
        with self.assertNumQueries(4):
            self.results()

    def test_what_was_typed_and_uploaded_is_not_read(self) -> None:
        job = self.job("draft")
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(typed="secret", file_content=b"secret")
        with CaptureQueriesContext(connection) as queries:
            self.results()
            self.ask("get", "{uuid}/", job)
        assert not any("file_content" in query["sql"] or "typed" in query["sql"] for query in queries)


@ddt.ddt
class ResultsTests(JobTestCase):
    """The CSV."""

    def test_what_is_sent_around_it(self) -> None:
        job = self.job("finished")
        response = self.ask("get", "{uuid}/results.csv", job)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == f'attachment; filename="bulk-enrollment-job-{job.uuid}.csv"'

    @ddt.data("text/csv", "application/json", "image/png", "text/csv;q=0.9,*/*;q=0.1")
    def test_whatever_type_is_asked_for(self, accept: str) -> None:
        """As the LMS has a renderer for JSON only, DRF alone would answer 406."""
        response = self.ask("get", "{uuid}/results.csv", self.job(), headers={"accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
        self.assert_json(self.ask("get", "{uuid}/results.csv", headers={"accept": accept}), 404)
        self.act_as("ana")
        self.assert_json(self.ask("get", "{uuid}/results.csv", headers={"accept": accept}), 403)

    def test_a_draft_tells_what_is_planned(self) -> None:
        self.enroll("ben")
        job = self.job("draft", "ana@example.com ben@example.com\nnope", paths=(OPEN, "path-v1:x"))
        assert self.table(job) == [
            ["nope", "", "invalid_email", "Line 2: This is not a valid e-mail address."],
            ["", "path-v1:x", "learning_path_not_found", "There is no such learning path."],
            ["ana@example.com", OPEN, "enrolled", "Will be enrolled."],
            ["ben@example.com", OPEN, "already_enrolled", "Is enrolled already."],
        ]

    @ddt.data(
        ("queued", "Not done yet."),
        ("running", "Not done yet."),
        ("cancelled", "Not done: the job was cancelled."),
        ("failed", "Not done: the job stopped before."),
    )
    @ddt.unpack
    def test_what_is_not_done(self, state: str, words: str) -> None:
        assert self.table(self.job(state, "ana@example.com")) == [["ana@example.com", OPEN, "not_done", words]]

    def test_a_job_that_is_half_done(self) -> None:
        job = self.job("running", "ana@example.com ben@example.com")
        first = job.rows.order_by("pk").first()
        assert first is not None
        job.rows.filter(pk=first.pk).update(code="enrolled")
        assert [row[2] for row in self.table(job)] == ["enrolled", "not_done"]

    def test_every_row_as_the_database_has_it(self) -> None:
        self.enroll("ben")
        make_user("twin1", email="twin@example.com")
        make_user("twin2", email="TWIN@example.com")
        emails = [f"new{number}@example.com" for number in range(50)]
        emails += ["ana@example.com", "ben@example.com", "twin@example.com", "nope", "josé"]
        job = self.job("finished", "\n".join(emails), paths=(OPEN, INVITE_ONLY, "path-v1:x"))
        table = self.table(job)
        rows = job.rows.order_by("pk").select_related("learning_path")
        assert [row[:3] for row in table] == [
            [row.email, str(row.learning_path.key) if row.learning_path else row.unknown_path, row.code] for row in rows
        ]
        assert len(table) == 53 * 2 + 3
        outcomes = {(row[0], row[1]): row[2] for row in table}
        enrolled = {pair for pair, code in outcomes.items() if code in ("enrolled", "already_enrolled")}
        assert enrolled == {
            (row.user.email, str(row.learning_path.key))
            for row in LearningPathEnrollment.objects.filter(is_active=True)
        }
        invited = {pair for pair, code in outcomes.items() if code == "invited"}
        assert invited == {
            (row.email, str(row.learning_path.key))
            for row in LearningPathEnrollmentAllowed.objects.filter(is_active=True, user=None)
        }
        assert [code for (email, _), code in outcomes.items() if email == "twin@example.com"] == ["ambiguous_email"] * 2

    @ddt.data("draft", "finished")
    def test_no_cell_is_a_formula(self, state: str) -> None:
        job = self.job(
            state, "=1+1@example.com\n+a@example.com\n-b@example.com\n=nope()\n@nope", paths=(OPEN, "=HYPERLINK(1)")
        )
        cells = [cell for row in self.table(job) for cell in row if cell]
        assert {"'=1+1@example.com", "'+a@example.com", "'-b@example.com", "'=nope()", "'=HYPERLINK(1)"} <= set(cells)
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]

    def test_number_of_queries_does_not_grow(self) -> None:
        counts = []
        for number in (1, 300):  # more than one block of lines
            emails = " ".join(f"new{index}@example.com" for index in range(number))
            job = self.job("queued", emails, paths=(OPEN, INVITE_ONLY))
            with CaptureQueriesContext(connection) as queries:
                assert len(self.table(job)) == 2 * number
            counts.append(len(queries))
        assert counts[0] == counts[1]


@ddt.ddt
class CancelTests(JobTestCase):
    """POST to ``cancel``."""

    @ddt.data("queued", "running")
    def test_a_job_that_goes_on(self, state: str) -> None:
        job = self.job(state)
        body = self.assert_json(self.ask("post", "{uuid}/cancel/", job), 200)
        assert (body["uuid"], body["state"], body["counts"]["not_done"]) == (str(job.uuid), "cancelled", 2)
        assert body["finished_at"] is not None
        assert body == self.assert_json(self.ask("get", "{uuid}/", job), 200)
        assert api.run_bulk_job(job.pk) is None
        assert not LearningPathEnrollment.objects.exists()

    @ddt.data("draft", *OVER)
    def test_a_draft_and_a_job_that_is_over(self, state: str) -> None:
        job = self.job(state)
        before = BulkEnrollmentJob.objects.filter(pk=job.pk).values().get()
        answer = self.assert_json(self.ask("post", "{uuid}/cancel/", job), 409)
        assert answer == {"detail": "The job is not in a state in which that could be done."}
        assert BulkEnrollmentJob.objects.filter(pk=job.pk).values().get() == before


@ddt.ddt
class ConfirmTests(JobTestCase):
    """POST to ``confirm``."""

    def test_a_draft(self) -> None:
        job = self.job("draft")
        response = self.ask("post", "{uuid}/confirm/", job)
        body = self.assert_json(response, 202)
        assert (body["uuid"], body["state"], body["author"]) == (str(job.uuid), "queued", "sam")
        assert body["confirmed_at"] is not None
        assert response["Location"] == body["url"]
        assert self.assert_json(self.client.get(response["Location"]), 200) == body

    def test_it_becomes_the_job_of_who_confirms_it(self) -> None:
        job = self.job("draft", author="sam")
        self.act_as("una")
        assert self.assert_json(self.ask("post", "{uuid}/confirm/", job), 202)["author"] == "una"

    @ddt.data("queued", "running", *OVER)
    def test_what_is_no_draft(self, state: str) -> None:
        job = self.job(state)
        with mock.patch.object(run_bulk_job, "delay") as delay, self.captureOnCommitCallbacks(execute=True):
            answer = self.assert_json(self.ask("post", "{uuid}/confirm/", job), 409)
        assert answer == {"detail": "The job is not in a state in which that could be done."}
        assert self.state_of(job) == state
        delay.assert_not_called()


@ddt.ddt
@override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=2)
class RunTests(Jobs, CommittingTestCase):
    """From the request to the end, with commits. Without a broker a job runs in the process that asked for it."""

    REQUEST = {"learning_paths": OPEN, "emails": "ana@example.com, new@example.com, ben@example.com, nope"}

    def send(self, method: str = "post", **data: Any) -> Any:
        return getattr(self.client, method)(ENROLL_URL, {**self.REQUEST, **data}, format="json")

    def test_it_runs_and_the_answer_says_so(self) -> None:
        response = self.send(reason="Cohort")
        body = self.assert_json(response, 202)["job"]
        assert (body["state"], body["done"], body["total"]) == ("finished", 3, 3)
        assert body["counts"] == {
            "changed": 2,
            "unchanged": 0,
            "pending": 1,
            "failure": 0,
            "invalid": 1,
            "not_done": 0,
        }
        assert self.assert_json(self.client.get(response["Location"]), 200) == body
        enrolled = LearningPathEnrollment.objects.filter(is_active=True)
        assert {enrollment.user.username for enrollment in enrolled} == {"ana", "ben"}
        job = BulkEnrollmentJob.objects.get()
        assert [row[2] for row in self.table(job)] == ["invalid_email", "enrolled", "invited", "enrolled"]
        self.assert_json(self.ask("post", "{uuid}/cancel/", job), 409)
        self.assert_json(self.ask("post", "{uuid}/confirm/", job), 409)
        assert self.state_of(job) == "finished"

        body = self.assert_json(self.send("delete"), 202)["job"]
        assert (body["state"], body["operation"], body["counts"]["changed"]) == ("finished", "unenroll", 3)
        assert not enrolled.all().exists()

    @ddt.data("post", "delete")
    def test_a_dry_run_waits_for_its_confirmation_and_takes_one(self, method: str) -> None:
        self.enroll("ana", active=method == "delete")
        response = self.send(method, dry_run=True)
        assert self.assert_json(response, 202)["job"]["state"] == "draft"
        job = BulkEnrollmentJob.objects.get()
        planned = [row[:3] for row in self.table(job)]
        assert [row[2] for row in planned] == (
            ["invalid_email", "enrolled_again", "invited", "enrolled"]
            if method == "post"
            else ["invalid_email", "unenrolled", "not_enrolled", "not_enrolled"]
        )
        assert LearningPathEnrollment.objects.get().is_active == (method == "delete")

        confirmed = self.ask("post", "{uuid}/confirm/", job)
        body = self.assert_json(confirmed, 202)
        assert (body["state"], confirmed["Location"]) == ("finished", response["Location"])
        assert [row[:3] for row in self.table(job)] == planned
        count = LearningPathEnrollment.objects.filter(is_active=True).count()
        assert count == (2 if method == "post" else 0)
        self.assert_json(self.ask("post", "{uuid}/confirm/", job), 409)

    def test_a_worker_is_told_of_what_is_committed(self) -> None:
        told: list[tuple[int, bool]] = []

        def delay(job_id: int) -> None:
            told.append((job_id, connection.in_atomic_block))

        assert connection.settings_dict["ATOMIC_REQUESTS"]
        with mock.patch.object(run_bulk_job, "delay", delay):
            self.assert_json(self.send(), 202)
            self.assert_json(self.send(dry_run=True), 202)
            queued, draft = BulkEnrollmentJob.objects.order_by("pk")
            assert told == [(queued.pk, False)]
            self.assert_json(self.ask("post", "{uuid}/confirm/", draft), 202)
        assert told == [(queued.pk, False), (draft.pk, False)]

    def test_a_broker_that_is_down(self) -> None:
        down = mock.patch.object(run_bulk_job, "delay", side_effect=BrokerError("down"))
        with down, self.assertLogs("learning_paths", "ERROR") as logs:
            assert self.assert_json(self.send(), 202)["job"]["state"] == "queued"
            self.assert_json(self.send(dry_run=True), 202)
            draft = BulkEnrollmentJob.objects.get(state="draft")
            assert self.assert_json(self.ask("post", "{uuid}/confirm/", draft), 202)["state"] == "queued"
        assert len(logs.records) == 2
        assert BulkEnrollmentJob.objects.filter(state="queued").count() == 2
        assert not LearningPathEnrollment.objects.exists()

    def test_a_job_that_fails(self) -> None:
        with (
            mock.patch.object(bulk_job_run, "_work", side_effect=RuntimeError("broken")),
            self.assertLogs("learning_paths", "ERROR"),
            self.assertLogs("celery", "ERROR"),
        ):
            body = self.assert_json(self.send(), 202)["job"]
        assert (body["state"], body["counts"]["not_done"]) == ("failed", 3)


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
