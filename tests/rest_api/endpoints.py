"""Every endpoint of the urlconf, so that a test can say something of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

URLCONF = "learning_paths.rest_api.urls"


@dataclass(frozen=True)
class Endpoint:
    """A method of a route."""

    name: str
    method: str
    action: str
    view_class: Any
    arguments: tuple[str, ...]
    """The names of what stands in the address."""

    @property
    def view(self) -> Any:
        """A view as it answers this method."""
        view = self.view_class()
        view.action, view.action_map = self.action, {self.method: self.action}
        return view

    def address(self, values: dict[str, str]) -> str:
        """Return the address, with these values in it."""
        address = reverse(self.name, URLCONF, kwargs={name: values[name] for name in self.arguments})
        return f"{address}/"

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def endpoints() -> list[Endpoint]:
    """Return all of them."""
    return [
        Endpoint(str(pattern.name), method, action, callback.cls, tuple(pattern.pattern.regex.groupindex))
        for pattern in patterns_of(get_resolver(URLCONF).url_patterns)
        for callback in [_view(pattern)]
        for method, action in callback.actions.items()
        if method != "head"
    ]


def _view(pattern: URLPattern) -> Any:
    return pattern.callback


def patterns_of(found: list[Any]) -> Iterator[URLPattern]:
    """Yield the patterns among these, those of resolvers too."""
    for pattern in found:
        if isinstance(pattern, URLResolver):
            yield from patterns_of(pattern.url_patterns)
        else:
            yield pattern
