"""The app of the accounts."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Log-in, registration and activation pages, and what the sandbox knows of retired accounts."""

    name = "sandbox.accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.AutoField"
