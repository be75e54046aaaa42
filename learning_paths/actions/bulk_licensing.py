"""Bulk runs that only those take part in who hold a license of a subscription. See ADR 0006."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from learning_paths.actions.bulk_enrollment import BulkWork
from learning_paths.actions.license_gate import apply_license_gate
from learning_paths.exceptions import SubscriptionNotFound
from learning_paths.licensing import get_license_backend
from learning_paths.licensing.asking import shown_by


def license_gate(work: BulkWork, subscription: UUID | None, *, everybody: bool = False) -> BulkWork:
    """
    Return what a subscription allows of a bulk request, with the rest set apart. Reads only.

    Call it before ``bulk_enroll`` or before a job is stored. A job asks for the licenses once more when it runs.

    Arguments:
        work: what ``prepare_bulk`` returned.
        subscription: the uuid of the plan; None asks for no license, and returns the work as it is.
        everybody: take everyone who has a valid license, whether the work names them or not.

    Raises:
        SubscriptionNotFound: there is no such plan.
        SubscriptionNotCurrent: none of its licenses count now.
        LicensesUnavailable: the service that knows could not be asked.
    """
    if subscription is None:
        return work
    keys = [*(path.key for path in work.paths), *work.course_keys]
    allowed = apply_license_gate(subscription, None if everybody else work.emails, keys)
    covered = set(allowed.covered_keys)
    licensed = set(allowed.licensed_emails)
    return replace(
        work,
        emails=allowed.licensed_emails,
        paths=tuple(path for path in work.paths if path.key in covered),
        course_keys=tuple(key for key in work.course_keys if key in covered),
        unlicensed_emails=tuple(email for email in work.emails if email not in licensed),
        uncovered_content=tuple(str(key) for key in allowed.uncovered_keys),
        subscription=subscription,
    )


def licensed_among(emails: Collection[str], subscription: UUID, *, show: Callable[[], None] | None = None) -> set[str]:
    """
    Return which of these addresses have a valid license now.

    None of them while the plan is not current, nor when it was deleted: a job that asks would else never end.

    Arguments:
        emails: normalized addresses.
        subscription: the uuid of the plan.
        show: called before each request to another service. What it raises ends the question.

    Raises:
        LicensesUnavailable: as ``license_gate``.
    """
    backend = get_license_backend()
    with shown_by(show):
        try:
            plan = backend.get_plan(subscription)
        except SubscriptionNotFound:
            return set()
        return set(backend.valid_licenses(plan, emails))
