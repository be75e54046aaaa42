"""
What the OpenAPI schema says is what is answered: schemathesis makes requests of it, right and wrong ones.

Hypothesis draws them. Where the variable CI is set, it draws the same ones each time.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from typing import Any

import ddt
import pytest
from django.core.wsgi import get_wsgi_application
from django.test import TransactionTestCase, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.pages.base import make_course

pytestmark = [pytest.mark.services]

EXAMPLES = 2000
KNOWN_IN = 3
"""One in so many values is left as it was drawn, where one that is known could stand."""
WHAT_IS_CHECKED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EMAILS = ["ana@example.com", "BEN@example.com", "new@example.com", "nope", "="]
PATH, INVITE_ONLY, COURSE = "path-v1:DemoX+DS101+2026", "path-v1:DemoX+SEC+2026", "course-v1:DemoX+PY101+2026"


@ddt.ddt
@override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=3, LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)
class ContractTests(TransactionTestCase):
    """No answer is a 500, none has a status that is not in the schema, and each has the form that the schema says."""

    def setUp(self) -> None:
        self.ana, self.sam = make_user("ana"), make_staff("sam", is_superuser=True)
        for user in (self.ana, self.sam):
            user.set_password("x")
            user.save()
        path, invite_only = make_path(PATH), make_path(INVITE_ONLY, invite_only=True)
        path.steps.create(course_key=make_course("PY101"), order=1)
        api.enroll(self.ana, path, acting_user=self.ana)
        api.enroll(make_user("ben"), invite_only, acting_user=self.sam)
        api.invite("new@example.com", path, acting_user=self.sam)
        plan = make_plan()
        plan.learning_paths.add(path)
        expired = make_plan("Winter", expiration_date=timezone.now())
        plans = st.sampled_from([str(plan.uuid), str(plan.uuid), str(expired.uuid)])
        api.assign_licenses(plan, api.parse_text("ana@example.com"), acting_user=self.sam)
        self.headers = st.sampled_from([*[as_user("sam")] * 10, *[as_user("ana")] * 5, {}])
        keys = st.sampled_from([PATH, INVITE_ONLY])
        emails = st.lists(st.sampled_from(EMAILS), min_size=1)
        self.known: dict[str, st.SearchStrategy[Any]] = {
            "learning_path_key": keys,
            "course_key": st.just(COURSE),
            "uuid": st.builds(self.job, st.sampled_from(JobState)),
            "id": st.sampled_from([str(path.pk), str(invite_only.pk)]),
            "username": st.sampled_from(["ana", "ben", "sam"]),
            "subscription_uuid": plans,
            "subscription": plans,
            "learning_path": keys,
            "learning_paths": st.lists(keys, min_size=1) | keys,
            "course_run_keys": st.just(COURSE) | st.just([COURSE]),
            "file": st.sampled_from([b"email\nana@example.com\nnope\n", b"a@example.com", b""]),
            "emails": emails | emails.map(", ".join),
            "email": st.sampled_from(["ana@example.com", "new@example.com"]),
            "user_id": st.just(self.ana.pk),
            "course_run_key": st.just(COURSE),
        }

    def job(self, state: JobState) -> str:
        """Return the uuid of a new job of Sam's, as if it were in this state."""
        work = api.prepare_bulk("ana@example.com nope", [PATH, "path-v1:no"])
        job = api.draft_bulk_job(work, acting_user=self.sam, notify=True)
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(state=state)
        return str(job.uuid)

    @ddt.data("/api/v1/", "/api/learning_paths/v1/")
    def test_every_answer_is_one_that_the_schema_describes(self, prefix: str) -> None:
        from schemathesis import openapi
        from schemathesis.checks import CHECKS, load_all_checks

        load_all_checks()
        checks = CHECKS.get_by_names(WHAT_IS_CHECKED)
        schema = openapi.from_wsgi("/api/learning_paths/schema/?format=json", get_wsgi_application())
        operations = [found.ok() for found in schema.get_all_operations()]
        self.answers: Counter[int] = Counter()
        own = [operation for operation in operations if operation.path.startswith(prefix)]
        examples = math.ceil(EXAMPLES / len(operations))
        for operation in own:
            with self.subTest(operation=operation.label):
                self.check(operation, checks, examples)
        assert self.answers.total() >= examples * len(own)
        assert {200, 201, 400, 401, 403, 404, 409} <= set(self.answers), self.answers

    def check(self, operation: Any, checks: list[Any], examples: int) -> None:
        """Send so many requests, as staff, as a learner and as nobody, and look at the answers."""
        from schemathesis import GenerationMode

        positive, negative = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(positive | positive | negative, st.data())
        def check(case: Any, data: st.DataObject) -> None:
            self.make_known(case, data)
            response = case.call(headers=data.draw(self.headers))
            self.answers[response.status_code] += 1
            case.validate_response(response, checks=checks)

        check()

    def make_known(self, case: Any, data: st.DataObject) -> None:
        """Put what is there in the place of what was drawn, or there would be little else than 404."""
        if isinstance(case.body, dict) and case.media_type != "multipart/form-data":
            case.body.pop("file", None)
        for part in (case.path_parameters, case.query, case.body):
            for entry in [part, *_lists_in(part)]:
                if isinstance(entry, dict):
                    for field in entry.keys() & self.known.keys():
                        if data.draw(st.integers(1, KNOWN_IN)) < KNOWN_IN:
                            entry[field] = data.draw(self.known[field])


def as_user(name: str) -> dict[str, str]:
    """Return the headers of a request of this user."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:x'.encode()).decode()}"}


def _lists_in(part: Any) -> list[Any]:
    if not isinstance(part, dict):
        return []
    return [entry for value in part.values() if isinstance(value, list) for entry in value]
