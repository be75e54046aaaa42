"""The licenses of a plan of license-manager, read page by page while they may change."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from learning_paths.data import LicenseStatus
from learning_paths.emails import normalize_email
from learning_paths.exceptions import InvalidEmail, LicensesUnavailable
from learning_paths.licensing.service_client import Params, ServiceClient

log = logging.getLogger(__name__)

VALID = (LicenseStatus.ASSIGNED, LicenseStatus.ACTIVATED)
"""The statuses in which a license counts; those of the service have the same names as ours."""
MAX_READS = 4
MAX_SINGLE = 25


class LicensePages:
    """
    Reads all valid licenses of one plan.

    The service has page numbers only. A license that is revoked while they are read moves all that follow, and the
    first of the next page slips onto one that was read; a license that is added does so for whoever reads downwards.
    So what takes more than one page is read up and then down, ordered by address, in which an activation moves nothing.
    Whoever is in the second reading has a license. Whoever was in the first alone, be it revoked or slipped past, is
    asked for by the uuid of the license; when those are more than 25, one more reading is made, and four at most.

    Pages are asked for by number, below the URL that is known: the URL in ``next``, which may name another host, is not
    followed.
    """

    def __init__(self, client: ServiceClient, url: str, plan_uuid: UUID, *, page_size: int, max_pages: int) -> None:
        self._client = client
        self._url = url
        self._plan_uuid = plan_uuid
        self._page_size = page_size
        self._max_pages = max_pages

    def valid_licenses(self) -> dict[str, UUID]:
        """
        Return the uuid of a valid license by normalized address.

        Raises:
            LicensesUnavailable: there was no answer, they are too many, or they change too fast.
            AttributeError, KeyError, TypeError, ValueError: the answer is not what was expected.
        """
        seen, last = self._read_up(1)
        if last == 1:
            return _by_email(seen.values())
        for _ in range(MAX_READS - 1):
            again = self._read_down(last)
            missing = seen.keys() - again.keys()
            if len(missing) <= MAX_SINGLE:
                again.update(self._read_single(missing))
                return _by_email(again.values())
            seen = again
        log.warning("Learning paths: %s: the licenses change faster than they can be read", self._url)
        raise LicensesUnavailable

    def _read_up(self, first: int) -> tuple[dict[UUID, _License], int]:
        """Return the licenses from one page on, and the number of the last page."""
        found: dict[UUID, _License] = {}
        for number in range(first, self._max_pages + 1):
            page, has_more = self._page(number)
            found.update(page)
            if not has_more:
                return found, number
        log.warning("Learning paths: %s: there are more than %d pages of licenses", self._url, self._max_pages)
        raise LicensesUnavailable

    def _read_down(self, last: int) -> dict[UUID, _License]:
        """Return the licenses from what was the last page down to the first, and before them those of newer pages."""
        found, _ = self._read_up(last)
        for number in range(last - 1, 0, -1):
            page, _ = self._page(number)
            found.update(page)
        return found

    def _read_single(self, uuids: Iterable[UUID]) -> dict[UUID, _License]:
        answers = (self._client.get(f"{self._url}{uuid}/", none_for=[HTTPStatus.NOT_FOUND]) for uuid in uuids)
        return self._valid([answer for answer in answers if answer is not None])

    def _page(self, number: int) -> tuple[dict[UUID, _License], bool]:
        """Return the licenses of a page, and whether there are more. A page that is no longer there is empty."""
        params: Params = {
            "status": ",".join(VALID),
            "ignore_null_emails": 1,
            "ordering": "user_email",
            "page_size": self._page_size,
            "page": number,
        }
        answer = self._client.get(self._url, params, none_for=[HTTPStatus.NOT_FOUND] if number > 1 else [])
        if answer is None:
            return {}, False
        return self._valid(answer["results"]), answer["next"] is not None

    def _valid(self, rows: list[dict[str, Any]]) -> dict[UUID, _License]:
        """Return those that are valid, of this plan and of an address that an account here could have."""
        found = {}
        for row in rows:
            if UUID(row["subscription_plan_uuid"]) != self._plan_uuid:
                raise ValueError("a license of another plan")
            if row["status"] not in VALID or row["user_email"] is None:
                continue
            try:
                email = normalize_email(row["user_email"])
            except InvalidEmail:
                continue
            uuid = UUID(row["uuid"])
            found[uuid] = _License(uuid, email, row["status"] == LicenseStatus.ACTIVATED)
        return found


class _License(NamedTuple):
    uuid: UUID
    email: str
    is_activated: bool


def _by_email(licenses: Iterable[_License]) -> dict[str, UUID]:
    """Return one license for each address, an activated one where the service has several."""
    return {each.email: each.uuid for each in sorted(licenses, key=lambda each: (each.is_activated, each.uuid))}
