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
from learning_paths.data import (
    BulkReport,
    CourseEnrollmentRequest,
    ParsedEmails,
    RowCode,
    RowOutcome,
    RowStatus,
)
from learning_paths.emails import comparable
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
LONGEST_KEY = 255
LONGEST_LINK = 2_000
MODES = [("best", _("the best one that the course run offers")), ("default", _("the default one of the course run"))]


class CourseRunKeyField(serializers.CharField):
    """The key of a course run. What is none stays text: it is a failure of its entry, and no error of the request."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the key, or the text that is none."""
        text = super().to_internal_value(data)
        try:
            return CourseKey.from_string(text) if len(text) <= LONGEST_KEY else text
        except InvalidKeyError:
            return text

    def to_representation(self, value: Any) -> str:
        """Return the text of the key."""
        return str(value)


class EntryListSerializer(serializers.ListSerializer[Any]):
    """The entries, counted before each of them is looked at."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse more than one request handles with one error, not with one for each."""
        most = api.most_listed_pairs()
        if isinstance(data, list) and len(data) > most:
            text = _("One request handles at most %(most)d entries. Send them in several requests.")
            raise serializers.ValidationError([text % {"most": most}])
        return super().to_internal_value(data)


class EntrySerializer(StrictSerializer):
    """One learner, by address or by the id of the account, and one course run."""

    class Meta:
        list_serializer_class = EntryListSerializer

    one_of = [("email", "user_id")]

    email = serializers.CharField(required=False, allow_null=True, max_length=1000)
    user_id = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    course_run_key = CourseRunKeyField(allow_blank=True)
    license_uuid = serializers.UUIDField(
        required=False, allow_null=True, help_text=_("It must be valid and this learner's.")
    )
    force_enrollment = serializers.BooleanField(
        required=False, default=False, help_text=_("Enroll though the course run is closed or full.")
    )
    activation_link = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=LONGEST_LINK,
        help_text=_("Where the license is activated. It comes back in the answer, and nothing else is done with it."),
    )
    is_default_auto_enrollment = serializers.BooleanField(
        required=False, allow_null=True, help_text=_("Has no effect: there are no default enrollments here.")
    )

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what is paid for by credit: nobody here could take it off the balance."""
        if hasattr(data, "get") and data.get("transaction_id") is not None:
            text = _("Learner credit is not known here. Leave this out to enroll the learner without it.")
            raise serializers.ValidationError({"transaction_id": [text]})
        if hasattr(data, "keys"):
            data = {name: data[name] for name in data if name != "transaction_id"}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand a learner."""
        if attrs.get("email") is None and attrs.get("user_id") is None:
            raise serializers.ValidationError({"email": [_("Give an address here, or the account in “user_id”.")]})
        return attrs


class EnrollLearnersSerializer(StrictSerializer):
    """Who is to be enrolled in what. The two names of the list mean the same."""

    one_of = [("enrollments_info", "licenses_info")]

    enrollments_info = EntrySerializer(many=True, required=False)
    licenses_info = EntrySerializer(many=True, required=False)
    course_mode = serializers.ChoiceField(
        MODES, required=False, help_text=_("LEARNING_PATHS_ENROLL_LEARNERS_MODE when left out.")
    )
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
    notify = NotifyField()
    discount = serializers.DecimalField(
        20, 5, required=False, allow_null=True, help_text=_("Has no effect: nothing is paid for here.")
    )
    salesforce_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text=_("Has no effect.")
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand exactly one list with entries, which one request can handle."""
        lists = {name: attrs[name] for name in ("enrollments_info", "licenses_info") if attrs.get(name)}
        if len(lists) != 1:
            raise serializers.ValidationError(
                {"enrollments_info": [_("Give the learners here, or in “licenses_info”, and not in both.")]}
            )
        [entries] = lists.values()
        return {**attrs, "entries": entries}

    @property
    def requests(self) -> list[CourseEnrollmentRequest]:
        """The entries as the api takes them, without those that name no course run."""
        mode = self.validated_data.get("course_mode", settings.LEARNING_PATHS_ENROLL_LEARNERS_MODE)
        return [
            CourseEnrollmentRequest(
                course_key=entry["course_run_key"],
                email=entry.get("email") or "",
                user_id=entry.get("user_id"),
                license_uuid=entry.get("license_uuid"),
                force=entry["force_enrollment"],
                best_mode=mode == "best",
            )
            for entry in self.validated_data["entries"]
            if isinstance(entry["course_run_key"], CourseKey)
        ]

    @cached_property
    def malformed(self) -> list[dict[str, Any]]:
        """The failures of the entries that name no course run, each once."""
        failures = {}
        for entry in self.validated_data["entries"]:
            if not isinstance(key := entry["course_run_key"], CourseKey):
                named = (entry.get("user_id"), entry.get("email") or "", key[:LONGEST_KEY])
                failures[named] = {
                    **dict(zip(("user_id", "email", "course_run_key"), named, strict=True)),
                    "code": RowCode.INVALID_COURSE.value,
                    "reason": str(RowCode.INVALID_COURSE.label),
                }
        return list(failures.values())

    def render(self, report: BulkReport) -> dict[str, Any]:
        """Return the body of the answer, with what clients of edx-enterprise look for in it."""
        body = render_course_report(report)
        for name, status in (
            ("successes", RowStatus.SUCCESS),
            ("pending", RowStatus.PENDING),
            ("failures", RowStatus.FAILURE),
        ):
            for rendered, row in zip(body[name], report.with_status(status), strict=True):
                rendered["user_id"] = row.user_id
                if status != RowStatus.FAILURE:
                    rendered["activation_link"] = self._link_of(row)
        body["failures"] += self.malformed
        return body

    def _link_of(self, row: RowOutcome) -> str | None:
        return self._links.get((row.user_id, row.key)) or self._links.get((row.email, row.key))

    @cached_property
    def _links(self) -> dict[tuple[Any, Any], str]:
        """The links of the entries, by what the learner was named by, and the course run."""
        return {
            (entry.get("user_id") or comparable(entry.get("email") or ""), entry["course_run_key"]): link
            for entry in self.validated_data["entries"]
            if (link := entry.get("activation_link"))
        }


class LicenseEnrollmentSerializer(StrictSerializer):
    """Who of the holders of licenses is to be enrolled in what the subscription covers."""

    one_of = [("emails", "enroll_all"), ("course_run_keys", "learning_paths")]

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
        with api.licenses_within_a_request():
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


class ListedSuccessSerializer(SuccessSerializer):
    """An enrolled learner of the list."""

    user_id = serializers.IntegerField()
    activation_link = serializers.CharField(allow_null=True, help_text=_("As the entry had it."))


class ListedPendingSerializer(PendingSerializer):
    """An address of the list that waits for an account."""

    user_id = serializers.IntegerField(allow_null=True, help_text=_("That of an account which is not active."))
    activation_link = serializers.CharField(allow_null=True, help_text=_("As the entry had it."))


class ListedFailureSerializer(FailureSerializer):
    """An entry of the list for which nothing could be done."""

    user_id = serializers.IntegerField(allow_null=True)
    code = serializers.ChoiceField(
        choices=[(code.value, code.label) for code in RowCode if code.is_failure or code == RowCode.INVALID_COURSE]
    )


class ListedAnswerSerializer(CourseAnswerSerializer):
    """As above, with the ids of the accounts."""

    successes = ListedSuccessSerializer(many=True)
    pending = ListedPendingSerializer(many=True)
    failures = ListedFailureSerializer(many=True)


class JobIdSerializer(serializers.Serializer[Any]):
    """The job that license-manager's form of the request became."""

    job_id = serializers.UUIDField()


class JobStatusSerializer(JobIdSerializer):
    """Where the result of a job is."""

    download_url = serializers.URLField(allow_null=True, help_text=_("CSV. Null until the job is over."))


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
