"""What happens when a user is saved, as in the LMS's ``user_post_save_callback``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import post_init, post_save
from django.dispatch import receiver

from sandbox.courses.enrolling import claim

_FIELDS = ("email", "is_active")


@receiver(post_init, sender=User, dispatch_uid="sandbox.courses.receivers.remember")
def remember(sender: type[User], instance: User, **kwargs: Any) -> None:
    """Keep the fields that matter as they are stored. What isn't loaded yet isn't asked for."""
    instance.__dict__["_stored"] = {name: instance.__dict__.get(name) for name in _FIELDS} if instance.pk else None


@receiver(post_save, sender=User, dispatch_uid="sandbox.courses.receivers.enroll_where_invited")
def enroll_where_invited(sender: type[User], instance: User, raw: bool = False, **kwargs: Any) -> None:
    """
    Enroll who has just become active, or changed to another address, where the address was invited to.

    The LMS looks into the table for what changed; here nothing is asked unless something did.
    """
    changed = instance.__dict__.get("_stored") != {name: instance.__dict__.get(name) for name in _FIELDS}
    remember(sender, instance)
    if changed and instance.is_active and not raw:
        claim(instance)
