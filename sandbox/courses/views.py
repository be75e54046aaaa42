"""The page on which a course begins. Here it has a button in the place of everything that one learns in a course."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from learning_paths.exceptions import CourseNotFound
from sandbox.courses import enrolling
from sandbox.courses.models import CourseEnrollment, CourseProgress, CourseRun

if TYPE_CHECKING:
    from django.contrib.auth.models import User

A_PART = 0.25


@method_decorator(never_cache, name="dispatch")
class CourseView(LoginRequiredMixin, View):
    """Shows who is logged in how far the course is done, and does a part of it."""

    def get(self, request: HttpRequest, course_key: str) -> HttpResponse:
        """Show the page."""
        run = self._run(course_key)
        progress = CourseProgress.objects.filter(user=self._learner, course_run=run).first()
        done = 0 if progress is None else round((progress.completion or 0) * 100)
        context = {"run": run, "done": done, "is_enrolled": self._is_enrolled(run)}
        return render(request, "sandbox/course.html", context)

    def post(self, request: HttpRequest, course_key: str) -> HttpResponse:
        """Do a part of the course, as well as can be."""
        run = self._run(course_key)
        if not self._is_enrolled(run):
            messages.error(request, _("You are not enrolled in this course."))
            return redirect(request.path)
        with transaction.atomic():
            progress, _created = CourseProgress.objects.select_for_update().get_or_create(
                user=self._learner, course_run=run
            )
            progress.completion = min(1.0, (progress.completion or 0) + A_PART)
            progress.grade = min(1.0, (progress.grade or 0) + A_PART)
            progress.save()
        return redirect(request.path)

    @property
    def _learner(self) -> User:
        return cast("User", self.request.user)

    def _run(self, course_key: str) -> CourseRun:
        try:
            return enrolling.get_run(CourseKey.from_string(course_key))
        except (InvalidKeyError, CourseNotFound) as error:
            raise Http404 from error

    def _is_enrolled(self, run: CourseRun) -> bool:
        return CourseEnrollment.objects.filter(user=self._learner, course_run=run, is_active=True).exists()
