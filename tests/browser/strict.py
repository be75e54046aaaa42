"""A site that lets a browser load no more than a policy allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

Answer = Callable[[HttpRequest], HttpResponse]


def sending(policy: str) -> Callable[[Answer], Answer]:
    """Return a middleware that sends the policy with each page."""

    def middleware(get_response: Answer) -> Answer:
        def respond(request: HttpRequest) -> HttpResponse:
            response = get_response(request)
            response["Content-Security-Policy"] = policy
            return response

        return respond

    return middleware


@contextmanager
def served_with(middleware: str) -> Iterator[str]:
    """Serve the site once more, with one more middleware: a server takes its middleware along when it starts."""
    with override_settings(MIDDLEWARE=[middleware, *settings.MIDDLEWARE]):
        server = LiveServer("localhost")
    yield server.url
    server.stop()
