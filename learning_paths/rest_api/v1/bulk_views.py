"""The bulk endpoint: many addresses, many paths, and a result for every pair."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from learning_paths import api
from learning_paths.data import BulkOperation, BulkReport
from learning_paths.rest_api.schema import described
from learning_paths.rest_api.v1.base import PathsViewSet
from learning_paths.rest_api.v1.bulk_serializers import (
    BulkEnrollAnswerSerializer,
    BulkRequestSerializer,
    BulkUnenrollAnswerSerializer,
    counts_of_enrolling,
    counts_of_unenrolling,
    render_report,
)
from learning_paths.rest_api.v1.permissions import IsStaff

REQUEST = OpenApiExample(
    "Two paths, three people",
    request_only=True,
    value={
        "learning_paths": ["path-v1:DemoX+DS101+2026", "path-v1:DemoX+WEB+2026+A"],
        "emails": "ana@example.com, Ben Okri <ben@example.com>; new@example.com",
        "reason": "Cohort of autumn",
    },
)
ANSWER = OpenApiExample(
    "One of each",
    response_only=True,
    status_codes=["201"],
    value={
        "successes": [
            {
                "email": "ana@example.com",
                "learning_path": "path-v1:DemoX+DS101+2026",
                "username": "ana",
                "created": True,
            }
        ],
        "pending": [{"email": "new@example.com", "learning_path": "path-v1:DemoX+DS101+2026", "created": True}],
        "failures": [
            {
                "email": "twice@example.com",
                "learning_path": "path-v1:DemoX+DS101+2026",
                "code": "ambiguous_email",
                "reason": "More than one account has this e-mail address. Enroll the learner by username.",
            }
        ],
        "invalid_email_addresses": ["nope"],
        "invalid_learning_paths": ["path-v1:x"],
        "enrollments_created": 1,
        "enrollment_allowed_created": 1,
    },
)
NOTHING_VALID = "A field is missing or of the wrong type, or nothing could be done for any pair (then the same body)."
TOO_MANY = OpenApiResponse(description="More pairs than `LEARNING_PATHS_BULK_SYNC_LIMIT`. Nothing was done.")
NOT_STAFF = OpenApiResponse(description="The caller is not staff.")


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BulkEnrollmentViewSet(PathsViewSet):
    """
    Enrolls and unenrolls many at once.

    It opts out of the LMS's ``ATOMIC_REQUESTS``: the chunks are transactions of their own, or their locks would be held
    to the end of the request and one of them could undo the others (ADR 0004).
    """

    permission_classes = [IsAuthenticated, IsStaff]
    parser_classes = [JSONParser, FormParser, MultiPartParser]
    serializer_class = BulkRequestSerializer

    @described(
        summary="Enroll many",
        description=(
            "Enrolls the owner of each address in each path, now or as soon as an account with the address is active. "
            "Everything is attempted; one row's failure touches no other row, and the answer accounts for everything "
            "that was named."
        ),
        request=BulkRequestSerializer,
        responses={
            200: OpenApiResponse(BulkEnrollAnswerSerializer, description="`dry_run`: what would happen."),
            201: OpenApiResponse(BulkEnrollAnswerSerializer, description="At least one pair is enrolled or pending."),
            400: OpenApiResponse(BulkEnrollAnswerSerializer, description=NOTHING_VALID),
            403: NOT_STAFF,
            413: TOO_MANY,
        },
        examples=[REQUEST, ANSWER],
    )
    def create(self, request: Request) -> Response:
        """Answer POST."""
        asked = self._parse(request)
        report = self._run(asked, BulkOperation.ENROLL)
        body = {**render_report(report, changed_as="created"), **counts_of_enrolling(report)}
        success = status.HTTP_200_OK if asked.validated_data["dry_run"] else status.HTTP_201_CREATED
        return Response(body, status=_status(report, success))

    @described(
        summary="Unenroll many",
        description=(
            "Switches the enrollment of each address's owner in each path off, and withdraws what is pending for the "
            "address. A pair with nothing to undo is a success."
        ),
        request=BulkRequestSerializer,
        responses={
            200: BulkUnenrollAnswerSerializer,
            400: OpenApiResponse(BulkUnenrollAnswerSerializer, description=NOTHING_VALID),
            403: NOT_STAFF,
            413: TOO_MANY,
        },
        examples=[REQUEST],
    )
    def destroy(self, request: Request) -> Response:
        """Answer DELETE."""
        report = self._run(self._parse(request), BulkOperation.UNENROLL)
        body = {**render_report(report, changed_as="changed"), **counts_of_unenrolling(report)}
        return Response(body, status=_status(report, status.HTTP_200_OK))

    def _parse(self, request: Request) -> BulkRequestSerializer:
        asked = BulkRequestSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        return asked

    def _run(self, asked: BulkRequestSerializer, operation: BulkOperation) -> BulkReport:
        work = asked.work
        if len(work) > settings.LEARNING_PATHS_BULK_SYNC_LIMIT:
            raise TooManyPairs(len(work))
        if asked.validated_data["dry_run"]:
            return api.plan_bulk_enrollment(work, operation=operation)
        run = api.bulk_enroll if operation == BulkOperation.ENROLL else api.bulk_unenroll
        return run(work, **asked.attribution, acting_user=self.caller)


class TooManyPairs(APIException):
    """More pairs of address and path than one request handles."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE

    def __init__(self, pairs: int) -> None:
        text = _(
            "These are %(pairs)d pairs of address and learning path. One request handles at most %(limit)d. "
            "Send fewer addresses or learning paths at a time."
        )
        super().__init__(text % {"pairs": pairs, "limit": settings.LEARNING_PATHS_BULK_SYNC_LIMIT})


def _status(report: BulkReport, success: int) -> int:
    done = any(not row.code.is_failure for row in report.rows)
    return success if done else status.HTTP_400_BAD_REQUEST
