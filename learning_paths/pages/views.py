"""The learners' pages. They ask and do what the REST API asks and does; see ADR 0008."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from learning_paths import api
from learning_paths.exceptions import AlreadyEnrolled, LearningPathNotFound, LearningPathsError, NotEnrolled
from learning_paths.faults import BUSY, RETRY_AFTER, is_busy
from learning_paths.pages.content import course_url, path_page, paths_page
from learning_paths.traces import trace

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from learning_paths.models import LearningPath

log = logging.getLogger(__name__)

TEMPLATES = "learning_paths/pages"


@method_decorator(never_cache, name="dispatch")
class LearnerView(LoginRequiredMixin, View):
    """A page for who is logged in, on sites that did not switch the pages off."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer, unless the site has other pages for learners."""
        if not settings.LEARNING_PATHS_LEARNER_PAGES:
            raise Http404
        try:
            return super().dispatch(request, *args, **kwargs)
        except OperationalError as error:
            log_busy(error)
            return HttpResponse(BUSY, status=503, headers={"Retry-After": str(RETRY_AFTER)})

    @property
    def learner(self) -> User:
        """Who looks at the page. The account may be inactive: the LMS lets such in, too."""
        return cast("User", self.request.user)

    def show(self, name: str, **context: Any) -> HttpResponse:
        """Return a page."""
        context |= {"base_template": base_template(), "can_unenroll": settings.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT}
        return render(self.request, f"{TEMPLATES}/{name}.html", context)

    def get_path(self, key: str) -> LearningPath:
        """Return a path of the catalog; what the learner may not see is not found."""
        try:
            return api.get_catalog_path(self.learner, key)
        except LearningPathNotFound as error:
            raise Http404(str(error)) from error


class PathsView(LearnerView):
    """The learner's paths, and those that the learner could enroll in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        page = paths_page(self.learner, search=request.GET.get("search", ""), page=request.GET.get("page", ""))
        return self.show("paths", page=page)


class PathView(LearnerView):
    """A path with its steps."""

    def get(self, request: HttpRequest, learning_path_key: str) -> HttpResponse:
        """Show it."""
        path = self.get_path(learning_path_key)
        return self.show("path", page=path_page(self.learner, path), admin_url=admin_url(self.learner, path))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ActionView(LearnerView):
    """
    Something that a learner does to a path by a POST.

    It opts out of the LMS's ``ATOMIC_REQUESTS``, so that it can be tried again (ADR 0003, "Locks"). Who comes by GET,
    as a log-in that interrupted the POST leads one, is led to the page of the path.
    """

    def get(self, request: HttpRequest, learning_path_key: str) -> HttpResponse:
        """Lead to the page of the path."""
        return redirect("learning_paths:learner-path", learning_path_key)

    def post(self, request: HttpRequest, learning_path_key: str) -> HttpResponse:
        """Do it. What the domain refuses, or the database is too busy for, is told on the page of the path."""
        path = self.get_path(learning_path_key)
        try:
            return self.act(path)
        except LearningPathsError as error:
            messages.error(request, told(error, path))
        except OperationalError as error:
            log_busy(error)
            messages.error(request, BUSY)
        return redirect("learning_paths:learner-path", path.key)

    def act(self, path: LearningPath) -> HttpResponse:
        """Do it, and lead on."""
        raise NotImplementedError


class EnrollView(ActionView):
    """Enrolls the learner in a path."""

    def act(self, path: LearningPath) -> HttpResponse:
        """Enroll, and show the path."""
        api.enroll(self.learner, path, acting_user=self.learner)
        messages.success(self.request, _("You are enrolled in %(path)s.") % {"path": path.display_name})
        return redirect("learning_paths:learner-path", path.key)


class UnenrollView(ActionView):
    """Unenrolls the learner, where the site allows it, after asking."""

    def get(self, request: HttpRequest, learning_path_key: str) -> HttpResponse:
        """Ask."""
        path = self.get_path(learning_path_key)
        if path.enrollment_date is None:  # type: ignore[attr-defined]  # annotated by the catalog
            messages.error(request, told(NotEnrolled(), path))
            return redirect("learning_paths:learner-path", path.key)
        return self.show("unenroll", path=path)

    def get_path(self, key: str) -> LearningPath:
        """Return the path to leave, where that is allowed."""
        path = super().get_path(key)
        if not settings.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT:
            raise PermissionDenied
        return path

    def act(self, path: LearningPath) -> HttpResponse:
        """Unenroll, and show the list: the learner may not see the path any more."""
        api.unenroll(self.learner, path, acting_user=self.learner)
        messages.success(self.request, _("You are not enrolled in %(path)s any more.") % {"path": path.display_name})
        return redirect("learning_paths:learner-paths")


class StartView(ActionView):
    """Enrolls the learner in the course of a step and leads there."""

    def act(self, path: LearningPath) -> HttpResponse:
        """Enroll, unless that was done before, and go on to the course."""
        wanted = self.request.POST.get("course_key", "")
        outcome = api.enroll_in_step(self.learner, path, wanted, acting_user=self.learner)
        return HttpResponseRedirect(course_url(outcome.course_key))


def log_busy(error: OperationalError) -> None:
    """Log that the database was too busy for a page. What else went wrong is raised once more."""
    if not is_busy(error):
        raise error
    log.warning("Learning paths: the database is busy\n%s", trace(error))


def base_template() -> str:
    """Return the name of the template around the pages: the LMS's, or one of our own where there is no LMS."""
    try:
        get_template("main_django.html")
    except TemplateDoesNotExist:
        return f"{TEMPLATES}/standalone.html"
    return f"{TEMPLATES}/lms.html"


def admin_url(user: User, path: LearningPath) -> str:
    """Return where the user can edit a path; nothing for most. Two queries for staff who are no superusers."""
    if not (api.is_staff(user) and user.is_staff and user.has_perm("learning_paths.change_learningpath")):
        return ""
    try:
        return reverse("admin:learning_paths_learningpath_change", args=[path.pk])
    except NoReverseMatch:  # an LMS can do without the admin
        return ""


def told(error: LearningPathsError, path: LearningPath) -> str:
    """Return what a learner is told of an error, most of whose texts suit staff and learners."""
    texts = {
        AlreadyEnrolled: _("You are already enrolled in %(path)s."),
        NotEnrolled: _("You are not enrolled in %(path)s."),
    }
    text = texts.get(type(error))
    return str(error) if text is None else text % {"path": path.display_name}
