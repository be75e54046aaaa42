"""Tasks for a worker under test to run."""

from __future__ import annotations

import time

from celery import shared_task
from django.contrib.auth.models import User


@shared_task(name="tests.add_user", acks_late=True)
def add_user(username: str, *, seconds: float = 0) -> None:
    """Store a user who is `username`, and then take a while."""
    User.objects.create(username=username)
    time.sleep(seconds)
