"""
Makes a site of learning-paths-plugin 0.5.0 with rows of every kind. Run by ``conftest.py`` with that package's Python.

Reads from standard input up to which of its migrations to go; only after the last there are rows. What comes from the
package is used as a site uses it: its models by name, its URL. Odd values are written past its models, as a database
that is some years old has them.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any

BULK = "/api/learning_paths/v1/enrollments/bulk-enroll/"
TRANSITIONS = [
    "from unenrolled to allowed to enroll",
    "from allowed to enroll to enrolled",
    "from enrolled to enrolled",
    "from enrolled to unenrolled",
    "from unenrolled to enrolled",
    "from allowed to enroll to unenrolled",
    "from unenrolled to unenrolled",
    "N/A",
]


def moment(year: int, microsecond: int = 0) -> datetime:
    """A moment long ago, with or without a fraction of a second."""
    return datetime(year, 2, 28, 23, 59, 59, microsecond, tzinfo=UTC)


def model(name: str) -> Any:
    """A model of the package."""
    from django.apps import apps

    return apps.get_model("learning_paths", name)


def make(name: str, **values: Any) -> Any:
    """Make a row, with its times and whatever else its model would set by itself as they are given."""
    row = model(name).objects.create(
        **{key: value for key, value in values.items() if key not in {"created", "modified"}}
    )
    model(name).objects.filter(pk=row.pk).update(**values)
    return row


def make_users() -> dict[str, Any]:
    """Accounts of every kind."""
    from django.contrib.auth.models import Group, Permission, User

    users = {
        name: User.objects.create(username=name, email=f"{name}@example.com", is_active=name != "ida")
        for name in ("ana", "ben", "chloe", "ida", "una")
    }
    users["sam"] = User.objects.create(username="sam", email="sam@example.com", is_staff=True, is_superuser=True)
    auditors = Group.objects.create(name="Auditors")
    auditors.permissions.set(Permission.objects.filter(codename="view_learningpathenrollmentaudit"))
    users["una"].groups.add(auditors)
    return users


def make_paths() -> list[Any]:
    """Paths with every column filled, with as few as possible, and with what only a wizard would type."""
    full = make(
        "LearningPath",
        key="path-v1:OpenX+DS+2024+A",
        display_name="Data “Science” 数据科学 🎓",
        subtitle="From zero to π",
        description="<p>Größe &amp; Übung</p>\r\n" + "x" * 70_000,
        image="learning_paths/Über uns (1).png",
        level="intermediate",
        duration="10 weeks",
        time_commitment="½ day",
        sequential=True,
        invite_only=True,
        created=moment(2023, 123456),
        modified=moment(2024),
    )
    bare = make("LearningPath", key="path-v1:a+b+c+d", display_name="B", image=None, invite_only=False)
    odd = make(
        "LearningPath",
        key="path-v1:Open Craft+100 %+2024/25+Größe M",
        display_name="",
        image="",
        level="wizard",
        invite_only=False,
        created=moment(2020),
    )
    model("LearningPathGradingCriteria").objects.filter(learning_path=odd).delete()
    model("LearningPathGradingCriteria").objects.filter(learning_path=full).update(
        required_completion=0.123456789, required_grade=1.0
    )
    for number, order, weight in ((1, 2, 1.0), (2, 0, 0.0), (3, None, 2.5), (4, 2, 1e-9), (5, 4_000_000_000, 1.0)):
        make(
            "LearningPathStep",
            learning_path=full,
            course_key=f"course-v1:OpenX+DS{number}+2024",
            order=order,
            weight=weight,
            created=moment(2022, number),
        )
    make("LearningPathStep", learning_path=odd, course_key="OpenX/Old/Style", order=1)
    for year, name, level in ((2019, "Größe", None), (2020, "Größe", 0), (2021, "", 7)):
        skill = make("Skill", display_name=name, modified=moment(year))
        make("RequiredSkill", learning_path=full, skill=skill, level=level, created=moment(2021, 9))
        make("AcquiredSkill", learning_path=odd, skill=skill, level=level)
    make("RequiredSkill", learning_path=odd, skill=skill, level=1)
    make("AcquiredSkill", learning_path=full, skill=skill, level=1)
    return [full, bare, odd]


def make_enrollments(users: dict[str, Any], paths: list[Any]) -> list[Any]:
    """Enrollments old and new, switched on and off, one of an account that is not active."""
    return [
        make("LearningPathEnrollment", user=users["ana"], learning_path=paths[0], created=moment(2023, 1)),
        make(
            "LearningPathEnrollment",
            user=users["ben"],
            learning_path=paths[0],
            is_active=False,
            created=moment(2022),
            modified=moment(2023, 999999),
        ),
        make("LearningPathEnrollment", user=users["ida"], learning_path=paths[1]),
        make("LearningPathEnrollment", user=users["ana"], learning_path=paths[2], created=moment(2021)),
    ]


def make_invitations(users: dict[str, Any], paths: list[Any]) -> list[Any]:
    """Invitations of every state, with addresses as people type them."""
    from django.db import connection

    rows = [
        ("Eve@Example.COM", paths[0], None, True),
        ("eve@example.com", paths[1], None, False),
        (" dan@example.com", paths[0], None, False),
        ("\tDan@Example.com", paths[0], None, True),
        ("ana@example.com", paths[0], users["ana"], True),
        (" Ana@example.com", paths[0], None, True),
        ("\tana@example.com", paths[0], users["ben"], False),
        ("fay@exämple.com", paths[0], None, True),
        ("josé@example.com", paths[0], None, True),
        ("jürgen@example.com", paths[0], None, False),
        ("no address", paths[0], None, True),
        ("", paths[1], None, True),
        ("x" * 242 + "@Example.com", paths[2], None, True),
    ]
    if connection.vendor == "sqlite":  # MySQL takes these for the same
        rows += [("EVE@example.com", paths[0], None, True), ("eve@example.com", paths[0], None, False)]
    return [
        make(
            "LearningPathEnrollmentAllowed",
            email=email,
            learning_path=path,
            user=user,
            is_active=is_active,
            created=moment(2010 + number, number),
            modified=moment(2025),
        )
        for number, (email, path, user, is_active) in enumerate(rows)
    ]


def make_audit(users: dict[str, Any], enrollments: list[Any], invitations: list[Any]) -> None:
    """Audit rows with every change, of every enrollment, invitation and of nothing, by somebody and by nobody."""
    links = [{"enrollment": row} for row in enrollments]
    links += [{"enrollment_allowed": row} for row in invitations]
    links += [{}, {"enrollment": enrollments[1], "enrollment_allowed": invitations[0]}]
    for number, link in enumerate([*links, *links]):
        make(
            "LearningPathEnrollmentAudit",
            **link,
            enrolled_by=users["sam"] if number % 3 else None,
            state_transition=TRANSITIONS[number % len(TRANSITIONS)] if number != 20 else "from here to eternity",
            reason=["", "Semester 1 🎓", "=1+1\nsecond line", "x" * 66_000][number % 4],
            org=["", "OpenX", "ö" * 255][number % 3],
            role=["", "Über-Lehrer", "r" * 255][number % 3],
            created=moment(2024, number),
        )


def act(users: dict[str, Any], path: Any) -> None:
    """Let the package itself work: staff enroll two learners and invite a third, who registers."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from driver import connect_receivers  # type: ignore[import-not-found]  # of benchmarks/rival
    from rest_framework.test import APIClient

    connect_receivers()
    settings.ALLOWED_HOSTS = ["*"]
    client = APIClient()
    client.force_authenticate(users["sam"])
    emails = "chloe@example.com,una@example.com,gil@example.com,Hal@Example.com"
    body = {"learning_paths": str(path.key), "emails": emails, "reason": "Onboarding", "org": "OpenX", "role": "Lead"}
    response = client.post(BULK, body, format="json")
    assert response.status_code == 201, response.content
    User.objects.create(username="gil", email="gil@example.com")
    body["emails"] = "una@example.com"
    response = client.delete(BULK, body, format="json")
    assert response.status_code == 204, response.content


def register(name: str) -> list[str]:
    """
    Let somebody register with the address of that name; return the paths that this enrolled them in.

    The receiver is connected here as the LMS connects it.
    """
    from django.contrib.auth.models import User
    from django.db.models.signals import post_save

    receivers: Any = import_module("learning_paths.receivers")
    post_save.connect(receivers.process_pending_enrollments, sender=User, dispatch_uid="as in the LMS")
    user = User.objects.create(username=f"{name}-of-today", email=f"{name}@example.com")
    enrollments = model("LearningPathEnrollment").objects.filter(user=user, is_active=True)
    return sorted(str(enrollment.learning_path.key) for enrollment in enrollments)


def main() -> None:
    """Migrate, and fill every table when that went to the end."""
    work = json.load(sys.stdin)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", *(["learning_paths", work["until"]] if work["until"] else []), verbosity=0)
    if not work["until"]:
        users = make_users()
        paths = make_paths()
        enrollments = make_enrollments(users, paths)
        invitations = make_invitations(users, paths)
        make_audit(users, enrollments, invitations)
        act(users, paths[1])
    paths_of = {name: register(name) for name in work.get("register", [])}
    print(json.dumps({"version": version("learning-paths-plugin"), "paths_of": paths_of}))


if __name__ == "__main__":
    main()
