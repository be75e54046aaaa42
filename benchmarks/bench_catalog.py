"""
What the list of learning paths costs a learner over REST, against learning-paths-plugin 0.5.0 on the same data.

100 paths (``PATHS``) of 8 steps each, all in one answer; the learner is enrolled in ten of them. On the database that
``DATABASE_URL`` names. See README.rst for what is compared and how.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import rival
from benchmarks.common import QueryCounter, scratch_database

PATHS = int(os.environ.get("PATHS", "100"))
STEPS = 8
COURSES = 12
RUNS = int(os.environ.get("RUNS", "9"))
BASE = "/api/learning_paths/v1/"
PATH_COURSES = {
    f"path-v1:DemoX+P{path:03}+2026+All": [f"course-v1:DemoX+C{path}_{step}+2026" for step in range(STEPS)]
    for path in range(PATHS)
}
ENROLLED = list(PATH_COURSES)[:10]
MET = {True: "met", False: "NOT met"}
LONG = "path-v1:DemoX+LONG+2026+All"


def fill() -> Any:
    """Make the paths, their course runs and a learner."""
    from django.contrib.auth.models import User

    from learning_paths import api
    from learning_paths.models import LearningPath, LearningPathStep
    from sandbox.courses.models import CourseProgress, CourseRun

    learner = User.objects.create(username="learner", email="learner@example.com")
    moment = datetime(2026, 1, 12, tzinfo=UTC)
    for key, courses in PATH_COURSES.items():
        path = LearningPath.objects.create(key=key, display_name=key)
        LearningPathStep.objects.bulk_create(
            [LearningPathStep(learning_path=path, course_key=course, order=n) for n, course in enumerate(courses)]
        )
        CourseRun.objects.bulk_create(
            [CourseRun(course_key=course, display_name=course, start=moment, end=moment) for course in courses]
        )
        if key in ENROLLED:
            api.enroll(learner, path, acting_user=None)
    runs = list(CourseRun.objects.order_by("pk")[:COURSES])
    CourseProgress.objects.bulk_create(
        [CourseProgress(user=learner, course_run=run, completion=0.5, grade=0.5) for run in runs]
    )
    long = LearningPath.objects.create(key=LONG, display_name="long", invite_only=True)
    LearningPathStep.objects.bulk_create(
        [LearningPathStep(learning_path=long, course_key=run.course_key) for run in runs]
    )
    return learner


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as directory, scratch_database(Path(directory)) as database:
        from django.contrib.auth.models import User
        from django.db import connection
        from rest_framework.test import APIClient

        learner = fill()
        client = APIClient()

        def get(url: str) -> Any:
            response = client.get(BASE + url)
            assert response.status_code == 200, response.content
            return response

        def measured(url: str) -> dict[str, Any]:
            counter = QueryCounter()
            with connection.execute_wrapper(counter):
                answer = get(url).json()
            seconds, cpu = [], []
            for _ in range(RUNS):
                begin, cpu_begin = time.perf_counter(), time.process_time()
                get(url)
                cpu.append(time.process_time() - cpu_begin)
                seconds.append(time.perf_counter() - begin)
            medians = {"seconds": statistics.median(seconds), "cpu": statistics.median(cpu)}
            return {**medians, "queries": counter.count, "answer": answer}

        client.force_authenticate(learner)
        ours = measured(f"learning-paths/?page_size={PATHS}")
        client.force_authenticate(User.objects.create(username="staff", is_staff=True))
        progress = measured(f"{LONG}/progress/?username=learner&steps=true")
        work = {"paths": PATH_COURSES, "enrolled": ENROLLED, "runs": RUNS}
        theirs = rival.measure(rival.database_beside_ours(Path(directory)), work)

    assert facts(ours["answer"]["results"]) == facts(theirs["answer"]), "the answers differ"
    print(f"{database}, {PATHS} paths of {STEPS} steps in one answer, median of {RUNS}; the same answer from both")
    show("learning-paths/, ours", ours, "aim: at most 8")
    show(f"learning-paths/, {theirs['version']}", theirs)
    for name, label in (("seconds", ""), ("cpu", ", CPU of the process")):
        ratio = theirs[name] / ours[name]
        print(f"  {theirs['version']} / ours{label:25}{ratio:10.1f} x    aim: at least 10, {MET[ratio >= 10]}")
    show(f"<key>/progress/, {COURSES} courses", progress, "aim: at most 6; staff ask, and find the learner by one more")


def facts(paths: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what both must have told of each path."""
    return {
        path["key"]: (path["required_completion"], path["enrollment_date"] is None, path["steps"]) for path in paths
    }


def show(label: str, result: dict[str, Any], note: str = "") -> None:
    """Print a line of the table."""
    times = f"{result['seconds'] * 1000:8.1f} ms, CPU {result['cpu'] * 1000:8.1f} ms"
    print(f"  {label:30} {times} {result['queries']:6,} queries   {note}".rstrip())


if __name__ == "__main__":
    main()
