"""What comes in and goes out at the endpoints that enroll learners in course runs, in edx-enterprise's form."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey
from rest_framework import serializers

from learning_paths import api
from learning_paths.data import BulkReport, CourseEnrollmentRequest, ParsedEmails
from learning_paths.rest_api.v1.bulk_serializers import (
    FIRST_ONES,
    EmailsField,
    FailureSerializer,
    KeysField,
    PendingSerializer,
    StrictSerializer,
    SuccessSerializer,
    WhyAndAsWhat,
    render_report,
)
from learning_paths.rest_api.v1.notices import NotificationsSerializer, NotifyField

LARGEST_ID = 2**31 - 1


class CourseRunKeyField(serializers.CharField):
    """The key of a course run."""

    default_error_messages = {"malformed": _("Give the key of a course run, such as course-v1:Org+Course+Run.")}

    def to_internal_value(self, data: Any) -> Any:
        """Return the key."""
        text = super().to_internal_value(data)
        try:
            return CourseKey.from_string(text)
        except InvalidKeyError:
            self.fail("malformed")

    def to_representation(self, value: Any) -> str:
        """Return the text of the key."""
        return str(value)


class EntryListSerializer(serializers.ListSerializer[Any]):
    """The entries, counted before each of them is looked at."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse more than one request handles with one error, not with one for each."""
        most = settings.LEARNING_PATHS_BULK_SYNC_LIMIT
        if isinstance(data, list) and len(data) > most:
            text = _("One request handles at most %(most)d entries. Send them in several requests.")
            raise serializers.ValidationError([text % {"most": most}])
        return super().to_internal_value(data)


class EntrySerializer(serializers.Serializer[Any]):
    """One learner, by address or by the id of the account, and one course run."""

    class Meta:
        list_serializer_class = EntryListSerializer

    email = serializers.CharField(required=False, allow_null=True, max_length=1000)
    user_id = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    course_run_key = CourseRunKeyField(max_length=255)
    license_uuid = serializers.UUIDField(
        required=False, allow_null=True, help_text=_("It must be valid and this learner's.")
    )
    force_enrollment = serializers.BooleanField(
        required=False, default=False, help_text=_("Enroll though the course run is closed or full.")
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand a learner."""
        if attrs.get("email") is None and attrs.get("user_id") is None:
            raise serializers.ValidationError({"email": [_("Give an address here, or the account in “user_id”.")]})
        return attrs


class EnrollLearnersSerializer(StrictSerializer):
    """Who is to be enrolled in what. The two names of the list mean the same."""

    enrollments_info = EntrySerializer(many=True, required=False, allow_empty=False)
    licenses_info = EntrySerializer(many=True, required=False, allow_empty=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    notify = NotifyField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand exactly one list."""
        lists = [attrs[name] for name in ("enrollments_info", "licenses_info") if name in attrs]
        if len(lists) != 1:
            raise serializers.ValidationError(
                {"enrollments_info": [_("Give the learners here, or in “licenses_info”, and not in both.")]}
            )
        return {**attrs, "entries": lists[0]}

    @property
    def requests(self) -> list[CourseEnrollmentRequest]:
        """The entries as the api takes them."""
        return [
            CourseEnrollmentRequest(
                course_key=entry["course_run_key"],
                email=entry.get("email") or "",
                user_id=entry.get("user_id"),
                license_uuid=entry.get("license_uuid"),
                force=entry["force_enrollment"],
            )
            for entry in self.validated_data["entries"]
        ]


class LicenseEnrollmentSerializer(StrictSerializer):
    """Who of the holders of licenses is to be enrolled in what the subscription covers."""

    emails = EmailsField(required=False, help_text=_("Addresses, separated by commas or new lines, or a list of them."))
    enroll_all = serializers.BooleanField(
        required=False, default=False, help_text=_("Everybody who holds a valid license, in place of “emails”.")
    )
    course_run_keys = KeysField(required=False)
    learning_paths = KeysField(required=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    role = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)
    org = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)
    notify = NotifyField()

    def validate_enroll_all(self, enroll_all: bool) -> bool:
        """Take a real boolean only: a text that looks like one must not enroll everybody."""
        if not isinstance(self.initial_data.get("enroll_all", False), bool):
            raise serializers.ValidationError(_("Give true or false, without quotes."))
        return enroll_all

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand learners in one way, and something to enroll them in."""
        if attrs["enroll_all"] == ("emails" in attrs):
            raise serializers.ValidationError(
                {"emails": [_("Give addresses here, or set “enroll_all”, and not both.")]}
            )
        if not attrs.get("course_run_keys") and not attrs.get("learning_paths"):
            text = _("Give keys of course runs here, or of learning paths in “learning_paths”.")
            raise serializers.ValidationError({"course_run_keys": [text]})
        return attrs

    def work_of(self, subscription: Any) -> api.BulkWork:
        """Return what the request comes to, and what the subscription allows of it."""
        data = self.validated_data
        emails: ParsedEmails = data.get("emails") or ParsedEmails((), ())
        work = api.prepare_bulk(emails, data.get("learning_paths", []), data.get("course_run_keys", []))
        return api.license_gate(work, subscription, everybody=data["enroll_all"])

    @cached_property
    def attribution(self) -> WhyAndAsWhat:
        """What the audit rows say besides who did it, as keyword arguments."""
        data = self.validated_data
        return {"reason": data["reason"], "role": data["role"], "org": data["org"]}


class CourseAnswerSerializer(serializers.Serializer[Any]):
    """Accounts for everything that the request named. The lists of what is invalid are there when they have entries."""

    successes = SuccessSerializer(many=True)
    pending = PendingSerializer(many=True)
    failures = FailureSerializer(many=True)
    invalid_email_addresses = serializers.ListField(child=serializers.CharField(), required=False, help_text=FIRST_ONES)
    invalid_email_addresses_count = serializers.IntegerField(required=False)
    invalid_user_ids = serializers.ListField(child=serializers.IntegerField(), required=False)
    notifications = NotificationsSerializer(required=False, help_text=_("Only where “notify” was set."))


class LicenseAnswerSerializer(CourseAnswerSerializer):
    """As above, with what the subscription did not allow."""

    invalid_learning_paths = serializers.ListField(child=serializers.CharField(), required=False, help_text=FIRST_ONES)
    invalid_learning_paths_count = serializers.IntegerField(required=False)
    invalid_course_run_keys = serializers.ListField(child=serializers.CharField(), required=False, help_text=FIRST_ONES)
    invalid_course_run_keys_count = serializers.IntegerField(required=False)
    unlicensed_email_addresses = serializers.ListField(child=serializers.CharField())
    uncovered_content = serializers.ListField(child=serializers.CharField())


def render_course_report(report: BulkReport) -> dict[str, Any]:
    """Return the body of the answer: the lists of what is invalid only when there is any."""
    body = render_report(report, changed_as="created")
    if report.invalid_user_ids:
        body["invalid_user_ids"] = list(report.invalid_user_ids)
    return {name: entries for name, entries in body.items() if entries or not name.startswith("invalid_")}
