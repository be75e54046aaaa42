"""A bulk job renews its lease while a license backend looks for its answer, and stops there when it lost it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import ClassVar
from unittest import mock
from uuid import UUID

from django.db import OperationalError
from django.test import TestCase, override_settings
from django.utils import timezone

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.licensing import PlanData, still_asking
from learning_paths.licensing.plans import PlanBackend
from learning_paths.models import BulkEnrollmentJob, LearningPathEnrollmentAllowed, SubscriptionPlan
from tests.factories import make_path, make_staff


class Slow(PlanBackend):
    """The built-in plans, in which something happens while the licenses are looked for."""

    meanwhile: ClassVar[Callable[[], None]]

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        type(self).meanwhile()
        still_asking()
        return super().valid_licenses(plan, emails)


class LicensedJobTests(TestCase):
    """A job of two addresses, of which one has a license."""

    def setUp(self) -> None:
        now = timezone.now()
        path = make_path()
        plan = SubscriptionPlan.objects.create(
            title="Plan", start_date=now - timedelta(days=1), expiration_date=now + timedelta(days=1), num_licenses=5
        )
        plan.learning_paths.add(path)
        api.assign_licenses(plan, "ann@example.com", acting_user=None)
        emails = ("ann@example.com", "ben@example.com")
        work = api.BulkWork(emails=emails, paths=(path,), subscription=plan.uuid)
        self.job = api.queue_bulk_job(work, acting_user=make_staff("sam"))
        self.enterContext(override_settings(LEARNING_PATHS_LICENSE_BACKEND=f"{__name__}.Slow"))

    def run_while(self, meanwhile: Callable[[], None]) -> None:
        with mock.patch.object(Slow, "meanwhile", meanwhile, create=True):
            assert api.run_bulk_job(self.job.pk) is None
        self.job.refresh_from_db()

    def change(self, **values: object) -> None:
        BulkEnrollmentJob.objects.filter(pk=self.job.pk).update(**values)

    def test_a_sign_renews_the_lease(self) -> None:
        seen: list[list[BulkEnrollmentJob]] = []

        def see() -> None:
            if not seen:
                self.change(heartbeat_at=timezone.now() - timedelta(seconds=59))
            seen.append(api.abandoned_bulk_jobs(timedelta(minutes=5)))

        self.run_while(see)
        assert seen == [[]]
        assert (self.job.state, self.job.counts) == (JobState.FINISHED, {"invited": 1, "license_not_valid": 1})
        assert self.job.heartbeat_at is not None
        assert timezone.now() - self.job.heartbeat_at < timedelta(seconds=30)

    def test_a_job_that_was_cancelled_or_taken_stops(self) -> None:
        for values in ({"state": JobState.CANCELLED, "worker": ""}, {"worker": "another"}):
            with self.subTest(values), self.assertLogs("learning_paths", "INFO") as logs:
                self.change(state=JobState.QUEUED)
                self.run_while(lambda values=values: self.change(**values))  # type: ignore[misc]
                assert "stops at bulk job" in logs.output[-1]
                assert self.job.counts == {}
                assert not LearningPathEnrollmentAllowed.objects.exists()

    def test_a_database_that_is_away_at_a_sign_puts_the_job_back(self) -> None:
        def away() -> None:
            raise OperationalError(2006, "gone")

        with self.assertLogs("learning_paths", "WARNING"), self.assertRaises(OperationalError):
            self.run_while(away)
        self.job.refresh_from_db()
        assert self.job.state == JobState.QUEUED

    @override_settings(LEARNING_PATHS_LICENSE_BACKEND="learning_paths.licensing.plans.PlanBackend")
    def test_a_backend_that_knows_nothing_of_signs_is_as_good(self) -> None:
        api.run_bulk_job(self.job.pk)
        self.job.refresh_from_db()
        assert self.job.counts == {"invited": 1, "license_not_valid": 1}
