"""A bulk request that names each pair of learner and course run by itself."""

from __future__ import annotations

from collections.abc import Sequence

from learning_paths.actions.bulk_enrollment import BulkWork
from learning_paths.actions.bulk_plan import Pair
from learning_paths.actions.bulk_words import presentable
from learning_paths.data import CourseEnrollmentRequest, InvalidEntry, RowCode
from learning_paths.emails import normalize_email
from learning_paths.exceptions import InvalidEmail
from learning_paths.licensing import get_license_backend
from learning_paths.queries.users import addresses_by_id


class NamedLicenses:
    """The licenses that a list names, looked up at once."""

    def __init__(self, requests: Sequence[CourseEnrollmentRequest]) -> None:
        backend = get_license_backend()
        named = {request.license_uuid for request in requests if request.license_uuid is not None}
        self._holders = backend.holders(named) if named else {}
        keys = {request.course_key for request in requests}
        plans = {holder.plan.uuid: holder.plan for holder in (self._holders or {}).values()}
        self._covered = {uuid: backend.covered(plan, keys) for uuid, plan in plans.items()}

    def allow(self, email: str, request: CourseEnrollmentRequest) -> bool:
        """Return whether the license of a request, if it names one, is valid, its learner's, and for its course run."""
        if request.license_uuid is None or self._holders is None:
            return True
        holder = self._holders.get(request.license_uuid)
        if holder is None or holder.email != email:
            return False
        return request.course_key in self._covered[holder.plan.uuid]


def prepare_listed(requests: Sequence[CourseEnrollmentRequest]) -> BulkWork:
    """
    Find out what a list of learners and course runs comes to: in one query when anybody is named by id, and three for
    each plan of which licenses are named.

    A pair that is named twice in the same way counts once, and is forced, or in the best mode, when one of them is.
    What is no address, and ids of no account, are set apart. Who names a license must hold it, and it must cover the
    course run.

    Arguments:
        requests: what is asked for, one by one. Each has an address or the id of an account; with both, the id counts.
    """
    licenses = NamedLicenses(requests)
    addresses = addresses_by_id([request.user_id for request in requests if request.user_id is not None])
    pairs: dict[object, Pair] = {}
    invalid: dict[str, InvalidEntry] = {}
    unknown: dict[int, None] = {}
    for line, request in enumerate(requests, start=1):
        if request.user_id is not None and request.user_id not in addresses:
            unknown[request.user_id] = None
            continue
        text = request.email if request.user_id is None else addresses[request.user_id]
        try:
            email = normalize_email(text)
        except InvalidEmail:
            shown = presentable(text)
            invalid.setdefault(shown.lower(), InvalidEntry(shown, line))
            continue
        refusal = None if licenses.allow(email, request) else RowCode.LICENSE_LOST
        pair = Pair(
            email,
            request.course_key,
            force=request.force,
            user_id=request.user_id,
            refusal=refusal,
            best_mode=request.best_mode,
        )
        named = (pair.id, pair.user_id)
        if (known := pairs.get(named)) is not None:
            pair = known._replace(force=known.force or pair.force, best_mode=known.best_mode or pair.best_mode)
        pairs[named] = pair
    return BulkWork(
        pairs=tuple(pairs.values()), invalid_emails=tuple(invalid.values()), invalid_user_ids=tuple(unknown)
    )
