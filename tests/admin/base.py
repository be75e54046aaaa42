"""What the tests of the admin share."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from learning_paths.models import BulkEnrollmentJob
from tests.factories import make_staff


class AdminTestCase(TestCase):
    """Tests by Sam, a superuser who is logged in."""

    sam: User

    @classmethod
    def setUpTestData(cls) -> None:
        cls.sam = make_staff("sam", is_superuser=True)

    def setUp(self) -> None:
        self.client.force_login(self.sam)

    def log_in_with(self, *codenames: str) -> User:
        """Log Vera in, who is staff and has these permissions only."""
        vera = make_staff("vera")
        permissions = Permission.objects.filter(content_type__app_label="learning_paths", codename__in=codenames)
        assert len(permissions) == len(codenames)
        vera.user_permissions.set(permissions)
        self.client.force_login(vera)
        return vera

    def count_queries(self, address: str) -> int:
        """Return how many queries a page takes, once what is cached in the process is cached."""
        assert self.client.get(address).status_code == 200
        with CaptureQueriesContext(
            connection,
        ) as queries:
            self.client.get(address)
        return len(queries)


def admin_url(model: str, page: str, *args: Any) -> str:
    """Return the address of a page of the admin of a model of ours."""
    return reverse(f"admin:learning_paths_{model}_{page}", args=args)


def confirm_fields(job: BulkEnrollmentJob) -> dict[str, Any]:
    """Return what the form that confirms a draft sends, as the page shows it now."""
    return {"version": BulkEnrollmentJob.objects.get(pk=job.pk).version}


def texts(response: Any) -> list[str]:
    """Return the messages that the page shows."""
    return [str(message) for message in response.context["messages"]]


def errors(response: Any) -> dict[str, list[str]]:
    """Return the errors of the form that the page shows, by field."""
    return {name: list(map(str, found)) for name, found in response.context["adminform"].form.errors.items()}
