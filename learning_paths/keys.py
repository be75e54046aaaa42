"""``LearningPathKey``, the opaque key of a learning path, and the fields that store and ask for keys."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from opaque_keys import InvalidKeyError, OpaqueKey
from opaque_keys.edx.django.models import CourseKeyField, OpaqueKeyField
from opaque_keys.edx.keys import CourseKey, LearningContextKey

MAX_LENGTH = 255
REMEMBERED_KEYS = 10_000
NO_KEY = "-"
"""No key has this text, so no row does, however the database compares."""


class LearningPathKey(LearningContextKey):
    """
    Identifies a learning path: ``path-v1:{org}+{number}+{run}`` or ``path-v1:{org}+{number}+{run}+{group}``.

    Each part is made of the characters that a course key allows: letters, digits and ``_ - ~ . :``. In the form with a
    group, the only one of ``learning-paths-plugin`` 0.5.0, any other character but ``+`` passes too, as it did there: a
    site that moved may have such a path (ADR 0009). Forms of models let nobody make a new one.
    A key is at most 255 characters long, which is what the database stores. Registered as ``path-v1`` under the
    entry point ``context_key``, so that ``LearningContextKey.from_string`` knows it too.

    Raises:
        InvalidKeyError: from the constructor, ``replace`` and ``from_string``, for anything malformed.
    """

    CANONICAL_NAMESPACE = "path-v1"
    KEY_FIELDS = ("org", "number", "run", "group")
    CHECKED_INIT = False
    __slots__ = KEY_FIELDS

    SEPARATOR = "+"
    ALLOWED_PART = re.compile(r"[\w\-~.:]+")
    MOVED_PART = re.compile(r"[^+\0\ud800-\udfff]+")  # without NUL and halves of characters, which no database takes

    org: str
    number: str
    run: str
    group: str | None

    def __init__(self, org: str, number: str, run: str, group: str | None = None, **kwargs: Any) -> None:
        super().__init__(org=org, number=number, run=run, group=group, **kwargs)  # type: ignore[no-untyped-call]  # upstream
        parts = self._parts()
        allowed = self.ALLOWED_PART if group is None else self.MOVED_PART
        if not all(isinstance(part, str) and allowed.fullmatch(part) for part in parts):
            raise InvalidKeyError(type(self), self.SEPARATOR.join(map(str, parts)))
        if len(str(self)) > MAX_LENGTH:
            raise InvalidKeyError(type(self), str(self))

    def _parts(self) -> list[str]:
        parts = [self.org, self.number, self.run]
        return parts if self.group is None else [*parts, self.group]

    @property
    def is_plain(self) -> bool:
        """Whether all parts are made of the characters of a course key, as in every key made here."""
        return all(self.ALLOWED_PART.fullmatch(part) for part in self._parts())

    def _to_string(self) -> str:
        return self.SEPARATOR.join(self._parts())

    @classmethod
    def _from_string(cls, serialized: str) -> Self:
        parts = serialized.split(cls.SEPARATOR)
        if len(parts) not in (3, 4):
            raise InvalidKeyError(cls, serialized)
        return cls(*parts)


class LearningPathKeyFormField(forms.CharField):
    """A text input whose value is a ``LearningPathKey``; what is malformed is a form error."""

    default_error_messages = {
        "invalid": _("Enter a key such as path-v1:Org+Number+Run or path-v1:Org+Number+Run+Group."),
    }

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            return LearningPathKey.from_string(str(text))
        except InvalidKeyError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def validate_new_key(key: LearningPathKey) -> None:
    """
    Refuse what only the key of a path that moved here may have.

    Raises:
        ValidationError: a part has other characters than a course key allows.
    """
    if not key.is_plain:
        raise ValidationError(LearningPathKeyFormField.default_error_messages["invalid"], code="invalid")


@lru_cache(maxsize=REMEMBERED_KEYS)
def _parse(key_class: type[OpaqueKey], text: str) -> OpaqueKey:
    return key_class.from_string(text)


class StoredKeys:
    """
    For fields of opaque keys: what upstream's leave open.

    What is no key is a ``ValidationError`` where it is set or stored, and in a filter it finds nothing. A row without a
    key is refused by whatever stores it, unless the field may be blank. What comes from the database is parsed once in
    a process: keys don't change, parsing one takes longer than reading its row, and a catalog reads hundreds at each
    request.
    """

    KEY_CLASS: Any  # the field's class says which
    Empty: Any
    blank: bool
    error_messages: Any

    default_error_messages: ClassVar[Any] = {"no_key": _("This needs a key.")}

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Return the key; upstream sees to what is empty or ends in a line feed."""
        if not value or value.endswith("\n"):
            return super().from_db_value(value, expression, connection)  # type: ignore[misc]  # of the field's class
        return _parse(self.KEY_CLASS, value)

    def to_python(self, value: Any) -> Any:
        """
        Return the key.

        Raises:
            ValidationError: it is none, or one that no database can store.
        """
        if isinstance(value, self.KEY_CLASS):
            return value
        if value is None or value is self.Empty or value == "":
            return None
        key = self._key_of(value.rstrip() if isinstance(value, str) and value.endswith("\n") else value)
        if key is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return key

    def get_prep_value(self, value: Any) -> Any:
        """Return the text that is looked for: one that no row has for what is no key."""
        if value is None or value is self.Empty or value == "":
            return ""
        key = self._key_of(value)
        return NO_KEY if key is None else super().get_prep_value(key)  # type: ignore[misc]  # of the field's class

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """
        Return the text that is stored.

        Raises:
            ValidationError: it is no key, or there is none.
        """
        if not hasattr(value, "as_sql"):
            value = self.to_python(value)
            if value is None and not self.blank:
                raise ValidationError(self.error_messages["no_key"], code="no_key")
        return super().get_db_prep_save(value, connection)  # type: ignore[misc]  # of the field's class

    def _key_of(self, value: Any) -> Any:
        """Return the key that a value is or spells; None for anything else."""
        if isinstance(value, str):
            try:
                key = self.KEY_CLASS.from_string(value)
                str(key).encode()
            except (InvalidKeyError, UnicodeEncodeError):
                return None
            return None if "\0" in value else key
        return value if isinstance(value, self.KEY_CLASS) else None


class StoredCourseKeyField(StoredKeys, CourseKeyField):
    """A field of the key of a course run: to migrations, which know no more than columns, it is upstream's."""

    default_error_messages: ClassVar[Any] = {
        "invalid": _("Enter the key of a course run, such as course-v1:Org+Course+Run.")
    }
    _pyi_private_set_type: CourseKey | str  # read by the plugin of django-stubs
    _pyi_private_get_type: CourseKey  # read by the plugin of django-stubs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # upstream

    def deconstruct(self) -> Any:
        """Name upstream's field, so that there is nothing to migrate."""
        name, _, args, kwargs = super().deconstruct()  # type: ignore[no-untyped-call]  # upstream
        return name, f"{CourseKeyField.__module__}.{CourseKeyField.__name__}", args, kwargs


class LearningPathKeyField(StoredKeys, OpaqueKeyField):
    """
    A model field whose value is a ``LearningPathKey``.

    MySQL compares it without regard to case, as it does course keys, and so does SQLite with edx-opaque-keys 4.
    ``queries.get_learning_path`` looks a key up exactly.
    """

    description = "A LearningPathKey object, saved to the DB in the form of a string."
    KEY_CLASS = LearningPathKey
    default_error_messages: ClassVar[Any] = LearningPathKeyFormField.default_error_messages
    _pyi_private_set_type: LearningPathKey | str  # type: ignore[assignment]  # read by the plugin of django-stubs
    _pyi_private_get_type: LearningPathKey  # type: ignore[assignment]  # read by the plugin of django-stubs

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # upstream

    def formfield(self, **kwargs: Any) -> Any:
        """Offer ``LearningPathKeyFormField`` to model forms."""
        return super().formfield(**{"form_class": LearningPathKeyFormField, "validators": [validate_new_key], **kwargs})
