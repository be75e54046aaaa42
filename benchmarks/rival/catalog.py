"""
Times the rival's list of learning paths. Part of ``driver.py``, in the rival's process.

The rival asks the platform for the dates of each step's course run. The platform is played by a table of course
overviews, from which a row comes by its primary key. It has as many columns of each kind as the model `CourseOverview`
in `openedx/core/djangoapps/content/course_overviews/models.py` of edx-platform has at least; the others, which nobody
reads here, have made-up names.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

URL = "/api/learning_paths/v1/learning-paths/"
OTHER_COLUMNS = {"TextField": 21, "DateTimeField": 8, "BooleanField": 8, "IntegerField": 2, "FloatField": 2}
OVERVIEWS = "openedx.core.djangoapps.content.course_overviews.models"


def stand_in() -> Any:
    """Make the table, and put a module with its model where the rival looks for the platform's."""
    from django.db import connection, models
    from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField

    class CourseOverview(models.Model):
        id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
        display_name = models.TextField(null=True)  # noqa: DJ001 (as in the platform)
        start = models.DateTimeField(null=True)
        end = models.DateTimeField(null=True)
        location = UsageKeyField(max_length=255)

        class Meta:
            app_label = "course_overviews"

        def __str__(self) -> str:
            return str(self.id)

    for kind, count in OTHER_COLUMNS.items():
        for number in range(count):
            getattr(models, kind)(null=True).contribute_to_class(CourseOverview, f"other_{kind.lower()}_{number}")
    with connection.schema_editor() as editor:
        editor.create_model(CourseOverview)
    module: Any = ModuleType(OVERVIEWS)
    module.CourseOverview = CourseOverview
    name = OVERVIEWS
    sys.modules[name] = module
    while "." in name:
        name, _, child = name.rpartition(".")
        parent = sys.modules.setdefault(name, ModuleType(name))
        setattr(parent, child, module)
        module = parent
    return CourseOverview


def fill(work: dict[str, Any], overview: Any) -> Any:
    """Make the paths, their steps and the course runs; return a learner who is enrolled in some of the paths."""
    from django.apps import apps
    from django.contrib.auth.models import User

    models = {name: apps.get_model("learning_paths", name) for name in ("LearningPath", "LearningPathStep")}
    learner = User.objects.create(username="learner", email="learner@example.com")
    moment = datetime(2026, 1, 12, tzinfo=UTC)
    for key, courses in work["paths"].items():
        path = models["LearningPath"].objects.create(key=key, display_name=key, invite_only=False)
        models["LearningPathStep"].objects.bulk_create(
            [models["LearningPathStep"](learning_path=path, course_key=c, order=n) for n, c in enumerate(courses)]
        )
        overview.objects.bulk_create([make_overview(overview, c, moment) for c in courses])
        if key in work["enrolled"]:
            apps.get_model("learning_paths", "LearningPathEnrollment").objects.create(user=learner, learning_path=path)
    return learner


def make_overview(overview: Any, course_key: str, moment: datetime) -> Any:
    """Return the overview of a course run with something in each column."""
    values = {"TextField": "text", "DateTimeField": moment, "BooleanField": True, "IntegerField": 1, "FloatField": 1.0}
    others = {
        f"other_{kind.lower()}_{number}": values[kind]
        for kind, count in OTHER_COLUMNS.items()
        for number in range(count)
    }
    location = f"{course_key.replace('course-v1', 'block-v1')}+type@course+block@course"
    return overview(id=course_key, display_name=course_key, start=moment, end=moment, location=location, **others)


def measure(work: dict[str, Any]) -> dict[str, Any]:
    """Return the median seconds of a request, by the clock and of this process, its queries, and what it answers."""
    from django.db import connection
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_authenticate(fill(work, stand_in()))
    queries, seconds, cpu, answer = 0, [], [], None

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    for _ in range(work["runs"] + 1):
        queries = 0
        with connection.execute_wrapper(count):
            begin, cpu_begin = time.perf_counter(), time.process_time()
            response = client.get(URL)
            cpu.append(time.process_time() - cpu_begin)
            seconds.append(time.perf_counter() - begin)
        if response.status_code != 200:
            raise SystemExit(f"{response.status_code}: {response.content!r}")
        answer = response.json()
    medians = {"seconds": statistics.median(seconds[1:]), "cpu": statistics.median(cpu[1:])}
    return {**medians, "queries": queries, "answer": answer}
