"""
Lets ``learning-credentials`` do what it does with learning paths. Run by ``tests.move.credentials``.

What it asks the platform for, who is in a course and with which grades, is answered by the smallest modules that do.
Writes what came of it as the last line of standard output.
"""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

KEY = "path-v1:OpenX+DS+2024+A"
OTHER_KEY = "path-v1:OpenX+WEB+2024"
FIRST, SECOND, OTHER = (f"course-v1:OpenX+{number}+2024" for number in ("DS1", "DS2", "WEB"))
IN_COURSES: dict[str, list[Any]] = {FIRST: [], SECOND: [], OTHER: []}


class CourseEnrollments(list[Any]):
    """The enrollments in courses: what is asked of ``CourseEnrollment.objects``."""

    def filter(self, **wanted: Any) -> CourseEnrollments:
        """Narrow to a course, or to a learner."""
        if "course_id" in wanted:
            return CourseEnrollments(SimpleNamespace(user=user) for user in IN_COURSES[str(wanted["course_id"])])
        return CourseEnrollments(row for row in self if row.user.pk == wanted["user__id"])

    def select_related(self, *names: str) -> CourseEnrollments:
        """All users are there already."""
        return self


class CourseGradeFactory:
    """Everybody has nine of ten points in the exam."""

    def read(self, user: Any, course_key: Any) -> Any:
        """Return the grade of a learner in a course."""
        exam = SimpleNamespace(graded_total=SimpleNamespace(earned=9, possible=10))
        return SimpleNamespace(graded_subsections_by_format=lambda: {"Exam": {"final": exam}})


def stand_in_for_the_platform() -> None:
    """Put modules where those of the platform would be."""
    course = SimpleNamespace(grading_policy={"GRADER": [{"type": "Exam", "weight": 1.0}]})
    contents: dict[str, dict[str, Any]] = {
        "common.djangoapps.student.models": {
            "CourseEnrollment": SimpleNamespace(objects=CourseEnrollments()),
            "get_potentially_retired_user_by_username": None,
        },
        "lms.djangoapps.grades.api": {
            "CourseGradeFactory": CourseGradeFactory,
            "clear_prefetched_course_grades": lambda course: None,
            "prefetch_course_and_subsection_grades": lambda course, users: None,
        },
        "xmodule.modulestore.django": {"modulestore": lambda: SimpleNamespace(get_course=lambda key: course)},
    }
    for name, attributes in contents.items():
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:length]), ModuleType(".".join(parts[:length])))
        vars(sys.modules[name]).update(attributes)


def use() -> dict[str, Any]:
    """Make two paths and their learners, and have credentials for one of them."""
    from django.contrib.auth.models import User
    from django.test import Client
    from learning_credentials.admin import CredentialConfigurationForm
    from learning_credentials.compat import get_learning_context_name
    from learning_credentials.models import CredentialConfiguration, CredentialType
    from opaque_keys.edx.keys import LearningContextKey

    from learning_paths import api
    from learning_paths.models import LearningPath

    users = {
        name: User.objects.create(username=name, email=f"{name}@example.com", is_staff=name == "sam")
        for name in ("ana", "ben", "chloe", "sam")
    }
    path = LearningPath.objects.create(key=KEY, display_name="Data Science", invite_only=True)
    other = LearningPath.objects.create(key=OTHER_KEY, display_name="Web", invite_only=True)
    for number, course in enumerate((FIRST, SECOND)):
        path.steps.create(course_key=course, order=number)
    other.steps.create(course_key=OTHER)
    for name in ("ana", "ben"):
        api.enroll(users[name], path, acting_user=users["sam"])
        api.enroll(users[name], other, acting_user=users["sam"])
    for left in (path, other):
        api.unenroll(users["ben"], left, acting_user=users["sam"])
    IN_COURSES[FIRST] = list(users.values())
    IN_COURSES[SECOND] = list(users.values())

    kind = CredentialType.objects.create(
        name="Certificate",
        retrieval_func="learning_credentials.processors.retrieve_subsection_grades",
        generation_func="learning_credentials.generators.generate_pdf_credential",
        custom_options={"required_grades": {"Total": 0.5}},
    )
    configuration = CredentialConfiguration.objects.create(
        learning_context_key=LearningContextKey.from_string(KEY), credential_type=kind
    )
    configuration.refresh_from_db()
    names = {user.pk: name for name, user in users.items()}

    def answers(question: str, key: str) -> dict[str, int]:
        """What each account is answered."""
        statuses = {}
        for name, user in users.items():
            client = Client()
            client.force_login(user)
            statuses[name] = client.get(f"/api/learning_credentials/v1/{question}/{key}/").status_code
        return statuses

    found: dict[str, Any] = {
        "eligible": [names[pk] for pk in configuration.get_eligible_user_ids()],
        "steps_of_ana": list(configuration.get_user_eligibility_details(users["ana"].pk)["steps"]),
        "details_of_ben": configuration.get_user_eligibility_details(users["ben"].pk),
        "name": get_learning_context_name(configuration.learning_context_key),
        "name_of_unknown": get_learning_context_name(LearningContextKey.from_string("path-v1:No+Such+Path+X")),
        "invite_only": answers("configured", KEY),
        "eligibility": answers("eligibility", KEY),
        "course_of_path": answers("configured", OTHER),
        "forms": {
            key: "learning_context_key"
            not in CredentialConfigurationForm({"learning_context_key": key, "credential_type": kind.pk}).errors
            for key in (OTHER_KEY, "path-v1:OpenX")
        },
    }
    LearningPath.objects.update(invite_only=False)
    found["open"] = answers("configured", KEY)
    return found


def main() -> None:
    """Set the site up and use it."""
    stand_in_for_the_platform()
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django

    django.setup()
    from importlib.metadata import version

    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("check", fail_level="ERROR")
    print(json.dumps({"version": version("learning-credentials"), **use()}))


if __name__ == "__main__":
    main()
