"""Bulk jobs that read the licenses of a large plan from a slow license-manager, while others look for idle jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from threading import Event, Thread
from unittest import mock

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase, override_settings
from django.utils import timezone
from edx_django_utils.cache import TieredCache

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.licensing.license_manager import LicenseManagerBackend
from learning_paths.licensing.service_client import Patience
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollmentAllowed
from tests.factories import make_path, make_staff
from tests.licensing.services import Answer, Services
from tests.licensing.test_license_manager import settings_for
from tests.services.test_bulk_jobs import eventually

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite has one writer at a time, and no server."),
    # edx-rest-api-client, on Python 3.12.
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

LEASE = timedelta(seconds=1)
NAMES = ("ann", "ben", "cleo", "dan", "eve")


class SmallPages(LicenseManagerBackend):
    """Pages of two licenses."""

    patience = Patience(connect_timeout=5, read_timeout=5, longest_wait=0.1)
    page_size = 2


class LicenseJobTests(TransactionTestCase):
    """A lease of one second, a plan of three pages, and ``resume_bulk_jobs`` three times a second."""

    def setUp(self) -> None:
        TieredCache.dangerous_clear_all_tiers()
        self.services = self.enterContext(Services())
        backend = f"{__name__}.SmallPages"
        self.enterContext(override_settings(LEARNING_PATHS_LICENSE_BACKEND=backend, **settings_for(self.services.url)))
        for module in ("actions.bulk_job_run", "queries.bulk_jobs"):
            self.enterContext(mock.patch(f"learning_paths.{module}.LEASE", LEASE))
        self.plan = self.services.add_plan()
        for name in NAMES:
            self.services.add_license(self.plan, f"{name}@example.com")
        emails = [f"{name}@example.com" for name in (*NAMES, "zoe")]
        work = api.BulkWork(emails=tuple(emails), paths=(make_path(),), subscription=self.plan)
        self.job = api.queue_bulk_job(work, acting_user=make_staff("sam"))

    def pages(self) -> list[int]:
        """The pages that were asked for, in order."""
        return [int(request.rpartition("page=")[2]) for request in self.services.requests if "page_size" in request]

    def run_beside_the_command(self, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Run the job in a thread, and the command again and again until that is done; return what the command said."""
        over = Event()

        def work() -> None:
            try:
                api.run_bulk_job(self.job.pk)
            finally:
                connections.close_all()
                over.set()

        thread = Thread(target=work)
        thread.start()
        assert eventually(lambda: bool(self.pages()))
        meanwhile()
        out = StringIO()
        while not over.is_set():
            call_command("resume_bulk_jobs", "--here", stdout=out)
            time.sleep(0.3)
        thread.join()
        self.job.refresh_from_db()
        return out.getvalue()

    def assert_done(self) -> None:
        assert (self.job.state, self.job.counts) == (JobState.FINISHED, {"invited": 5, "license_not_valid": 1})
        assert self.pages()[-6:] == [1, 2, 3, 3, 2, 1]

    def test_reading_that_takes_longer_than_the_lease_costs_no_job_its_worker(self) -> None:
        self.services.seconds_per_page = 0.6
        assert self.run_beside_the_command() == ""
        self.assert_done()
        assert len(self.pages()) == 6

    def test_neither_does_a_service_that_asks_to_wait(self) -> None:
        self.services.say("/licenses/", Answer(429, headers={"Retry-After": "4"}))
        assert self.run_beside_the_command() == ""
        self.assert_done()
        assert len(self.pages()) == 7

    def test_a_job_that_is_cancelled_while_it_reads_stops_there(self) -> None:
        self.services.seconds_per_page = 0.5
        assert self.run_beside_the_command(self._cancel) == ""
        assert self.job.state == JobState.CANCELLED
        assert self.pages() in ([1], [1, 2])
        assert not LearningPathEnrollmentAllowed.objects.exists()

    def test_a_worker_that_was_taken_for_dead_while_it_reads_stops_too(self) -> None:
        self.services.seconds_per_page = 0.5
        self.run_beside_the_command(lambda: self._change(worker="another", heartbeat_at=timezone.now()))
        assert (self.job.state, self.job.worker) == (JobState.RUNNING, "another")
        assert self.pages() in ([1], [1, 2])
        assert not LearningPathEnrollmentAllowed.objects.exists()

    def _cancel(self) -> None:
        api.cancel_bulk_job(self.job)

    def _change(self, **values: object) -> None:
        BulkEnrollmentJob.objects.filter(pk=self.job.pk).update(**values)
