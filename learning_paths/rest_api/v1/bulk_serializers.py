"""What comes in and goes out at the bulk endpoint."""

from __future__ import annotations

import re
from typing import Any, TypedDict

from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from opaque_keys.edx.keys import CourseKey
from rest_framework import serializers

from learning_paths import api
from learning_paths.data import INVITING, LARGEST_FILE, BulkReport, ParsedEmails, RowCode, RowOutcome, RowStatus
from learning_paths.rest_api.v1.notices import NotificationsSerializer, NotifyField
from learning_paths.rest_api.v1.query import refuse_what_is_not_heard_in_a_body
from learning_paths.rest_api.v1.serializers import RequestSerializer

SEPARATORS = re.compile(r"[,;\s]+")
TEXT_OR_LIST = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
NAMED_AT_MOST = 100
"""Of what is invalid, so many are named in an answer, beside their number. The results of a job have them all."""
FIRST_ONES = _("The first hundred of them. How many there are stands in the field whose name ends in “_count”.")


class WhyAndAsWhat(TypedDict):
    """The keyword arguments of the bulk actions that go into the audit."""

    reason: str
    role: str
    org: str


class TextOrListField(serializers.Field):  # type: ignore[type-arg]  # DRF 3.14 has no Field[...]
    """Text, or a list of texts."""

    default_error_messages = {
        "invalid": _("Give text or a list of texts."),
        "blank": _("This field may not be blank."),
    }

    def __init__(self, *, allow_blank: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_blank = allow_blank

    def get_value(self, dictionary: Any) -> Any:
        """Take a form's field that is given several times for a list."""
        if isinstance(dictionary, QueryDict) and len(values := dictionary.getlist(self.field_name or "")) > 1:
            return values
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the texts."""
        texts = [data] if isinstance(data, str) else data
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            self.fail("invalid")
        if not self.allow_blank and not any(text.strip() for text in texts):
            self.fail("blank")
        return texts


@extend_schema_field(TEXT_OR_LIST)
class EmailsField(TextOrListField):
    """Addresses in text or in a list; which of them are none is no error of the request."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the parsed addresses."""
        texts = super().to_internal_value(data)
        return api.parse_text(texts[0]) if isinstance(data, str) else api.parse_items(texts)


@extend_schema_field(TEXT_OR_LIST)
class KeysField(TextOrListField):
    """Keys of learning paths or course runs in text or in a list; which of them are none is no error."""

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the texts that ought to be keys."""
        texts = super().to_internal_value(data)
        return [key for text in texts for key in SEPARATORS.split(text.strip()) if key]


class StrictSerializer(RequestSerializer):
    """Refuses fields that it does not know, rather than enroll people whom an unheard condition would not."""

    takes_others = False

    def to_internal_value(self, data: Any) -> Any:
        """Look at the names first."""
        lists = [name for name, field in self.fields.items() if isinstance(field, TextOrListField)]
        refuse_what_is_not_heard_in_a_body(data, self.fields, lists=lists)
        return super().to_internal_value(data)


class BulkRequestSerializer(StrictSerializer):
    """
    A bulk request. ``emails`` and ``file`` may both be given; one of them must be. So must one of ``learning_paths``
    and ``course_run_keys``.
    """

    one_of = [("emails", "file"), ("learning_paths", "course_run_keys")]

    learning_paths = KeysField(
        required=False, help_text=_("Keys of learning paths, separated by commas, or a list of them.")
    )
    course_run_keys = KeysField(
        required=False, help_text=_("Keys of course runs, separated by commas, or a list of them.")
    )
    emails = EmailsField(
        required=False,
        help_text=_("Addresses, separated by commas, semicolons, spaces or new lines, or a list of them."),
    )
    file = serializers.FileField(
        required=False, allow_empty_file=True, write_only=True, help_text=_("A CSV file with a column of addresses.")
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    role = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)
    org = serializers.CharField(required=False, allow_blank=True, default="", max_length=255)
    dry_run = serializers.BooleanField(
        required=False, default=False, help_text=_("Only tell what would happen; nothing is changed.")
    )
    subscription = serializers.UUIDField(
        required=False,
        default=None,
        allow_null=True,
        help_text=_("Only those who hold a valid license of this plan, and only in what it covers."),
    )
    notify = NotifyField()

    def validate_file(self, file: Any) -> Any:
        """Refuse a file that would take too long to read, as the form in the admin does."""
        if file.size > LARGEST_FILE:
            text = _("The file is too large: at most %(size)s. Cut it into several, or remove other columns.")
            raise serializers.ValidationError(text % {"size": filesizeformat(LARGEST_FILE)})
        return file

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Bring the addresses of both sources together."""
        parsed: list[ParsedEmails] = [attrs["emails"]] if "emails" in attrs else []
        if (file := attrs.pop("file", None)) is not None:
            parsed.append(api.parse_csv(file.read()))
        missing = {}
        if not parsed:
            missing["emails"] = [_("Give addresses here, or a CSV file in “file”.")]
        if not attrs.get("learning_paths") and not attrs.get("course_run_keys"):
            missing["learning_paths"] = [_("Give keys of learning paths here, or of course runs in “course_run_keys”.")]
        if missing:
            raise serializers.ValidationError(missing)
        return {**attrs, "emails": api.merge(*parsed)}

    def refuse_what_only_enrolls(self) -> None:
        """Refuse to unenroll from course runs, which is the platform's own affair, and to tell of unenrolling."""
        if "course_run_keys" in self.validated_data:
            raise serializers.ValidationError(
                {"course_run_keys": [_("Learners are unenrolled from learning paths only here.")]}
            )
        if self.is_to_tell:
            raise serializers.ValidationError({"notify": [_("Learners are told of enrollments only.")]})

    @cached_property
    def work(self) -> api.BulkWork:
        """What the request comes to: looked up in one query, and what the subscription allows of it."""
        data = self.validated_data
        keys = (data.get("learning_paths", []), data.get("course_run_keys", []))
        with api.licenses_within_a_request():
            return api.license_gate(api.prepare_bulk(data["emails"], *keys), data["subscription"])

    @property
    def takes_a_job(self) -> bool:
        """Whether it is more than a request handles itself. Where no pair is left, there is nothing for a job to do."""
        return self.work.is_too_much_for_a_request

    @property
    def is_to_tell(self) -> bool:
        """Whether the learners are to be told."""
        return bool(self.validated_data["notify"])

    @property
    def attribution(self) -> WhyAndAsWhat:
        """What the audit rows say besides who did it, as keyword arguments."""
        data = self.validated_data
        return {"reason": data["reason"], "role": data["role"], "org": data["org"]}


class RowSerializer(serializers.Serializer[Any]):
    """What every row names: an address, and either a learning path or a course run."""

    email = serializers.CharField()
    learning_path = serializers.CharField(required=False)
    course_run_key = serializers.CharField(required=False)


class SuccessSerializer(RowSerializer):
    """An enrolled learner."""

    username = serializers.CharField()
    created = serializers.BooleanField(help_text=_("False where nothing had to change."))
    code = serializers.CharField(
        required=False, help_text=_("“already_enrolled_not_active”, only where the account is not active.")
    )


class PendingSerializer(RowSerializer):
    """An address that waits for an account, or for its account to be active again."""

    created = serializers.BooleanField(help_text=_("False where nothing had to change."))
    code = serializers.CharField(
        required=False,
        help_text=_("“not_active”, only where there is an account that is not active and was enrolled before."),
    )


class FailureSerializer(RowSerializer):
    """A pair for which nothing could be done."""

    code = serializers.ChoiceField(choices=[(code.value, code.label) for code in RowCode if code.is_failure])
    reason = serializers.CharField()
    username = serializers.CharField(
        required=False, help_text=_("With “address_changed”: the account that is still enrolled.")
    )


class UnenrolledSerializer(RowSerializer):
    """A pair that is not enrolled any more; without a username where an invitation was withdrawn."""

    username = serializers.CharField(required=False)
    changed = serializers.BooleanField(help_text=_("False where nothing had to change."))


class BulkEnrollAnswerSerializer(serializers.Serializer[Any]):
    """Accounts for everything that the request named."""

    successes = SuccessSerializer(many=True)
    pending = PendingSerializer(many=True)
    failures = FailureSerializer(many=True)
    invalid_email_addresses = serializers.ListField(child=serializers.CharField(), help_text=FIRST_ONES)
    invalid_email_addresses_count = serializers.IntegerField()
    invalid_learning_paths = serializers.ListField(child=serializers.CharField(), help_text=FIRST_ONES)
    invalid_learning_paths_count = serializers.IntegerField()
    invalid_course_run_keys = serializers.ListField(child=serializers.CharField(), required=False, help_text=FIRST_ONES)
    invalid_course_run_keys_count = serializers.IntegerField(required=False)
    unlicensed_email_addresses = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=_("Only where a subscription was named.")
    )
    uncovered_content = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=_("Only where a subscription was named.")
    )
    enrollments_created = serializers.IntegerField()
    enrollment_allowed_created = serializers.IntegerField()
    notifications = NotificationsSerializer(required=False, help_text=_("Only where “notify” was set."))


class BulkUnenrollAnswerSerializer(serializers.Serializer[Any]):
    """Accounts for everything that the request named."""

    successes = UnenrolledSerializer(many=True)
    pending = PendingSerializer(many=True)
    failures = FailureSerializer(many=True)
    invalid_email_addresses = serializers.ListField(child=serializers.CharField(), help_text=FIRST_ONES)
    invalid_email_addresses_count = serializers.IntegerField()
    invalid_learning_paths = serializers.ListField(child=serializers.CharField(), help_text=FIRST_ONES)
    invalid_learning_paths_count = serializers.IntegerField()
    enrollments_unenrolled = serializers.IntegerField()
    enrollment_allowed_deactivated = serializers.IntegerField()


def render_report(report: BulkReport, *, changed_as: str) -> dict[str, Any]:
    """
    Return the body of the answer: each row in one of three lists, then what was no address or no path, then counts.

    Of what is invalid, the first ``NAMED_AT_MOST`` are named. ``changed_as`` names the field that says whether
    something was written for the row.
    """
    successes, pending, failures = (
        [_render_row(row, changed_as) for row in report.with_status(status)]
        for status in (RowStatus.SUCCESS, RowStatus.PENDING, RowStatus.FAILURE)
    )
    body = {
        "successes": successes,
        "pending": pending,
        "failures": failures,
        "invalid_email_addresses": [entry.text for entry in report.invalid_emails[:NAMED_AT_MOST]],
        "invalid_email_addresses_count": len(report.invalid_emails),
        "invalid_learning_paths": list(report.invalid_learning_paths[:NAMED_AT_MOST]),
        "invalid_learning_paths_count": len(report.invalid_learning_paths),
    }
    if report.invalid_course_keys:
        body["invalid_course_run_keys"] = list(report.invalid_course_keys[:NAMED_AT_MOST])
        body["invalid_course_run_keys_count"] = len(report.invalid_course_keys)
    if report.subscription is not None:
        body["unlicensed_email_addresses"] = list(report.unlicensed_emails)
        body["uncovered_content"] = list(report.uncovered_content)
    return body


def _render_row(row: RowOutcome, changed_as: str) -> dict[str, Any]:
    named = "course_run_key" if isinstance(row.key, CourseKey) else "learning_path"
    rendered: dict[str, Any] = {"email": row.email, named: str(row.key)}
    status = row.code.status
    if status == RowStatus.FAILURE:
        named_account = {"username": row.username} if row.code == RowCode.ADDRESS_CHANGED else {}
        return {**rendered, "code": row.code.value, "reason": str(row.code.label), **named_account}
    if status == RowStatus.SUCCESS and row.username:
        rendered["username"] = row.username
    rendered[changed_as] = row.code.is_change
    if row.code in {RowCode.ENROLLED_NOT_ACTIVE, RowCode.NOT_ACTIVE}:
        rendered["code"] = row.code.value
    return rendered


def counts_of_enrolling(report: BulkReport) -> dict[str, int]:
    """Return how many enrollments and how many pending invitations the request made, or switched on."""
    return {
        "enrollments_created": report.count(RowCode.ENROLLED, RowCode.ENROLLED_AGAIN),
        "enrollment_allowed_created": report.count(*INVITING),
    }


def counts_of_unenrolling(report: BulkReport) -> dict[str, int]:
    """Return how many enrollments and how many pending invitations the request switched off."""
    return {
        "enrollments_unenrolled": report.count(RowCode.UNENROLLED),
        "enrollment_allowed_deactivated": report.count(RowCode.WITHDRAWN),
    }
