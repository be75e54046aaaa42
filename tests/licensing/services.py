"""
License-manager, enterprise-catalog and the token endpoint of the LMS, played by one HTTP server on loopback.

It speaks the JSON that the services document, as far as the backend reads it; see ADR 0006 for what that is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

CATALOG = UUID("7467c9d2-433c-4f7e-ba2e-c5c7798527b2")


@dataclass(frozen=True)
class Answer:
    """What the server says instead of what it would say."""

    status: int = 200
    body: bytes | dict[str, Any] | list[Any] = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0


class Services:
    """The server and what it knows. ``requests`` is what was asked for, but for tokens."""

    def __init__(self) -> None:
        self.plans: dict[UUID, dict[str, Any]] = {}
        self.licenses: dict[UUID, dict[str, Any]] = {}
        self.contained: set[str] = set()
        self.valid_tokens: set[str] = set()
        self.tokens_given = 0
        self.requests: list[str] = []
        self.answers: dict[str, list[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.after_page: list[Callable[[], None]] = []
        self.next_host = ""
        self.unknown_plan_status = 404
        self.seconds_per_page = 0.0
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet for head and body: two wait for one another

            def do_GET(self) -> None:
                services.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                services.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add_plan(self, title: str = "Spring", **fields: Any) -> UUID:
        """Return the uuid of a new plan that is current."""
        uuid = uuid4()
        self.plans[uuid] = {
            "title": title,
            "uuid": str(uuid),
            "start_date": "2020-01-01T00:00:00Z",
            "expiration_date": "2120-01-01T00:00:00Z",
            "enterprise_customer_uuid": "378d5bf0-f67d-4bf7-8b2a-cbbc53d0f772",
            "enterprise_catalog_uuid": str(CATALOG),
            "is_active": True,
            "is_current": True,
            "licenses": {},
            **fields,
        }
        return uuid

    def add_license(self, plan: UUID, email: str | None, status: str = "assigned") -> UUID:
        """Return the uuid of a new license."""
        uuid = uuid4()
        self.licenses[uuid] = {
            "uuid": str(uuid),
            "status": status,
            "user_email": email,
            "activation_date": None,
            "last_remind_date": None,
            "subscription_plan_uuid": str(plan),
            "revoked_date": None,
            "activation_key": None,
        }
        return uuid

    def revoke(self, license_uuid: UUID) -> None:
        """Revoke a license, as an administrator would."""
        self.licenses[license_uuid] |= {"status": "revoked", "revoked_date": "2026-05-01T00:00:00Z"}

    def forget(self, license_uuid: UUID) -> None:
        """Delete a license."""
        del self.licenses[license_uuid]

    def say(self, part: str, *answers: Answer) -> None:
        """Answer the next requests whose path has this part with these."""
        self.answers.setdefault(part, []).extend(answers)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        url = urlsplit(handler.path)
        answer = self._scripted(url.path)
        if not url.path.endswith("/oauth2/access_token"):
            self.requests.append(handler.path)
            if (
                answer is None
                and handler.headers.get("Authorization", "").removeprefix("JWT ") not in self.valid_tokens
            ):
                answer = Answer(401, {"detail": "Invalid token."})
        if answer is None:
            answer = self._answer(url.path, {name: values[-1] for name, values in parse_qs(url.query).items()})
        if answer.delay:
            time.sleep(answer.delay)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        try:
            handler.send_response(answer.status)
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except ConnectionError:  # whoever asked did not wait
            handler.close_connection = True

    def _scripted(self, path: str) -> Answer | None:
        for part, answers in self.answers.items():
            if part in path and answers:
                return answers.pop(0)
        return next((answer for part, answer in self.always.items() if part in path), None)

    def _answer(self, path: str, query: dict[str, str]) -> Answer:
        match path.strip("/").split("/"):
            case ["oauth2", "access_token"]:
                self.tokens_given += 1
                token = f"token-{self.tokens_given}"
                self.valid_tokens.add(token)
                return Answer(body={"access_token": token, "expires_in": 3600, "token_type": "JWT"})
            case ["api", "v1", "subscriptions"]:
                return self._page(path, list(self.plans.values()), query, size=100)
            case ["api", "v1", "subscriptions", uuid]:
                plan = self.plans.get(UUID(uuid))
                return Answer(body=plan) if plan else Answer(self.unknown_plan_status, {"detail": "No."})
            case ["api", "v1", "subscriptions", plan_uuid, "licenses"]:
                rows = [row for row in self.licenses.values() if row["subscription_plan_uuid"] == plan_uuid]
                rows = [row for row in rows if row["status"] in query["status"].split(",")]
                rows = [row for row in rows if row["user_email"] is not None]
                assert query["ignore_null_emails"] == "1"
                rows.sort(key=lambda row: row[query["ordering"]].lower())
                answer = self._page(path, rows, query, size=min(int(query["page_size"]), 500))
                if self.after_page:
                    self.after_page.pop(0)()
                return replace(answer, delay=self.seconds_per_page)
            case ["api", "v1", "subscriptions", _, "licenses", uuid]:
                license_row = self.licenses.get(UUID(uuid))
                return Answer(body=license_row) if license_row else Answer(404, {"detail": "Not found."})
            case ["api", "v1", "enterprise-catalogs", uuid, "contains_content_items"] if UUID(uuid) == CATALOG:
                return Answer(body={"contains_content_items": query["course_run_ids"] in self.contained})
        return Answer(404, {"detail": "Not found."})

    def _page(self, path: str, rows: list[dict[str, Any]], query: dict[str, str], *, size: int) -> Answer:
        number = int(query.get("page", 1))
        pages = max(1, -(-len(rows) // size))
        if number > pages:
            return Answer(404, {"detail": "Invalid page."})
        following = f"{self.next_host or self.url}{path}?{urlencode(query | {'page': str(number + 1)})}"
        body = {
            "count": len(rows),
            "next": following if number < pages else None,
            "previous": None,
            "results": [dict(row) for row in rows[(number - 1) * size : number * size]],
            "num_pages": pages,
        }
        return Answer(body=body)
