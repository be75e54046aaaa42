"""Comparing stored moments with the time of day, which may be set back."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

CLOCKS_DIFFER_BY = timedelta(seconds=60)
"""The clocks of two machines of a site differ by less."""


def untouched_for(column: str, age: timedelta) -> Q:
    """
    Match rows whose moment in ``column`` lies back by ``age`` or more, or further ahead than two clocks differ.

    A moment that is still to come was written before the clock was set back. Nobody knows how old it is, and to wait
    until the clock shows it again could take hours. So use this only for what is safe to do too early.
    """
    now = timezone.now()
    return Q(**{f"{column}__lte": now - age}) | Q(**{f"{column}__gt": now + CLOCKS_DIFFER_BY})
