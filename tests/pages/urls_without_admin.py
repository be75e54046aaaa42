"""The addresses of a site that does without the admin."""

from __future__ import annotations

from sandbox.urls import urlpatterns as all_of_them

urlpatterns = [pattern for pattern in all_of_them if getattr(pattern, "app_name", None) != "admin"]
