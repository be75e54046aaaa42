"""The front page: what can be tried here, and how the person who looks at it stands with each path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from learning_paths import api
from learning_paths.lms.base import CourseRun
from learning_paths.models import AcquiredSkill, LearningPath, LearningPathEnrollment
from sandbox.demo.content import INVITATION, LEARNERS, STAFF
from sandbox.mails import latest_mails


@dataclass(frozen=True, slots=True)
class PathCard:
    """A path as the front page shows it. ``enrollment`` is the visitor's own, active or not."""

    path: LearningPath
    runs: Sequence[CourseRun | str]
    skills: Sequence[str]
    enrollment: LearningPathEnrollment | None


@never_cache
def front_page(request: HttpRequest) -> HttpResponse:
    """Show the page, to anyone. The number of queries does not grow with the paths."""
    shows_mails = not request.user.is_anonymous and api.is_staff(request.user)
    context = {
        "cards": path_cards(request.user),
        "staff": STAFF,
        "learners": LEARNERS,
        "invitation": INVITATION,
        "shows_mails": shows_mails,
        "mails": latest_mails() if shows_mails else [],
    }
    return render(request, "sandbox/front_page.html", context)


def path_cards(user: User | AnonymousUser) -> list[PathCard]:
    """Return the paths that the user may see, by name."""
    paths = list(
        api.visible_paths(user)
        .order_by("display_name", "key")
        .prefetch_related(
            "steps",
            Prefetch("acquiredskill_set", AcquiredSkill.objects.select_related("skill").order_by("pk")),
        )
    )
    runs = api.get_course_runs({step.course_key for path in paths for step in path.steps.all()})
    own = {} if user.is_anonymous else _enrollments_by_path(user)
    return [
        PathCard(
            path=path,
            runs=[runs.get(step.course_key, str(step.course_key)) for step in path.steps.all()],
            skills=[acquired.skill.display_name for acquired in path.acquiredskill_set.all()],
            enrollment=own.get(path.pk),
        )
        for path in paths
    ]


def _enrollments_by_path(user: User) -> dict[int, LearningPathEnrollment]:
    return {enrollment.learning_path_id: enrollment for enrollment in LearningPathEnrollment.objects.filter(user=user)}
