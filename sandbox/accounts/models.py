"""What Django's own users lack."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from learning_paths.emails import comparable


class RetiredAccount(models.Model):
    """
    An address whose account was retired. The LMS keeps a hash of it; the sandbox keeps it readable.

    .. pii: the e-mail address of a person whose account was retired; a made-up one, as is everything in the sandbox
    .. pii_types: email_address
    .. pii_retirement: retained
    """

    email = models.EmailField(unique=True, verbose_name=_("e-mail address"), help_text=_("In lower case."))

    class Meta:
        verbose_name = _("retired account")
        verbose_name_plural = _("retired accounts")

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Keep the address in the form in which the plugin asks for it."""
        self.email = comparable(self.email) or self.email.strip().lower()
