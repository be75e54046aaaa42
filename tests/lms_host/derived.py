"""Settings that are worked out when all others are there, as `openedx.core.lib.derived` has them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn


class Derived:
    """A setting that is not there yet. Whoever takes it for its value is told so."""

    __slots__ = ("calculate",)
    __hash__ = None  # type: ignore[assignment]  # nor is it a key

    def __init__(self, calculate: Callable[[Any], Any]) -> None:
        self.calculate = calculate

    def _refuse(self, *args: object) -> NoReturn:
        raise TypeError("this setting is Derived: it has no value yet")

    __add__ = __bool__ = __contains__ = __eq__ = __getattr__ = __getitem__ = _refuse
    __iter__ = __len__ = __ne__ = __radd__ = __repr__ = __setitem__ = __str__ = _refuse


def derive_settings(module_name: str) -> None:
    """Replace what is `Derived` in a settings module, also inside lists and dictionaries, by its value."""
    module = sys.modules[module_name]
    for name, value in list(vars(module).items()):
        if name.isupper():
            setattr(module, name, _derived(value, module))


def _derived(value: Any, settings: Any) -> Any:
    if type(value) is Derived:
        return value.calculate(settings)
    if type(value) is dict:
        return {key: _derived(each, settings) for key, each in value.items()}
    if type(value) is list:
        return [_derived(each, settings) for each in value]
    return value
