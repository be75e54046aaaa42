"""A field of images whose files go when the last row that names them does."""

from __future__ import annotations

import logging
import re
import secrets
from pathlib import PurePath
from typing import Any

from django.db import models, transaction
from django.db.models.signals import post_save, pre_delete

from learning_paths.traces import trace

log = logging.getLogger(__name__)

LONGEST_STEM = 40
LONGEST_SUFFIX = 10
RANDOM_PART = re.compile(r"_[0-9a-f]{16}\Z")


def random_name(instance: models.Model, filename: str) -> str:
    """
    Return where an image is stored: under its own name with a random part, so that it is no other's and not guessed.

    Caches keep an image by its name, so a new image needs a new one.
    """
    path = PurePath(filename)
    stem = RANDOM_PART.sub("", path.stem)[:LONGEST_STEM]  # that of a file which is copied
    return f"learning_paths/{stem}_{secrets.token_hex(8)}{path.suffix[:LONGEST_SUFFIX]}"


class OwnedImageField(models.ImageField):
    """
    An image field that deletes the file which a row no longer names, because it names another, none, or is deleted.

    That happens after the commit, and not while another row names the same file. Storages may be remote: a failure is
    logged, and fails nobody. ``update()``, ``bulk_update()`` and raw saves delete nothing. To migrations it is Django's
    ``ImageField``.
    """

    def deconstruct(self) -> Any:
        """Name Django's field."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ImageField", args, kwargs

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        """Listen to what is saved and deleted."""
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)
        if not cls._meta.abstract:
            post_save.connect(self._saved, sender=cls)
            pre_delete.connect(self._deleted, sender=cls)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """
        Remember which file the row names before it is written, in one query where there is a row.

        Within a transaction the row, which is about to be written, is locked: of two who replace an image at once, the
        second sees the image of the first.
        """
        if not add and model_instance.pk is not None:
            rows = type(model_instance)._base_manager.using(model_instance._state.db).filter(pk=model_instance.pk)
            if transaction.get_connection(rows.db).in_atomic_block:
                rows = rows.select_for_update()
            model_instance.__dict__[self._before] = rows.values_list(self.attname, flat=True).first()
        return super().pre_save(model_instance, add)

    @property
    def _before(self) -> str:
        return f"_{self.name}_before"

    def _saved(self, instance: models.Model, using: str, **kwargs: Any) -> None:
        before = instance.__dict__.pop(self._before, None)
        if before and before != getattr(instance, self.attname).name:
            self._delete_after_commit(before, using)

    def _deleted(self, instance: models.Model, using: str, **kwargs: Any) -> None:
        if name := getattr(instance, self.attname).name:
            self._delete_after_commit(name, using)

    def _delete_after_commit(self, name: str, using: str) -> None:
        # Not a partial, which has no name for the log of Django.
        transaction.on_commit(lambda: self._delete_unless_named(name, using), using=using, robust=True)

    def _delete_unless_named(self, name: str, using: str) -> None:
        try:
            if not self.model._base_manager.using(using).filter(**{self.attname: name}).exists():
                self.storage.delete(name)
        except Exception as error:  # whatever a storage raises: the row is written already
            log.error(
                "Learning paths: the file %s is not used any more, but could not be deleted\n%s", name, trace(error)
            )
