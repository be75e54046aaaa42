"""
Reads JSON from the other services of the site, as an OAuth client, with patience that ends.

Whatever goes wrong ends as ``LicensesUnavailable``, and the log says what it was; it names neither tokens nor learners.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeAlias

import requests
from edx_rest_api_client.client import OAuthAPIClient, get_oauth_access_token

from learning_paths.exceptions import LicensesUnavailable
from learning_paths.licensing.asking import current_asking, still_asking

log = logging.getLogger(__name__)

Params: TypeAlias = dict[str, str | int]
PASSING = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
"""Errors after which it is worth to ask again."""


SECONDS_BETWEEN_SIGNS = 1.0
"""Whoever waits for a service shows that often that they still do."""


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How long one question may take: ``attempts`` for each request, everything else in seconds.

    ``deadline`` is for one question. All those of one request of a browser or a client together have ``request``, which
    is less than proxies usually wait, and what a service asks to wait is waited for up to ``longest_wait`` there.
    """

    connect_timeout: float = 3.05
    read_timeout: float = 10.0
    attempts: int = 3
    backoff: float = 0.5
    longest_wait: float = 5.0
    deadline: float = 120.0
    request: float = 50.0

    @property
    def timeout(self) -> tuple[float, float]:
        """The timeouts as requests takes them."""
        return self.connect_timeout, self.read_timeout


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a token is asked for with: client credentials, at the LMS."""

    url: str
    client_id: str
    client_secret: str


class ServiceClient:
    """
    Reads JSON objects for the length of one question, in one thread.

    A connection that fails, a 429 and a 5xx are tried again, after ``backoff`` seconds and then twice as long each
    time, or after what ``Retry-After`` says, if that is before the deadline. Within a request a service that wants to
    be left alone for more than ``longest_wait`` is. No redirect is followed.

    Before each request, and each second of a wait, it shows that it is still asking.
    """

    def __init__(self, credentials: Credentials, patience: Patience) -> None:
        self._patience = patience
        self._session = _Session(credentials, patience.timeout)
        self._ends = time.monotonic() + patience.deadline
        self._longest_wait = patience.deadline
        if (since := current_asking().request_since) is not None:
            self._ends = min(self._ends, since + patience.request)
            self._longest_wait = patience.longest_wait

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, url: str, params: Params | None = None, *, none_for: Collection[int] = ()) -> dict[str, Any] | None:
        """
        Return the JSON object that a URL answers with.

        Arguments:
            url: where it is.
            params: the query.
            none_for: statuses that are an answer too; None is returned for them.

        Raises:
            LicensesUnavailable: there was no such answer in time.
        """
        attempt = 0
        while True:
            attempt += 1
            still_asking()
            try:
                return self._try(url, params, none_for)
            except _Trouble as trouble:
                wait = self._patience.backoff * 2 ** (attempt - 1) if trouble.wait is None else trouble.wait
                if trouble.is_final or attempt == self._patience.attempts or not self._may_wait(wait):
                    log.warning("Learning paths: %s: %s (attempt %d)", url, trouble, attempt)
                    raise LicensesUnavailable from None
                _sleep(wait)

    def _may_wait(self, seconds: float) -> bool:
        return seconds <= self._longest_wait and time.monotonic() + seconds < self._ends

    def _try(self, url: str, params: Params | None, none_for: Collection[int]) -> dict[str, Any] | None:
        if time.monotonic() >= self._ends:
            raise _Trouble("no time left")
        try:
            response = self._session.get(url, params=params, timeout=self._patience.timeout, allow_redirects=False)
        except PASSING as error:
            raise _Trouble(type(error).__name__, is_final=False) from error
        except (requests.RequestException, ArithmeticError, TypeError, ValueError) as error:
            if isinstance(error, requests.HTTPError) and error.response is not None:  # raised for the token alone
                raise _status_trouble("no token", error.response) from error
            raise _Trouble(f"no token that makes sense, or no such URL: {type(error).__name__}") from error
        if response.status_code in none_for:
            return None
        if response.status_code != HTTPStatus.OK:
            raise _status_trouble("no answer", response)
        try:
            payload = response.json()
        except ValueError as error:
            raise _Trouble("the answer is not JSON") from error
        if not isinstance(payload, dict):
            raise _Trouble("the answer is not a JSON object")
        return payload


def _sleep(seconds: float) -> None:
    while seconds > SECONDS_BETWEEN_SIGNS:
        time.sleep(SECONDS_BETWEEN_SIGNS)
        seconds -= SECONDS_BETWEEN_SIGNS
        still_asking()
    time.sleep(seconds)


class _Trouble(Exception):
    """Why there is no answer, whether asking again may help, and after how many seconds the service says."""

    def __init__(self, text: str, *, is_final: bool = True, wait: float | None = None) -> None:
        super().__init__(text)
        self.is_final = is_final
        self.wait = wait


class _Session(OAuthAPIClient):
    """
    ``OAuthAPIClient``, but for a token that a service refuses.

    Tokens come from the cache of the site, where one stays for its whole life, although the keys of the LMS may have
    changed. So after a 401 a new one is fetched past the cache, once.
    """

    def __init__(self, credentials: Credentials, timeout: tuple[float, float]) -> None:
        arguments = (credentials.url, credentials.client_id, credentials.client_secret)
        super().__init__(*arguments, timeout=timeout)
        self.headers["Accept"] = "application/json"
        self._token_arguments = arguments
        self._token_timeout = timeout
        self._is_renewed = False

    def request(self, method: Any, url: Any, headers: Any = None, **kwargs: Any) -> requests.Response:
        if not self._is_renewed:
            response: requests.Response = super().request(method, url, headers=headers, **kwargs)
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                return response
            self.auth.token, _ = get_oauth_access_token(*self._token_arguments, timeout=self._token_timeout)
            self._is_renewed = True
        return requests.Session.request(self, method, url, headers=headers, **kwargs)


def _status_trouble(what: str, response: requests.Response) -> _Trouble:
    is_passing = response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.status_code >= 500
    return _Trouble(f"{what}: status {response.status_code}", is_final=not is_passing, wait=_retry_after(response))


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the header asks for, which may also be written as a date; None without a sound one."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
