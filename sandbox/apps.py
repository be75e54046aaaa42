"""The sandbox as a Django app: its pages, its command, and the connecting of plugins' receivers."""

from __future__ import annotations

from django.apps import AppConfig
from edx_django_utils.plugins import connect_plugin_receivers


class SandboxConfig(AppConfig):
    """Does at start-up what ``openedx.core.djangoapps.plugins`` does in the LMS."""

    name = "sandbox"

    def ready(self) -> None:
        """Connect the receivers that plugins name, once every app is loaded."""
        connect_plugin_receivers("lms.djangoapp")
