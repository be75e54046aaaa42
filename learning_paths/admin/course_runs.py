"""Choosing a course run of the platform in a form: by search, in the widget that Django's admin has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from learning_paths import api

COURSE_RUNS_URL = "learning_paths_learningpath_course_runs"
PAGE_SIZE = 20
LAST_PAGE = 1000
LONGEST_TERM = 255


def well_formed(texts: Iterable[str]) -> list[CourseKey]:
    """Return the keys among these texts."""
    keys = []
    for text in texts:
        with suppress(InvalidKeyError):
            keys.append(CourseKey.from_string(str(text)))
    return keys


def describe(run: Any) -> str:
    """Return the name, the key and the dates of a course run, in one line."""
    text = f"{run.name} ({run.key})"
    dates = {"start": _date(run.start), "end": _date(run.end)}
    if run.start and run.end:
        return f"{text}, " + gettext("%(start)s to %(end)s") % dates
    if run.start:
        return f"{text}, " + gettext("from %(start)s") % dates
    if run.end:
        return f"{text}, " + gettext("until %(end)s") % dates
    return text


def _date(moment: Any) -> str:
    return date_format(timezone.localtime(moment)) if moment else ""


class CourseKeyFormField(forms.CharField):
    """A field whose value is a ``CourseKey``; what is malformed is a form error."""

    default_error_messages = {
        "invalid": _("Enter the key of a course run, such as course-v1:Org+Number+Run."),
        "unknown": _("The platform has no course run with the key %(key)s."),
    }

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            return CourseKey.from_string(str(text))
        except InvalidKeyError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class CourseKeysFormField(forms.MultipleChoiceField):
    """A field whose value is a list of ``CourseKey``s; any well-formed key can be chosen."""

    default_error_messages = {"invalid": CourseKeyFormField.default_error_messages["invalid"]}

    def to_python(self, value: Any) -> Any:
        """Return the keys."""
        one = CourseKeyFormField(required=False)
        return [key for text in value or [] if (key := one.clean(text)) is not None]

    def valid_value(self, value: Any) -> bool:
        """Leave it to the platform whether there is such a course run."""
        return True


class CourseRunOptions(AutocompleteMixin, forms.Select):
    """
    A select that ``admin/js/autocomplete.js`` fills from ``course_runs_response``.

    Of the options it holds only what is chosen. ``known_runs`` tells the names; a formset sets it, so that it asks the
    platform once for all of its rows.
    """

    known_runs: Callable[[], Mapping[CourseKey, Any]] = staticmethod(dict)

    def get_url(self) -> str:
        """Return the address that the script searches at."""
        return reverse(f"{self.admin_site.name}:{COURSE_RUNS_URL}")

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> list[Any]:
        """Return the chosen option alone, called by name if the platform knows it and else as it was typed."""
        chosen = [text for text in value if text]
        runs = {str(key): run for key, run in self.known_runs().items()} if chosen else {}
        names = [describe(runs[text]) if text in runs else text for text in chosen]
        options = [self.create_option(name, text, label, True, 0) for text, label in zip(chosen, names, strict=True)]
        return [(None, options, 0)]


class CourseRunSelect(CourseRunOptions):
    """For one course run."""


class CourseRunSelectMultiple(CourseRunOptions, forms.SelectMultiple):
    """For several course runs."""


def course_runs_response(request: HttpRequest) -> JsonResponse:
    """
    Answer ``admin/js/autocomplete.js`` with the course runs that match what was typed, a page at a time.

    Reads ``term`` and ``page``; a page that is no number is the first. Who may ask is for the caller to check.
    """
    term = request.GET.get("term", "").replace("\0", " ")[:LONGEST_TERM]
    page = _page(request.GET.get("page", ""))
    runs = api.search_course_runs(term, limit=PAGE_SIZE + 1, offset=PAGE_SIZE * (page - 1))
    return JsonResponse(
        {
            "results": [{"id": str(run.key), "text": describe(run)} for run in runs[:PAGE_SIZE]],
            "pagination": {"more": len(runs) > PAGE_SIZE and page < LAST_PAGE},
        }
    )


def _page(text: str) -> int:
    try:
        page = int(text)
    except ValueError:
        return 1
    return min(max(page, 1), LAST_PAGE)
