"""What the REST tests share."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from rest_framework.test import APIClient

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from tests.factories import make_path, make_staff, make_user

OPEN = "path-v1:DemoX+DS101+2026"
INVITE_ONLY = "path-v1:DemoX+SEC+2026+A"


class SavepointClient(APIClient):
    """
    Sends each request in a savepoint.

    A bulk view is not atomic, but a ``TestCase`` is: when DRF answers an error it marks the transaction around the
    view, which is none in the LMS, to be rolled back.
    """

    def request(self, **kwargs: Any) -> Any:
        with transaction.atomic():
            return super().request(**kwargs)


class Cast(SimpleTestCase):
    """
    Ana and Ben are learners, Sam is staff, Una runs the site, and Ida's account is not active.

    There is an open path and an invite-only one.
    """

    client: APIClient
    client_class = APIClient

    def setUp(self) -> None:
        self.people: dict[str, User] = {
            "ana": make_user("ana"),
            "ben": make_user("ben"),
            "sam": make_staff("sam"),
            "una": make_user("una", is_superuser=True),
            "ida": make_user("ida", is_active=False),
        }
        self.open = make_path(OPEN)
        self.invite_only = make_path(INVITE_ONLY, invite_only=True)

    def act_as(self, name: str | None) -> None:
        """Send what follows as this person, or as nobody."""
        self.client.force_authenticate(self.people[name] if name else None)

    def enroll(self, name: str, *, active: bool = True) -> LearningPathEnrollment:
        """Give a learner an enrollment in the open path, active or not."""
        user = self.people[name]
        api.enroll(user, self.open, acting_user=user)
        if not active:
            api.unenroll(user, self.open, acting_user=user)
        return LearningPathEnrollment.objects.get(user=user, learning_path=self.open)

    def assert_json(self, response: Any, status: int) -> Any:
        """Check the status and that the answer is JSON; return it."""
        assert response.status_code == status, (response.status_code, response.content)
        assert response["Content-Type"] == "application/json"
        return response.json()


class RestTestCase(Cast, TestCase):
    """A test in a transaction that is rolled back."""


class CommittingTestCase(Cast, TransactionTestCase):
    """A test that commits, as the LMS does: what waits for a commit happens during the request."""


def as_json(enrollment: LearningPathEnrollment) -> dict[str, Any]:
    """Return an enrollment as the API describes it."""

    def moment(value: Any) -> str:
        return str(value.isoformat().replace("+00:00", "Z"))

    return {
        "username": enrollment.user.username,
        "learning_path": str(enrollment.learning_path.key),
        "is_active": enrollment.is_active,
        "enrolled_at": moment(enrollment.enrolled_at),
        "created": moment(enrollment.created),
        "modified": moment(enrollment.modified),
    }
