"""Forms that take a file or much text: what a person is told where Django would answer with a bare 400 or 500."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_protect

from learning_paths.uploads import TOO_LARGE, drop_uploads, is_full

View = TypeVar("View", bound=Callable[..., HttpResponse])


def takes_uploads(view: View) -> View:
    """
    Decorate a view, a method of an admin, whose form may be too large to read, or may meet a full disk.

    Such a form is sent back to where it came from, with the words for it, and nothing was done. Django reads a form
    when it looks for its token, before the view begins. So that look is taken here, once it could be read: without a
    token nothing of the view runs.
    """

    @wraps(view)
    def guarded(model_admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        problem = _unreadable(request) if request.method == "POST" else None
        if problem is None:
            try:
                return csrf_protect(lambda request: view(model_admin, request, *args, **kwargs))(request)
            except OSError as error:
                if not is_full(error):
                    raise
                _undo_request()
                problem = _disk_full()
        advice = gettext("Nothing was saved. Your browser's way back has what you typed.")
        messages.error(request, f"{problem} {advice}")
        return HttpResponseRedirect(request.get_full_path())

    guarded.csrf_exempt = True  # type: ignore[attr-defined]  # what the middleware looks at
    return cast(View, guarded)


def _unreadable(request: HttpRequest) -> str | None:
    """Read a form, and return what is wrong where that can't be done."""
    try:
        fields = request.POST
    except RequestDataTooBig:
        text = gettext("The form is larger than %(size)s, the most that the site takes.")
        text += " " + gettext("A long list of addresses goes into a file.")
        return text % {"size": filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)}
    except TOO_LARGE:
        return gettext("The form has more fields than the site takes.")
    except UnreadablePostError:
        return gettext("The form did not arrive whole. Send it again.")
    except OSError as error:
        if not is_full(error):
            raise
        drop_uploads(request)
        return _disk_full()
    if not fields and request.META.get("CONTENT_LENGTH") not in (None, "", "0"):
        # Somebody read it before us, and kept the error to itself.
        return gettext("The form could not be read: it is larger than the site takes, or it did not arrive whole.")
    return None


def _disk_full() -> str:
    return gettext("The site has no room to take in the file: its disk is full. Tell the site's operators.")


def _undo_request() -> None:
    """Undo the transaction that the LMS begins for each request, as an error that leaves the view would."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
