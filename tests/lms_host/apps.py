"""The host as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from edx_django_utils.plugins import connect_plugin_receivers


class LmsHostConfig(AppConfig):
    """Connects the receivers of the plugins, as `openedx.core.djangoapps.plugins` does."""

    name = "tests.lms_host"

    def ready(self) -> None:
        """Connect them."""
        connect_plugin_receivers("lms.djangoapp")
