"""Addresses of the sandbox: its own, and those of the plugins."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from edx_django_utils.plugins import get_plugin_url_patterns

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
]
urlpatterns.extend(get_plugin_url_patterns("lms.djangoapp"))
