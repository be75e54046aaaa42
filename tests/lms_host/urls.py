"""The host has the plugins' addresses, and no admin."""

from __future__ import annotations

from edx_django_utils.plugins import get_plugin_url_patterns

urlpatterns = get_plugin_url_patterns("lms.djangoapp")
