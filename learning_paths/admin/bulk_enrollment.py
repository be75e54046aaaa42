"""
Bulk enrollment step by step: the form, the preview, and what happens when it is confirmed.

Each step is a page of its own, and all that was given lies in a draft job from the first preview on. So nothing is lost
by going back, by logging out or by closing the browser; and nothing happens before the confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.bulk_form import BulkForm
from learning_paths.admin.bulk_page import STEPS
from learning_paths.admin.domain_form import ATTRIBUTION_FIELDS, acting_user
from learning_paths.data import BulkOperation
from learning_paths.exceptions import (
    BulkJobConflict,
    BulkTooLarge,
    LicensesUnavailable,
    SubscriptionNotCurrent,
    SubscriptionNotFound,
)
from learning_paths.models import BulkEnrollmentJob, LearningPath
from learning_paths.tasks import run_bulk_job, start_bulk_job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.admin import ModelAdmin
    from django.contrib.auth.models import AnonymousUser, User

JOB_PERMISSION = "learning_paths.add_bulkenrollmentjob"
PERMISSIONS = {
    BulkOperation.ENROLL: [JOB_PERMISSION, "learning_paths.add_learningpathenrollment"],
    BulkOperation.UNENROLL: [JOB_PERMISSION, "learning_paths.change_learningpathenrollment"],
    BulkOperation.UNDO: [JOB_PERMISSION, "learning_paths.change_learningpathenrollment"],
}
WITHOUT_SUBSCRIPTION = "learning_paths.enroll_without_subscription"
CHOOSE_SUBSCRIPTION = "_choose_subscription"
LEARNER_FIELDS = ["holders", "everybody", "emails", "file", "keep_file", "notify"]
TITLES = {BulkOperation.ENROLL: _("Bulk enroll"), BulkOperation.UNENROLL: _("Bulk unenroll")}


def may_run(user: User | AnonymousUser, operation: BulkOperation) -> bool:
    """Return whether the user may do this in bulk: make jobs, and change enrollments in that way."""
    return user.has_perms(PERMISSIONS[operation])


def may_run_anything(user: User | AnonymousUser) -> bool:
    """Return whether there is anything that the user may do in bulk."""
    return any(may_run(user, operation) for operation in TITLES)


def form_link(model_admin: ModelAdmin[Any], operation: BulkOperation, paths: Iterable[int] = ()) -> str:
    """Return the address of the form, with these paths chosen."""
    query = [("operation", operation.value), *(("learning_paths", pk) for pk in paths)]
    return f"{job_link(model_admin, 'add')}?{urlencode(query)}"


def job_link(model_admin: ModelAdmin[Any], page: str, *args: Any) -> str:
    """Return the address of a page of the jobs."""
    return reverse(f"{model_admin.admin_site.name}:learning_paths_bulkenrollmentjob_{page}", args=args)


@api.licenses_within_a_request()
def form_view(
    model_admin: ModelAdmin[Any], request: HttpRequest, operation: BulkOperation, draft: BulkEnrollmentJob | None = None
) -> HttpResponse:
    """Show the form, of a draft with what it has; or take it, and go on to the preview."""
    if not may_run(request.user, operation):
        raise PermissionDenied
    options: dict[str, Any] = {"admin_site": model_admin.admin_site, "operation": operation, "draft": draft}
    if operation == BulkOperation.ENROLL:
        options |= _subscriptions(request, draft)
    if request.method != "POST":
        form = BulkForm(initial=_chosen_paths(request) if draft is None else None, **options)
    else:
        form = BulkForm(request.POST, request.FILES, **options)
        is_choosing = CHOOSE_SUBSCRIPTION in request.POST
        if form.is_valid() and not is_choosing and (job := _draft(form, operation, request)) is not None:
            return HttpResponseRedirect(job_link(model_admin, "change", job.pk))
        draft = _keep_file(form, operation, request) or draft
        if is_choosing:
            form = BulkForm(initial=_as_typed(request), **{**options, "draft": draft})
    fieldsets = [
        (None, {"fields": [name for name in ("learning_paths", "course_keys") if name in form.fields]}),
        (_("Learners"), {"fields": [name for name in LEARNER_FIELDS if name in form.fields]}),
        (_("For the audit"), {"fields": ATTRIBUTION_FIELDS}),
    ]
    first, *others = AdminForm(form, fieldsets, {})  # type: ignore[arg-type]  # any form will do
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": TITLES[operation],
        "form": form,
        "paths_fieldset": first,
        "fieldsets": others,
        "media": model_admin.media + form.media,
        "operation": operation,
        "draft": draft,
        "action": job_link(model_admin, "edit", draft.pk) if draft else job_link(model_admin, "add"),
        "steps": STEPS,
        "step": 1,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "learning_paths/admin/bulk_form.html", context)


@api.licenses_within_a_request()
def confirm(model_admin: ModelAdmin[Any], request: HttpRequest, draft: BulkEnrollmentJob) -> None:
    """
    Queue a draft, and run it here and now when it is small. Call it outside of a transaction.

    Raises:
        BulkJobChanged: the form was shown before the draft became what it is now.
        BulkJobConflict: somebody else was quicker, or the button was pressed twice. Or nothing is left to do.
    """
    job = api.confirm_bulk_job(draft, version=_version_shown(request), acting_user=acting_user(request))
    _log(model_admin, request, job)
    if job.course_keys or api.is_too_much_for_a_request(job.total):  # a course takes its time
        start_bulk_job(job)
    else:
        run_bulk_job.apply(args=(job.pk,), throw=False)


def _draft(form: BulkForm, operation: BulkOperation, request: HttpRequest) -> BulkEnrollmentJob | None:
    cleaned = form.cleaned_data
    try:
        work = api.prepare_bulk(form.parsed, form.path_texts, cleaned.get("course_keys", []))
        return api.draft_bulk_job(
            api.license_gate(work, cleaned.get("subscription"), everybody=bool(cleaned.get("everybody"))),
            operation=operation,
            reason=form.cleaned_data["reason"],
            role=form.cleaned_data["role"],
            org=form.cleaned_data["org"],
            notify=bool(cleaned.get("notify")),
            typed=form.typed_and_picked,
            file_name=form.file_name,
            file_content=form.file_content,
            replaces=form.draft,
            acting_user=acting_user(request),
        )
    except BulkTooLarge as error:
        form.add_error("emails", str(error))
    except BulkJobConflict as error:
        form.add_error(None, str(error))
    except (SubscriptionNotFound, SubscriptionNotCurrent, LicensesUnavailable) as error:
        form.add_error("subscription", str(error))
    return None


def _subscriptions(request: HttpRequest, draft: BulkEnrollmentJob | None) -> dict[str, Any]:
    """Return what the form is to know of subscriptions. Where nobody can be asked, there are none to choose."""
    options: dict[str, Any] = {"plans": [], "offer": None}
    options["may_do_without"] = request.user.has_perm(WITHOUT_SUBSCRIPTION)
    try:
        options["plans"] = api.offered_plans(acting_user(request))
        options["may_do_without"] |= not options["plans"]
        asked = request.POST.get("subscription") if request.method == "POST" else request.GET.get("subscription")
        if asked is None and draft is not None and draft.subscription is not None:
            asked = str(draft.subscription)
        chosen = next((plan for plan in options["plans"] if str(plan.uuid) == asked), None)
        if chosen is not None:
            options["offer"] = api.subscription_offer(chosen.uuid)
    except (SubscriptionNotFound, SubscriptionNotCurrent):
        pass
    except LicensesUnavailable as error:
        messages.warning(request, str(error))
    return options


def _as_typed(request: HttpRequest) -> dict[str, Any]:
    """Return what was typed and chosen so far, for a form that begins anew with a subscription."""
    typed: dict[str, Any] = {name: request.POST.get(name, "") for name in [*ATTRIBUTION_FIELDS, "emails", "path_keys"]}
    chosen = {name: request.POST.getlist(name) for name in ("learning_paths", "course_keys", "holders")}
    return {**typed, **chosen, "subscription": request.POST.get("subscription", ""), "notify": "notify" in request.POST}


def _keep_file(form: BulkForm, operation: BulkOperation, request: HttpRequest) -> BulkEnrollmentJob | None:
    """Keep an uploaded file in a draft without rows: no browser sends it again when the form is shown once more."""
    if not form.file_content:
        return None
    try:
        draft = api.draft_bulk_job(
            api.prepare_bulk([], [path.key for path in form.cleaned_data.get("learning_paths", [])]),
            operation=operation,
            **{name: form.cleaned_data.get(name, "") for name in ATTRIBUTION_FIELDS},
            notify=bool(form.cleaned_data.get("notify")),
            typed=form.data.get("emails", ""),
            file_name=form.file_name,
            file_content=form.file_content,
            replaces=form.draft,
            acting_user=acting_user(request),
        )
    except BulkJobConflict:  # the draft was confirmed or discarded meanwhile; the form says so where it matters
        return None
    form.show_kept_file(draft)
    return draft


def _version_shown(request: HttpRequest) -> int:
    """Return the version of the draft whose preview was shown with the button, or one that no draft has."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _chosen_paths(request: HttpRequest) -> dict[str, Any]:
    ids = [text for text in request.GET.getlist("learning_paths") if text.isdecimal() and len(text) < 10]
    chosen: dict[str, Any] = {"learning_paths": LearningPath.objects.filter(pk__in=ids)}
    return {**chosen, "subscription": request.GET.get("subscription", "")}


def _log(model_admin: ModelAdmin[Any], request: HttpRequest, job: BulkEnrollmentJob) -> None:
    """Show the job in the object history of the job and of each of its paths."""
    numbers = {"number": job.pk, "operation": BulkOperation(job.operation).label, "pairs": job.total}
    model_admin.log_change(request, job, gettext("Confirmed."))
    for path in job.learning_paths.all():
        text = gettext("Bulk job %(number)d (%(operation)s) was started, of %(pairs)d addresses and learning paths.")
        model_admin.log_change(request, path, text % numbers)
