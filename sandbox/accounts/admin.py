"""Admin of what the sandbox knows of accounts, besides Django's own."""

from __future__ import annotations

from django.contrib import admin

from sandbox.accounts.models import RetiredAccount


@admin.register(RetiredAccount)
class RetiredAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Retire an address here to see that it can't be invited."""

    search_fields = ["email"]
