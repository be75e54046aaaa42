"""What forms that take addresses have in common: a field to type or paste them, one for a file, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from learning_paths import api
from learning_paths.data import LARGEST_FILE, InvalidEntry, ParsedEmails
from learning_paths.exceptions import BulkTooLarge

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

NAMED_AT_MOST = 5
HOW_TO_SEPARATE = _(
    "Separated by new lines, commas, semicolons or spaces; names, as mail programs put them before an address, do no "
    "harm."
)


class AddressesForm(forms.Form):
    """Addresses that are typed or pasted, a file, or both. ``parsed`` is what they come to."""

    emails = forms.CharField(
        label=_("E-mail addresses"),
        required=False,
        strip=False,
        widget=AdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )
    file = forms.FileField(
        label=_("CSV or text file"),
        required=False,
        allow_empty_file=True,
        help_text=_("A column named “email” is found by its name; a file of addresses alone needs no header."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv,text/plain"}),
    )

    without_account: str | Promise
    """Says what becomes of those who have no account yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without addresses."""
        super().__init__(*args, **kwargs)
        self.parsed = ParsedEmails((), ())
        self.fields["emails"].help_text = format_lazy("{} {}", HOW_TO_SEPARATE, self.without_account)

    def clean_file(self) -> UploadedFile[Any] | None:
        """Refuse a file that would take too long to read, or that a draft could not keep."""
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST_FILE:
            text = gettext("The file is too large: at most %(size)s. Cut it into several, or remove other columns.")
            raise forms.ValidationError(text % {"size": filesizeformat(LARGEST_FILE)})
        return file

    def take_addresses(self, sources: Mapping[str, Callable[[], ParsedEmails]], *, others: bool = False) -> None:
        """
        Read and merge what the fields hold, and say by their lines what is wrong when it has no address.

        What is more than one job takes is an error of its field.

        Arguments:
            sources: what reads them, by the names of the fields.
            others: whether the form names people in another way, so that no address is needed.
        """
        read: dict[str, ParsedEmails] = {}
        name = "emails"
        try:
            for name, parse in sources.items():
                read[name] = parse()
            name = "emails"
            self.parsed = api.merge(*read.values())
        except BulkTooLarge as error:
            self.add_error(name, str(error))
            return
        if self.parsed.emails or others or self.has_error("file") or self.has_error("emails"):
            return
        for name, parsed in read.items():
            if parsed.invalid and name in self.fields:
                self.add_error(name, _not_one_address(parsed.invalid))
        if not self.parsed.invalid:
            self.add_error("emails", gettext("Type or paste e-mail addresses, or choose a file."))


def _not_one_address(invalid: tuple[InvalidEntry, ...]) -> list[str]:
    """Return the errors of a source in which there is nothing valid."""
    line = gettext("Line %(line)d: “%(text)s” is not a valid e-mail address.")
    errors = [line % {"line": entry.line, "text": entry.text} for entry in invalid[:NAMED_AT_MOST]]
    if (more := len(invalid) - NAMED_AT_MOST) > 0:
        errors.append(ngettext("And %(count)d more.", "And %(count)d more.", more) % {"count": more})
    return errors
