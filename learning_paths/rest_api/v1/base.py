"""What every view of the API has in common: its schema class and how errors become answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import SuspiciousOperation
from django.http import UnreadablePostError
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from learning_paths import exceptions
from learning_paths.faults import BUSY, RETRY_AFTER, is_busy
from learning_paths.rest_api.schema import PathsAutoSchema
from learning_paths.rest_api.v1.query import refuse_what_is_not_heard
from learning_paths.rest_api.v1.readable import encodable, refuse_what_is_no_text
from learning_paths.rest_api.v1.sizes import BodyTooLarge, DiskFull, refuse_what_is_too_large
from learning_paths.traces import trace
from learning_paths.uploads import TOO_LARGE, drop_uploads, is_full

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

STATUS_OF_ERROR: dict[type[exceptions.LearningPathsError], int] = {
    exceptions.LearningPathNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.UserNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.NotEnrolled: status.HTTP_404_NOT_FOUND,
    exceptions.CourseNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.AlreadyEnrolled: status.HTTP_409_CONFLICT,
    exceptions.BulkJobNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.BulkJobConflict: status.HTTP_409_CONFLICT,
    exceptions.BulkJobChanged: status.HTTP_409_CONFLICT,
    exceptions.SubscriptionNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.SubscriptionNotCurrent: status.HTTP_409_CONFLICT,
    exceptions.LicensesUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    exceptions.BulkTooLarge: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
}


SECONDS_TO_WAIT = 30
"""What ``Retry-After`` says where a service is away that is expected back."""


class Busy(APIException):
    """The database was busy for longer than somebody can be let wait: a 503 with ``Retry-After``."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = BUSY
    default_code = "busy"
    wait = RETRY_AFTER  # what DRF makes the header of


class PathsViewSet(GenericViewSet):  # type: ignore[type-arg]  # DRF 3.14 has no GenericViewSet[...]
    """Base of the views. The host sets no defaults to rely on, so each view names its permissions itself."""

    schema = PathsAutoSchema()
    takes_file = False
    """Whether a file may be uploaded; then a body may be as large as that."""

    @property
    def caller(self) -> User:
        """The account that sent the request; each view demands one."""
        return cast("User", self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what can't be read or is not heard: first what is asked of a body, last what tells of the view."""
        refuse_what_is_too_large(self, request)
        refuse_what_is_no_text(request)
        super().initial(request, *args, **kwargs)
        refuse_what_is_not_heard(self, request)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer errors of the domain, of Django's request parsing, and of a busy database, as DRF answers its own."""
        if isinstance(exc, exceptions.LearningPathsError):
            answer = APIException(str(exc), code=exc.code)
            answer.status_code = STATUS_OF_ERROR.get(type(exc), status.HTTP_400_BAD_REQUEST)
            if answer.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
                vars(answer)["wait"] = SECONDS_TO_WAIT  # DRF makes the header Retry-After of it
            exc = answer
        elif isinstance(exc, TOO_LARGE):
            exc = BodyTooLarge(self)
        elif is_full(exc):
            exc = DiskFull()
        elif isinstance(exc, SuspiciousOperation | RecursionError | UnreadablePostError):  # nested too deep, broken off
            exc = ParseError(_("The request is too large or malformed."))
        elif is_busy(exc):
            log.warning("Learning paths: the database is busy\n%s", trace(exc))
            exc = Busy()
        if isinstance(exc, DiskFull | BodyTooLarge):
            drop_uploads(self.request._request)
        response = super().handle_exception(exc)
        response.data = encodable(response.data)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let no cache keep an answer, errors and downloads included: nearly all name people (ADR 0003)."""
        response = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    def get_authenticate_header(self, request: Request) -> str:
        """Make an anonymous request a 401 even where the host's first way to authenticate names no challenge."""
        return super().get_authenticate_header(request) or "Session"
