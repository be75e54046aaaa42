"""What comes in and goes out at the enrollment routes of ``learning-paths-plugin`` 0.5.0."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from learning_paths import api
from learning_paths.data import BulkReport, EnrollmentOutcome, ParsedEmails, RowStatus
from learning_paths.models import LearningPath, LearningPathEnrollment
from learning_paths.rest_api.v1.bulk_serializers import (
    BulkRequestSerializer,
    EmailsField,
    FailureSerializer,
    KeysField,
    WhyAndAsWhat,
    render_report,
)

ROWS_AT_ONCE = 2000
OWN_BULK_ENDPOINT = "/api/v1/enrollment/bulk_enroll/"


class EnrollmentWithIdsSerializer(serializers.Serializer[Any]):
    """An enrollment; learner and path by their ids."""

    user = serializers.IntegerField(read_only=True)
    learning_path = serializers.IntegerField(read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    created = serializers.DateTimeField(read_only=True)


FIELDS = tuple(EnrollmentWithIdsSerializer().fields)


def render_outcome(outcome: EnrollmentOutcome, path: LearningPath) -> dict[str, Any]:
    """Return the enrollment of a learner in this path."""
    enrollment = outcome.enrollment
    return dict(zip(FIELDS, (enrollment.user_id, path.pk, enrollment.is_active, enrollment.created), strict=True))


def whole_list(enrollments: QuerySet[LearningPathEnrollment]) -> Response | StreamingHttpResponse:
    """
    Answer with all of the enrollments, oldest first: the contract knows no pages.

    Reads and holds ``ROWS_AT_ONCE`` of them at a time. A list that is longer is sent while it is read, after the
    request's transaction, so that a million rows cost neither memory nor a long transaction.
    """
    pieces = _pieces(enrollments)
    first = next(pieces, [])
    if len(first) < ROWS_AT_ONCE:
        return Response(first)
    return StreamingHttpResponse(_json_of(chain([first], pieces)), content_type="application/json")


def _pieces(enrollments: QuerySet[LearningPathEnrollment]) -> Iterator[list[dict[str, Any]]]:
    rows = enrollments.order_by("pk").values_list("pk", *FIELDS)
    last = 0
    while some := list(rows.filter(pk__gt=last)[:ROWS_AT_ONCE]):
        yield [dict(zip(FIELDS, row[1:], strict=True)) for row in some]
        if len(some) < ROWS_AT_ONCE:
            return
        last = some[-1][0]


def _json_of(pieces: Iterator[list[dict[str, Any]]]) -> Iterator[str]:
    separator = "["
    for rows in pieces:
        yield separator + json.dumps(rows, cls=JSONEncoder, separators=(",", ":"))[1:-1]
        separator = ","
    yield "]"


class BulkEnrollSerializer(serializers.Serializer[Any]):
    """
    Who is to be enrolled in what. As in 0.5.0, what is no address, and what is no path, is left out and not an error,
    and a missing field is an empty one.
    """

    learning_paths = KeysField(
        required=False, allow_blank=True, help_text=_("Keys of learning paths, separated by commas, or a list of them.")
    )
    emails = EmailsField(
        required=False, allow_blank=True, help_text=_("Addresses, separated by commas, or a list of them.")
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    role = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)
    org = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what only the plugin's own endpoint knows: a dry run that is none would enroll people."""
        foreign = set(BulkRequestSerializer().fields) - set(self.fields)
        named = sorted(foreign & set(data)) if hasattr(data, "keys") else []
        if named:
            text = _("This is known at %(address)s only.") % {"address": OWN_BULK_ENDPOINT}
            raise serializers.ValidationError({name: [text] for name in named})
        return super().to_internal_value(data)

    @cached_property
    def work(self) -> api.BulkWork:
        """What the request comes to, which is not more than one request handles: the contract knows no jobs."""
        data = self.validated_data
        work = api.prepare_bulk(data.get("emails") or ParsedEmails((), ()), data.get("learning_paths", []))
        if work.is_too_much_for_a_request:
            text = _(
                "One request handles at most %(most)d pairs of address and learning path. Send them in several "
                "requests, or to %(address)s, which makes a job of them."
            )
            raise serializers.ValidationError(
                {"emails": [text % {"most": settings.LEARNING_PATHS_BULK_SYNC_LIMIT, "address": OWN_BULK_ENDPOINT}]}
            )
        return work

    @property
    def attribution(self) -> WhyAndAsWhat:
        """What the audit rows say besides who did it, as keyword arguments."""
        data = self.validated_data
        return {"reason": data["reason"], "role": data["role"], "org": data["org"]}


class FailuresSerializer(serializers.Serializer[Any]):
    """What 0.5.0 has no word for."""

    failures = FailureSerializer(many=True, required=False, help_text=_("Only where there are any."))


class BulkEnrolledSerializer(FailuresSerializer):
    """How many enrollments and pending invitations were made, or switched on."""

    enrollments_created = serializers.IntegerField()
    enrollment_allowed_created = serializers.IntegerField()


class BulkUnenrolledSerializer(FailuresSerializer):
    """How many enrollments and pending invitations were switched off."""

    enrollments_unenrolled = serializers.IntegerField()
    enrollment_allowed_deactivated = serializers.IntegerField()


class StepEnrolledSerializer(serializers.Serializer[Any]):
    """That it is done."""

    detail = serializers.CharField()


def render_failures(report: BulkReport) -> dict[str, Any]:
    """Return the list of what could not be done, if there is anything."""
    if not report.with_status(RowStatus.FAILURE):
        return {}
    return {"failures": render_report(report, changed_as="created")["failures"]}


class CountedNoContent(Response):
    """A 204, which has no body over HTTP; what 0.5.0 would say in it is there for code in this process, as ``data``."""

    @property
    def rendered_content(self) -> bytes:  # type: ignore[override]  # DRF's stubs say str
        """Nothing."""
        del self["Content-Type"]
        return b""
