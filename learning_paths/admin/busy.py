"""What the admin does while the database is busy: it tries again, and in the end says so, with all that was typed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.messages.storage import default_storage
from django.db import DatabaseError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from learning_paths.faults import BUSY, RETRY_AFTER, is_busy
from learning_paths.retrying import PATIENCE, retried
from learning_paths.traces import trace

log = logging.getLogger(__name__)

CSRF_FIELD = "csrfmiddlewaretoken"


class PatientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """
    An admin whose pages are tried again when they meet a deadlock or a lock that takes too long.

    A deadlock undoes the transaction that the LMS begins for a request, so that nothing within it can try again. So
    each page begins that transaction itself, and is tried again with it. Pages that opt out of such a transaction are
    not tried again as a whole; the actions that they call are. See ADR 0003, "Locks".
    """

    @property
    def urls(self) -> list[URLPattern]:
        """Return the addresses of all pages, those of subclasses too."""
        patterns: list[URLPattern] = super().urls
        for pattern in patterns:
            pattern.callback = self._patient(pattern.callback)
        return patterns

    def _patient(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        is_atomic = not getattr(view, "_non_atomic_requests", None)

        @transaction.non_atomic_requests
        @wraps(view)
        def repeated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            attempts = 0

            def attempt() -> HttpResponse:
                nonlocal attempts
                attempts += 1
                if attempts > 1:
                    _begin_anew(request)
                with transaction.atomic() if is_atomic else nullcontext():
                    return view(request, *args, **kwargs)

            try:
                return retried(attempt, patience=PATIENCE) if is_atomic else attempt()
            except OperationalError as error:
                if not is_busy(error):
                    raise
                log.warning("Learning paths: the database is busy\n%s", trace(error))
                return self._say_busy(request)

        return repeated

    def _say_busy(self, request: HttpRequest) -> HttpResponse:
        """
        Return a page that says so, and sends once more what was typed.

        It shows what came with the request only once that has passed the check of its token, which precedes all else.
        """
        try:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("The site is busy"),
                "busy": BUSY,
                "is_post": request.method == "POST",
                "has_files": request.method == "POST" and bool(request.FILES),
                "address": request.get_full_path(),
                "typed": [
                    (name, text)
                    for name, texts in request.POST.lists()
                    for text in texts
                    if request.method == "POST" and name != CSRF_FIELD
                ],
            }
            text = render_to_string("learning_paths/admin/busy.html", context, request)
        except DatabaseError:
            return HttpResponse(BUSY, status=503, headers={"Retry-After": str(RETRY_AFTER)}, content_type="text/plain")
        return HttpResponse(text, status=503, headers={"Retry-After": str(RETRY_AFTER)})


def _begin_anew(request: HttpRequest) -> None:
    """Forget what the attempt before left in the request: its messages, and how far its files were read."""
    request._messages = default_storage(request)  # type: ignore[attr-defined]  # as the middleware sets it
    for files in request.FILES.lists():
        for file in files[1]:
            file.seek(0)
