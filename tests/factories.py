"""Users and paths for tests. Enrollments and invitations are made through ``learning_paths.api``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.models import User
from django.utils import timezone

from learning_paths.models import LearningPath, SubscriptionPlan


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A learner with a confirmed address."""

    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"learner{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    is_active = True


class StaffFactory(UserFactory):
    """A member of the site's staff."""

    username = factory.Sequence(lambda number: f"staff{number}")
    is_staff = True


class LearningPathFactory(factory.django.DjangoModelFactory[LearningPath]):
    """An open path without steps."""

    class Meta:
        model = LearningPath

    key = factory.Sequence(lambda number: f"path-v1:DemoX+P{number}+2026")
    display_name = factory.Sequence(lambda number: f"Path {number}")


def make_user(username: str, **fields: Any) -> User:
    """Return a learner, by name, typed."""
    return UserFactory.create(username=username, **fields)


def make_staff(username: str = "sam", **fields: Any) -> User:
    """Return a member of the staff, by name, typed."""
    return StaffFactory.create(username=username, **fields)


def make_path(key: str = "path-v1:DemoX+DS101+2026", **fields: Any) -> LearningPath:
    """Return a path, by key, typed."""
    path = LearningPathFactory.create(key=key, **fields)
    path.refresh_from_db()
    return path


def make_plan(title: str = "Spring", num_licenses: int = 50, **fields: Any) -> SubscriptionPlan:
    """Return a current plan that covers nothing."""
    now = timezone.now()
    defaults = {"org": "DemoX", "start_date": now - timedelta(days=1), "expiration_date": now + timedelta(days=1)}
    return SubscriptionPlan.objects.create(title=title, num_licenses=num_licenses, **{**defaults, **fields})
