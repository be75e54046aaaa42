"""The screens of the bulk jobs: the list of who did what in bulk, and each job's page from preview to result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.admin.bulk_enrollment import (
    JOB_PERMISSION,
    TITLES,
    confirm,
    form_view,
    job_link,
    may_run,
    may_run_anything,
)
from learning_paths.admin.bulk_entry import bulk_links
from learning_paths.admin.bulk_notices import notice_words, undelivered_csv
from learning_paths.admin.bulk_page import (
    STEPS,
    RowsTable,
    changed_addresses,
    confirm_label,
    planned_changes,
    progress_of,
    step_of,
)
from learning_paths.admin.busy import PatientAdmin
from learning_paths.admin.domain_form import acting_user
from learning_paths.admin.relations import StrangeAddressesMixin
from learning_paths.admin.uploads import takes_uploads
from learning_paths.data import INVITING, BulkOperation, JobState, RowCode, RowGroup
from learning_paths.exceptions import BulkJobConflict
from learning_paths.models import BulkEnrollmentJob, SubscriptionPlan
from learning_paths.tasks import start_bulk_job, start_telling

if TYPE_CHECKING:
    from learning_paths.models import LearningPath

VIEW_PERMISSIONS = ["learning_paths.view_bulkenrollmentjob", "learning_paths.change_bulkenrollmentjob"]
NAMED_AT_MOST = 3
"""Paths in a row of the list."""
CHANGING = [RowCode.ENROLLED, RowCode.ENROLLED_AGAIN, *INVITING]


@admin.register(BulkEnrollmentJob)
class BulkEnrollmentJobAdmin(StrangeAddressesMixin, PatientAdmin):
    """
    Jobs are drafted, confirmed and followed here, and never edited or deleted: they are the trail of who did what.

    Who has the view permission sees every job but the drafts of others; who may make jobs sees their own.
    """

    list_display = ["number", "operation", "paths", "author", "state", "progress", "failed", "created"]
    list_display_links = ["number"]
    list_filter = ["state", "operation", "created"]
    ordering = ["-pk"]
    search_fields = [
        "author__username",
        "reason",
        "learning_paths__key",
        "learning_paths__display_name",
        "deleted_paths",
        "uuid",
    ]
    search_help_text = _("The author's username, the reason, or the name or key of a learning path")
    show_full_result_count = False
    actions = None
    change_list_template = "learning_paths/admin/bulk_job_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkEnrollmentJob]:
        """Return the jobs that the user may see, in three queries."""
        user = acting_user(request)
        jobs = api.visible_bulk_jobs(user).order_by(*self.ordering)
        return jobs if any(map(user.has_perm, VIEW_PERMISSIONS)) else jobs.filter(author=user)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Let those in who may see jobs or make them; which ones is for the queryset."""
        return any(map(request.user.has_perm, [*VIEW_PERMISSIONS, JOB_PERMISSION]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those make jobs who may do anything by them."""
        return may_run_anything(request.user)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: nobody edits a job."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Refuse: jobs stay. A draft is discarded on its page."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a job, and what its buttons do."""
        wrap = self.admin_site.admin_view
        pages: list[tuple[str, str, Any]] = [
            ("<path:object_id>/edit/", "edit", self.edit_view),
            ("<path:object_id>/progress/", "progress", self.progress_view),
            ("<path:object_id>/results.csv", "results", self.results_view),
            ("<path:object_id>/undelivered.csv", "undelivered", self.undelivered_view),
            *((f"<path:object_id>/{name}/", name, getattr(self, f"{name}_view")) for name in BUTTONS),
        ]
        own = [path(route, wrap(view), name=f"learning_paths_bulkenrollmentjob_{name}") for route, name, view in pages]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the jobs, with the buttons that begin one."""
        return super().changelist_view(request, {**(extra_context or {}), "bulk_links": bulk_links(self, request, [])})

    @takes_uploads
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Begin a job: the first step."""
        asked = request.POST.get("operation") or request.GET.get("operation")
        return form_view(self, request, BulkOperation.UNENROLL if asked == "unenroll" else BulkOperation.ENROLL)

    @takes_uploads
    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go back to the first step of a draft."""
        job = self._job(request, object_id)
        if job.state != JobState.DRAFT or job.origin_id is not None:
            return HttpResponseRedirect(job_link(self, "change", job.pk))
        return form_view(self, request, BulkOperation(job.operation), draft=job)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a job: the preview of a draft, else how far it is and what became of its rows."""
        job = self._job(request, object_id)
        if job.state == JobState.DRAFT and not job.total and not job.rows.exists():
            return HttpResponseRedirect(job_link(self, "edit", job.pk))
        table = RowsTable(job, request)
        operation = BulkOperation(job.operation)
        is_mine = may_run(request.user, operation)
        is_draft = job.state == JobState.DRAFT
        changes = planned_changes(job) if is_draft else Counter()
        elsewhere = changed_addresses(job) if operation == BulkOperation.UNENROLL else 0
        undoable = job.is_over and operation == BulkOperation.ENROLL and job.count(*CHANGING) > 0
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self._title(job),
            "job": job,
            "original": job,
            "table": table,
            "progress": progress_of(job),
            "notice": notice_words(job),
            "subscription": _title_of(job.subscription),
            "steps": STEPS,
            "step": step_of(job),
            "is_draft": is_draft,
            "changing": changes.total(),
            "confirm_label": confirm_label(job, changes),
            "may_run": is_mine,
            "may_retry": is_mine and job.is_over,
            "may_undo": undoable and may_run(request.user, BulkOperation.UNDO),
            "to_retry": table.counts[RowGroup.FAILURE]
            + table.counts[RowGroup.NOT_DONE]
            - elsewhere
            - job.count(RowCode.PATH_DELETED),
            "elsewhere": elsewhere,
            "successors": job.successors.exclude(state=JobState.DRAFT).order_by("pk"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "learning_paths/admin/bulk_job.html", context)

    def progress_view(self, request: HttpRequest, object_id: str) -> JsonResponse:
        """Tell the script of the page how far the job is."""
        return JsonResponse(progress_of(self._job(request, object_id)))

    def results_view(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        """Hand the rows out as CSV."""
        job = self._job(request, object_id)
        response = StreamingHttpResponse(api.job_csv(job), content_type="text/csv; charset=utf-8")
        name = "preview" if job.state == JobState.DRAFT else "results"
        response["Content-Disposition"] = f'attachment; filename="job-{job.pk}-{name}.csv"'
        return response

    def undelivered_view(self, request: HttpRequest, object_id: str) -> StreamingHttpResponse:
        """Hand out whom the e-mail did not reach."""
        return undelivered_csv(self._job(request, object_id))

    @method_decorator(transaction.non_atomic_requests)
    def confirm_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Queue a draft; run it at once when it is small."""
        return self._press(request, object_id, lambda job: confirm(self, request, job))

    def discard_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Throw a draft away."""

        def discard(job: BulkEnrollmentJob) -> str:
            api.discard_bulk_job(job)
            messages.success(request, gettext("The draft was discarded. Nobody was enrolled or unenrolled."))
            return job_link(self, "changelist")

        return self._press(request, object_id, discard)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop a job."""

        def cancel(job: BulkEnrollmentJob) -> None:
            start_telling(api.cancel_bulk_job(job))
            self.log_change(request, job, gettext("Cancelled."))
            messages.success(request, gettext("The job was cancelled. What was done before stays done."))

        return self._press(request, object_id, cancel)

    @method_decorator(transaction.non_atomic_requests)
    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go on with a job that failed."""

        def resume(job: BulkEnrollmentJob) -> None:
            start_bulk_job(api.resume_bulk_job(job))
            self.log_change(request, job, gettext("Resumed."))

        return self._press(request, object_id, resume)

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Draft a job of the rows that failed."""
        return self._press(request, object_id, lambda job: self._follow(api.retry_bulk_job, request, job))

    def accounts_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Draft a job that unenrolls the accounts which this one found under another address."""
        return self._press(request, object_id, lambda job: self._follow(api.draft_changed_addresses, request, job))

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Draft a job that undoes this one."""
        return self._press(
            request, object_id, lambda job: self._follow(api.undo_bulk_job, request, job), BulkOperation.UNDO
        )

    def _follow(self, draft: Callable[..., BulkEnrollmentJob], request: HttpRequest, job: BulkEnrollmentJob) -> str:
        return job_link(self, "change", draft(job, acting_user=acting_user(request)).pk)

    def _press(
        self,
        request: HttpRequest,
        object_id: str,
        act: Callable[[BulkEnrollmentJob], str | None],
        operation: BulkOperation | None = None,
    ) -> HttpResponse:
        """Do what a button says, and go where ``act`` says or to the page of the job; say why when it can't be done."""
        job = self._job(request, object_id)
        here = job_link(self, "change", job.pk)
        if not may_run(request.user, operation or BulkOperation(job.operation)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(here)
        try:
            return HttpResponseRedirect(act(job) or here)
        except BulkJobConflict as error:
            messages.warning(request, str(error))
            return HttpResponseRedirect(here)

    def _job(self, request: HttpRequest, object_id: str) -> BulkEnrollmentJob:
        """
        Return a job that the user may see.

        Raises:
            PermissionDenied: the user may see none at all.
            Http404: there is no such job for the user.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        job: BulkEnrollmentJob | None = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        return job

    def _title(self, job: BulkEnrollmentJob) -> str:
        names = {"number": job.pk, "operation": TITLES.get(BulkOperation(job.operation), _("Undo"))}
        return gettext("%(operation)s: job %(number)d") % names

    @admin.display(description=_("job"), ordering="pk")
    def number(self, job: BulkEnrollmentJob) -> str:
        """Return the number of a job, as people call it."""
        return str(job)

    @admin.display(description=_("learning paths"))
    def paths(self, job: BulkEnrollmentJob) -> str:
        """Return the names of the first paths."""
        paths: list[LearningPath] = list(job.learning_paths.all())
        names = [*(learning_path.display_name for learning_path in paths), *job.deleted_paths]
        return ", ".join([*names[:NAMED_AT_MOST], *(["…"] if len(names) > NAMED_AT_MOST else [])])

    @admin.display(description=_("done"))
    def progress(self, job: BulkEnrollmentJob) -> str:
        """Return how many of how many rows are done."""
        numbers = {"done": job.done, "total": job.total}
        return gettext("%(done)s of %(total)s") % {
            name: number_format(number, force_grouping=True) for name, number in numbers.items()
        }

    @admin.display(description=_("failed"))
    def failed(self, job: BulkEnrollmentJob) -> str:
        """Return how many rows failed."""
        return number_format(job.count_group(RowGroup.FAILURE), force_grouping=True)


BUTTONS = ["confirm", "discard", "cancel", "resume", "retry", "accounts", "undo"]


def _title_of(subscription: UUID | None) -> str:
    """Return what the plan of a job is called here, or its uuid where another service keeps it."""
    if subscription is None:
        return ""
    plan = SubscriptionPlan.objects.filter(uuid=subscription).first()
    return str(plan or subscription)
