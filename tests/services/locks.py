"""Locks that another connection holds, and a connection that does not wait for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread, get_ident
from typing import Any

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model, QuerySet


@contextmanager
def held(rows: QuerySet[Any]) -> Iterator[None]:
    """Let another connection hold locks on these rows, and on no other."""
    model: type[Model] = rows.model
    ids = list(rows.values_list("pk", flat=True))
    assert ids
    is_held, is_over = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                for pk in ids:
                    model._default_manager.select_for_update().get(pk=pk)
                is_held.set()
                is_over.wait(60)
        finally:
            is_held.set()
            connections.close_all()

    thread = Thread(target=hold)
    thread.start()
    is_held.wait(60)
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def impatient() -> Iterator[None]:
    """Let each lock that has to be waited for be an error after a second, on new connections of this thread too."""
    this_thread = get_ident()

    def set_timeout(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        if get_ident() == this_thread:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")

    connection_created.connect(set_timeout)
    connection.close()
    try:
        yield
    finally:
        connection_created.disconnect(set_timeout)
        connection.close()
