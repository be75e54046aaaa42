"""
The answer about licenses of a site that runs the license-manager service.

Name ``learning_paths.licensing.license_manager.LicenseManagerBackend`` in ``LEARNING_PATHS_LICENSE_BACKEND``. Plans and
licenses are license-manager's; what a plan covers is up to the catalog of the enterprise-catalog service that the plan
names. The account of the OAuth client needs the role ``enterprise_openedx_operator`` in both. See ADR 0006.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from opaque_keys.edx.keys import CourseKey

from learning_paths.exceptions import LicensesUnavailable, SubscriptionNotFound
from learning_paths.keys import LearningPathKey
from learning_paths.licensing.base import ContentKey, LicenseBackend, LicenseHolder, PlanData
from learning_paths.licensing.kept import Kept
from learning_paths.licensing.license_pages import LicensePages
from learning_paths.licensing.service_client import Credentials, Params, Patience, ServiceClient
from learning_paths.models import LearningPathStep
from learning_paths.traces import outline

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

SETTINGS = {
    "LEARNING_PATHS_LICENSE_MANAGER_URL": "",
    "LEARNING_PATHS_ENTERPRISE_CATALOG_URL": "ENTERPRISE_CATALOG_INTERNAL_ROOT_URL",
    "LEARNING_PATHS_OAUTH_URL": "ENTERPRISE_BACKEND_SERVICE_EDX_OAUTH2_PROVIDER_URL",
    "LEARNING_PATHS_OAUTH_CLIENT_ID": "ENTERPRISE_BACKEND_SERVICE_EDX_OAUTH2_KEY",
    "LEARNING_PATHS_OAUTH_CLIENT_SECRET": "ENTERPRISE_BACKEND_SERVICE_EDX_OAUTH2_SECRET",
}
"""What the backend is told, and the setting of the LMS that stands in for it."""


class LicenseManagerBackend(LicenseBackend):
    """
    The questions of the protocol, put to license-manager and enterprise-catalog.

    Each process keeps the licenses of a plan for ``keep_licenses`` seconds after it has read them, or for as long as
    reading took if that is longer, so that the parts of one bulk job do not each read all pages: a license that was
    revoked is noticed after that time and the time that reading takes. What a catalog contains is kept for
    ``keep_coverage``; the service itself keeps it for half an hour. For 0 seconds nothing is kept.
    The plan is asked for each time.

    A site with other needs names a subclass, with other values of the attributes.
    """

    patience: ClassVar[Patience] = Patience()
    page_size: ClassVar[int] = 500
    max_pages: ClassVar[int] = 400
    max_plan_pages: ClassVar[int] = 20
    keep_licenses: ClassVar[float] = 20.0
    keep_coverage: ClassVar[float] = 300.0

    def __init__(self) -> None:
        self._licenses: Kept[dict[str, UUID]] = Kept(self.keep_licenses)
        self._plans: Kept[list[PlanData]] = Kept(self.keep_licenses)
        self._catalogs: Kept[UUID] = Kept(self.keep_licenses)
        self._contained: Kept[bool] = Kept(self.keep_coverage)

    def get_plan(self, uuid: UUID) -> PlanData:
        """
        See ``LicenseBackend.get_plan``. One request.

        For a plan that does not exist the service answers 403 to an account that is no superuser, so a 403 says the
        same here as a 404.
        """
        with self._client() as client:
            return self._plan(client, uuid)[0]

    def plans_for(self, user: User) -> list[PlanData]:
        """
        See ``LicenseBackend.plans_for``. One request for each hundred plans, and ``max_plan_pages`` at most.

        Every member of staff is offered the same: the current plans of all customers of the service that the account
        of the OAuth client may see.
        """
        if (kept := self._plans.get(url := self._plans_url())) is not None:
            return list(kept)
        plans: dict[UUID, PlanData] = {}
        began = time.monotonic()
        with self._client() as client:
            for number in range(1, self.max_plan_pages + 1):
                if (page := client.get(url, {"page": number}, none_for=[HTTPStatus.NOT_FOUND])) is None:
                    break
                with _shape_of(url):
                    found = [_plan_data(plan) for plan in page["results"]]
                    has_more = page["next"] is not None
                plans.update((plan.uuid, plan) for plan in found if plan.is_current)
                if not has_more:
                    break
            else:
                log.warning("Learning paths: %s: only the first %d pages are offered", url, self.max_plan_pages)
        offered = sorted(plans.values(), key=lambda plan: (plan.title, plan.uuid))
        self._plans.put(url, offered, at_least=time.monotonic() - began)
        return list(offered)

    def valid_licenses(self, plan: PlanData, emails: Collection[str] | None) -> dict[str, UUID]:
        """
        See ``LicenseBackend.valid_licenses``. One request for a plan of up to ``page_size`` licenses.

        A plan with more is read twice: see ``LicensePages``. The service can't be asked for certain addresses, so it is
        always asked for all.
        """
        if not plan.is_current or (emails is not None and not emails):
            return {}
        url = f"{self._plans_url()}{plan.uuid}/licenses/"
        if (licenses := self._licenses.get(url)) is None:
            began = time.monotonic()
            with self._client() as client, _shape_of(url):
                pages = LicensePages(client, url, plan.uuid, page_size=self.page_size, max_pages=self.max_pages)
                licenses = pages.valid_licenses()
            self._licenses.put(url, licenses, at_least=time.monotonic() - began)
        if emails is None:
            return dict(licenses)
        return {email: licenses[email] for email in emails if email in licenses}

    def content(self, plan: PlanData) -> set[ContentKey] | None:
        """See ``LicenseBackend.content``. A catalog may hold any number of courses: it is not listed."""
        return None

    def holders(self, licenses: Collection[UUID]) -> dict[UUID, LicenseHolder] | None:
        """See ``LicenseBackend.holders``. The service is asked by plan, and an entry does not name one: believed."""
        return None

    def covered(self, plan: PlanData, keys: Collection[ContentKey]) -> set[ContentKey]:
        """
        See ``LicenseBackend.covered``. One query for the steps of paths, one request for each of the course runs.

        A path is covered when it has steps and the catalog contains the course run of each. The service tells of
        several course runs only whether it contains any of them, hence a request for each. Whether it tells apart two
        keys that differ in case is up to its database.
        """
        needed: dict[ContentKey, set[CourseKey]] = {key: {key} for key in keys if isinstance(key, CourseKey)}
        needed.update(_course_runs_of_paths([key for key in keys if isinstance(key, LearningPathKey)]))
        if not needed:
            return set()
        with self._client() as client:
            catalog_url = f"{_url('LEARNING_PATHS_ENTERPRISE_CATALOG_URL')}/api/v1/enterprise-catalogs"
            url = f"{catalog_url}/{self._catalog(client, plan.uuid)}/contains_content_items/"
            is_contained: Callable[[CourseKey], bool] = cache(lambda run: self._is_contained(client, url, str(run)))
            return {key for key, runs in needed.items() if all(is_contained(run) for run in sorted(runs, key=str))}

    def unusable_settings(self) -> dict[str, str]:
        """Return the settings that are missing or can't be used, each with a hint, for the system check."""
        return {name: _hint(name) for name in SETTINGS if _setting(name) is None}

    def _client(self) -> ServiceClient:
        url, client_id, client_secret = (
            _required(f"LEARNING_PATHS_OAUTH_{name}") for name in ("URL", "CLIENT_ID", "CLIENT_SECRET")
        )
        return ServiceClient(Credentials(url, client_id, client_secret), self.patience)

    def _plans_url(self) -> str:
        return f"{_url('LEARNING_PATHS_LICENSE_MANAGER_URL')}/api/v1/subscriptions/"

    def _plan(self, client: ServiceClient, uuid: UUID) -> tuple[PlanData, UUID]:
        """Return a plan and its catalog, which is kept."""
        url = f"{self._plans_url()}{uuid}/"
        answer = client.get(url, none_for=[HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN])
        if answer is None:
            log.warning("Learning paths: %s: there is no such plan, or the OAuth client lacks the role to read it", url)
            raise SubscriptionNotFound
        with _shape_of(url):
            plan = _plan_data(answer)
            if plan.uuid != uuid:
                raise ValueError("another plan")
            catalog = UUID(answer["enterprise_catalog_uuid"])
        self._catalogs.put(url, catalog)
        return plan, catalog

    def _catalog(self, client: ServiceClient, uuid: UUID) -> UUID:
        url = f"{self._plans_url()}{uuid}/"
        return self._catalogs.get(url) or self._plan(client, uuid)[1]

    def _is_contained(self, client: ServiceClient, url: str, course_run: str) -> bool:
        question = f"{url}?{course_run}"
        if (kept := self._contained.get(question)) is not None:
            return kept
        params: Params = {"course_run_ids": course_run}
        answer = client.get(url, params) or {}
        with _shape_of(url):
            contained = answer["contains_content_items"]
            if not isinstance(contained, bool):
                raise TypeError("contains_content_items is no boolean")
        self._contained.put(question, contained)
        return contained


def _setting(name: str) -> str | None:
    value = getattr(settings, name, None) or getattr(settings, SETTINGS[name], None)
    is_sound = isinstance(value, str) and (not name.endswith("_URL") or value.startswith(("http://", "https://")))
    return value if is_sound else None


def _hint(name: str) -> str:
    kind = "A URL that begins with http:// or https://" if name.endswith("_URL") else "A text"
    stand_in = SETTINGS[name]
    return f"{kind}; when it is left out, {stand_in} is used." if stand_in else f"{kind}."


def _required(name: str) -> str:
    if (value := _setting(name)) is None:
        log.warning("Learning paths: the license-manager service can't be asked without %s", name)
        raise LicensesUnavailable
    return value


def _url(name: str) -> str:
    return _required(name).rstrip("/")


@contextmanager
def _shape_of(url: str) -> Iterator[None]:
    """Report an answer that can't be understood for what it is."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("Learning paths: %s: the answer can't be understood: %s", url, outline(error))
        raise LicensesUnavailable from None


def _plan_data(plan: dict[str, Any]) -> PlanData:
    starts, expires = _moment(plan["start_date"]), _moment(plan["expiration_date"])
    if not isinstance(plan["is_active"], bool) or not isinstance(plan["title"], str):
        raise TypeError("is_active is no boolean or title no text")
    return PlanData(
        uuid=UUID(plan["uuid"]),
        title=plan["title"],
        org="",  # the service knows customers, which are no organizations of the LMS
        start_date=starts,
        expiration_date=expires,
        is_current=plan["is_active"] and starts <= timezone.now() < expires,
    )


def _moment(text: str) -> datetime:
    if (moment := parse_datetime(text)) is None:
        raise ValueError("no date and time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _course_runs_of_paths(keys: Collection[LearningPathKey]) -> dict[ContentKey, set[CourseKey]]:
    """Return the course runs of the steps of each path that has steps, in one query."""
    runs: dict[ContentKey, set[CourseKey]] = {}
    if keys:
        steps = LearningPathStep.objects.filter(learning_path__key__in=keys).order_by()
        wanted = set(keys)
        for path_key, course_key in steps.values_list("learning_path__key", "course_key"):
            if path_key in wanted and course_key is not None:
                runs.setdefault(path_key, set()).add(course_key)
    return runs
