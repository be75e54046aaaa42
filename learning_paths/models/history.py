"""History by django-simple-history, in one shape whatever the host's settings are."""

from __future__ import annotations

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords


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
