"""History by django-simple-history, in one shape whatever the host's settings are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connections, models
from simple_history.models import HistoricalRecords

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class PathHistory(HistoricalRecords):
    """
    ``HistoricalRecords`` whose table does not depend on the host's ``SIMPLE_HISTORY_*`` settings.

    Some of those settings change the columns and indexes of every history table. The LMS sets
    ``SIMPLE_HISTORY_DATE_INDEX`` to False, another host may not; a shipped migration can match only one of them. So the
    key, the reason and the date are fixed here: an AutoField, a text of 100 characters, a date without an index.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            history_id_field=models.AutoField(primary_key=True),
            history_change_reason_field=models.CharField(max_length=100, null=True),
            **kwargs,
        )

    def get_extra_fields(self, model: type[models.Model], fields: Any) -> dict[str, Any]:
        """Replace the date field, which the host's settings may index."""
        return {**super().get_extra_fields(model, fields), "history_date": models.DateTimeField()}

    def get_meta_options(self, model: type[models.Model]) -> dict[str, Any]:
        """Leave out the composite index that the host's settings may ask for."""
        options: dict[str, Any] = super().get_meta_options(model)
        options.pop("indexes", None)
        return options


def save_with_history(instance: models.Model, *, acting_user: Any) -> None:
    """
    Save ``instance`` so that its history row names ``acting_user``, or nobody when that is None.

    Setting ``_history_user`` is django-simple-history's own way to say so; without it the history would name whoever
    is logged in to the request at hand, who need not be the one who acts (a registering user claims an invitation, and
    nobody acts).
    """
    instance._history_user = acting_user  # type: ignore[attr-defined]  # django-simple-history's documented hook
    instance.save()


def copy_to_history(
    model: type[models.Model], ids: Sequence[int], *, created: bool, acting_user: User | None, when: datetime
) -> None:
    """
    Add a history row for each of these rows as they are now, which bulk writes do not do by themselves.

    The database copies the rows itself, by one statement for as many ids as it takes parameters. Through
    ``bulk_history_create`` of django-simple-history each row becomes a Python object twice, which made up half the
    time of a bulk enrollment. The outcome is the same, and tested against it.
    """
    if not ids or not getattr(settings, "SIMPLE_HISTORY_ENABLED", True):
        return
    manager = model.history  # type: ignore[attr-defined]  # added by HistoricalRecords
    connection = connections[manager.db]
    quote = connection.ops.quote_name
    columns = [field.column for field in manager.model.tracked_fields]
    added = {
        "history_date": manager.model._meta.get_field("history_date").get_db_prep_save(when, connection),
        "history_type": "+" if created else "~",
        "history_user_id": None if acting_user is None else acting_user.pk,
    }
    most = (connection.features.max_query_params or len(ids) + len(added)) - len(added)
    for begin in range(0, len(ids), most):
        some = ids[begin : begin + most]
        statement = "INSERT INTO {history} ({columns}) SELECT {copied} FROM {table} WHERE {pk} IN ({ids}) ORDER BY {pk}"
        sql = statement.format(
            history=quote(manager.model._meta.db_table),
            columns=", ".join(map(quote, [*columns, *added])),
            copied=", ".join([*map(quote, columns), *["%s"] * len(added)]),
            table=quote(model._meta.db_table),
            pk=quote(str(model._meta.pk.column)),
            ids=", ".join(["%s"] * len(some)),
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [*added.values(), *some])
