"""Fields that name rows of other tables by their ids, whatever stands in the place of an id."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import DateField, ForeignKey, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern

from learning_paths.digits import whole_number
from learning_paths.emails import in_stored_form

LARGEST_ID = 2**63 - 1


class OfIds(AutocompleteMixin):
    """
    Shows of what was chosen that which is an id.

    Django looks up what was sent as it stands, also when its field has just refused it, and fails at what is no number.
    """

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Return the options, those that are chosen."""
        ids = [each for each in value if each and whole_number(str(each), largest=LARGEST_ID) is not None]
        return super().optgroups(name, ids, attr)


class SelectById(OfIds, AutocompleteSelect):
    """For one row."""


class SelectByIds(OfIds, AutocompleteSelectMultiple):
    """For several rows."""


class RelationsMixin(admin.options.BaseModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """For admins with ``autocomplete_fields``: lets those widgets be the ones above."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of one row."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SelectById(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of several rows."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SelectByIds(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class StrangeAddressesMixin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """
    For pages whose address holds ids, filters, a search and what a form begins with, whatever stands there.

    SQLite fails at an id of twenty digits, and Django's form at a moment that is none.
    """

    @property
    def urls(self) -> list[URLPattern]:
        """Return the addresses of all pages, those of subclasses too."""
        patterns: list[URLPattern] = super().urls
        for pattern in patterns:
            pattern.callback = _without_overflow(pattern.callback)
        return patterns

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Find nothing by a number that no row has, nor by one that is too long to be read."""
        if object_id.isdecimal() and whole_number(object_id, largest=LARGEST_ID) is None:
            return None
        return super().get_object(request, object_id, from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an address in an internationalized domain in the form in which it is stored, too."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        stored = in_stored_form(search_term)
        if stored == search_term:
            return found, may_repeat
        more, may_repeat_too = super().get_search_results(request, queryset, stored)
        return found | more, may_repeat or may_repeat_too

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a form with what its address says, but for moments that are none, and ids that can be none."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        for field in self.opts.get_fields():
            if isinstance(field, DateField) and field.name in initial:
                try:
                    initial[field.name] = field.to_python(initial[field.name])
                except ValidationError:
                    del initial[field.name]
        ids = {field.name for field in self.opts.get_fields() if isinstance(field, ForeignKey)} & set(initial)
        nothing = {name for name in ids if whole_number(str(initial[name]), largest=LARGEST_ID) is None}
        return {name: value for name, value in initial.items() if name not in nothing}


def _without_overflow(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a page find nothing by such a number: a list is shown whole and says so, as Django does for other filters."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except OverflowError as error:
            if args or kwargs or ERROR_FLAG in request.GET:
                raise Http404 from error
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    return answered
