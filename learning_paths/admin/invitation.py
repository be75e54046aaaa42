"""The screen of the invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.audit import audit_link
from learning_paths.admin.domain_form import (
    ATTRIBUTION_FIELDS,
    DomainForm,
    DomainFormAdmin,
    acting_user,
    state_of,
)
from learning_paths.admin.relations import RelationsMixin, StrangeAddressesMixin
from learning_paths.data import InvitationOutcome
from learning_paths.exceptions import (
    AlreadyEnrolled,
    AmbiguousEmail,
    InvalidEmail,
    InvitationTaken,
    InvitationUsed,
    LearningPathNotFound,
    LearningPathsError,
    RetiredEmail,
)
from learning_paths.models import LearningPath, LearningPathEnrollmentAllowed

NAMED_AT_MOST = 10

PENDING, CONSUMED, WITHDRAWN = "pending", "consumed", "withdrawn"
STATES = {PENDING: _("pending"), CONSUMED: _("consumed"), WITHDRAWN: _("withdrawn")}


class StateFilter(admin.SimpleListFilter):
    """The three states of an invitation, which two columns tell apart."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the states."""
        return list(STATES.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollmentAllowed]
    ) -> QuerySet[LearningPathEnrollmentAllowed]:
        """Keep the invitations in the chosen state."""
        match self.value():
            case "pending":
                return queryset.filter(user=None, is_active=True)
            case "consumed":
                return queryset.exclude(user=None)
            case "withdrawn":
                return queryset.filter(user=None, is_active=False)
        return queryset


class InvitationForm(DomainForm):
    """Invites an address, or enrolls its owner."""

    refused_fields = {
        AlreadyEnrolled: "email",
        InvalidEmail: "email",
        RetiredEmail: "email",
        AmbiguousEmail: "email",
        InvitationTaken: "email",
        LearningPathNotFound: "learning_path",
    }


@admin.register(LearningPathEnrollmentAllowed)
class InvitationAdmin(StrangeAddressesMixin, RelationsMixin, DomainFormAdmin):
    """Adding invites and an action withdraws; what an invitation has become is not for hands to change."""

    form = InvitationForm
    list_display = ["email", "path", "state", "user", "created"]
    list_display_links = ["email", "path"]
    list_filter = [StateFilter, "created", "learning_path"]
    list_select_related = ["user", "learning_path"]
    ordering = ["-pk"]
    search_fields = ["email", "learning_path__key", "learning_path__display_name"]
    search_help_text = _("The e-mail address, or the name or key of the learning path")
    show_full_result_count = False
    autocomplete_fields = ["learning_path"]
    readonly_fields = ["state", "user", "created", "modified", "audit"]
    actions = ["withdraw"]

    def get_fieldsets(self, request: HttpRequest, obj: LearningPathEnrollmentAllowed | None = None) -> Any:
        """Ask for what an invitation takes; show what became of one."""
        if obj is None:
            why = (_("For the audit"), {"fields": ATTRIBUTION_FIELDS})
            return [(None, {"fields": ["email", "learning_path"]}), why]
        record = ["created", "modified"]
        if request.user.has_perm("learning_paths.view_manualenrollmentaudit"):
            record.append("audit")
        return [
            (None, {"fields": ["email", "learning_path", "state", "user"]}),
            (_("Record"), {"fields": record}),
        ]

    def has_change_permission(self, request: HttpRequest, obj: LearningPathEnrollmentAllowed | None = None) -> bool:
        """Refuse to change a given invitation on its page. The permission is for the action that withdraws."""
        return obj is None and super().has_change_permission(request)

    def save_model(
        self, request: HttpRequest, obj: LearningPathEnrollmentAllowed, form: InvitationForm, change: bool
    ) -> None:
        """Invite through the domain."""
        outcome = api.invite(obj.email, obj.learning_path, **form.attribution, acting_user=acting_user(request))
        saved = LearningPathEnrollmentAllowed.objects.filter(
            email=outcome.email, learning_path=obj.learning_path
        ).first()
        if saved is None:  # a learner who came by another road, and needs none
            if outcome.account_not_active:
                raise AlreadyEnrolled(_("The learner is already enrolled in this learning path; account not active."))
            raise AlreadyEnrolled
        obj.pk = saved.pk
        obj.refresh_from_db()
        state = state_of(request)
        state.changed = outcome.changed
        state.notice = _notice(outcome)

    @admin.action(description=_("Withdraw the selected invitations"), permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[LearningPathEnrollmentAllowed]) -> None:
        """Take back those of the invitations that are pending, and tell which were not."""
        withdrawn = 0
        left_alone: list[str] = []
        for invitation in queryset.select_related("learning_path"):
            try:
                api.withdraw_invitation(invitation.email, invitation.learning_path, acting_user=acting_user(request))
            except InvitationUsed as refusal:
                names = {"email": invitation.email, "path": invitation.learning_path.key, "username": refusal.username}
                left_alone.append(gettext("%(email)s (%(path)s, used by the account %(username)s)") % names)
            except LearningPathsError:
                left_alone.append(f"{invitation.email} ({invitation.learning_path.key})")
            else:
                withdrawn += 1
        if withdrawn:
            text = ngettext("%(count)d invitation was withdrawn.", "%(count)d invitations were withdrawn.", withdrawn)
            self.message_user(request, text % {"count": withdrawn}, messages.SUCCESS)
        if left_alone:
            self.message_user(request, _left_alone(left_alone), messages.WARNING)

    @admin.display(description=_("learning path"), ordering="learning_path__display_name")
    def path(self, invitation: LearningPathEnrollmentAllowed) -> LearningPath:
        """Return the path. As a field of the row it would be kept on one line, and push the rest off the screen."""
        return invitation.learning_path

    @admin.display(description=_("state"))
    def state(self, invitation: LearningPathEnrollmentAllowed) -> Any:
        """Return what became of the invitation."""
        if invitation.is_pending:
            return STATES[PENDING]
        return STATES[WITHDRAWN if invitation.user_id is None else CONSUMED]

    @admin.display(description=_("audit"))
    def audit(self, invitation: LearningPathEnrollmentAllowed) -> SafeString:
        """Lead to the audit rows of the invitation."""
        return audit_link(invitation.audit.count(), enrollment_allowed=invitation.pk)


def _notice(outcome: InvitationOutcome) -> str | None:
    names = {"email": outcome.email, "path": outcome.learning_path_key}
    if outcome.account_not_active and outcome.changed:
        text = gettext("%(email)s is invited to %(path)s. The account is not active, and will be enrolled once it is.")
        return text % names
    if outcome.enrollment is None:
        if outcome.changed:
            return gettext("%(email)s is invited to %(path)s.") % names
        return gettext("%(email)s was invited to %(path)s already. Nothing had to change.") % names
    names["username"] = outcome.enrollment.username
    if outcome.changed:
        return gettext("%(email)s belongs to %(username)s, who was enrolled in %(path)s at once.") % names
    text = gettext("%(email)s belongs to %(username)s, who is enrolled in %(path)s already. Nothing had to change.")
    return text % names


def _left_alone(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_AT_MOST])
    text = ngettext(
        "%(count)d invitation was not pending and was left alone: %(names)s.",
        "%(count)d invitations were not pending and were left alone: %(names)s.",
        len(names),
    )
    if len(names) > NAMED_AT_MOST:
        shown = gettext("%(names)s and %(count)d more") % {"names": shown, "count": len(names) - NAMED_AT_MOST}
    return text % {"count": len(names), "names": shown}
