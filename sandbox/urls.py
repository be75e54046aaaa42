"""Addresses of the sandbox: its own, and those of the plugins."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from edx_django_utils.plugins import get_plugin_url_patterns

from sandbox.courses.views import CourseView
from sandbox.views import front_page

# E-mails name these pages of the LMS. What comes nearest to them here is where they lead.
LINKS_IN_EMAILS: list[URLPattern | URLResolver] = [
    path("register", RedirectView.as_view(pattern_name="register", query_string=True)),
    path("dashboard", RedirectView.as_view(pattern_name="front-page")),
    re_path(r"^courses/(?:[^/]+)/about$", RedirectView.as_view(pattern_name="front-page")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front_page, name="front-page"),
    path("accounts/", include("sandbox.accounts.urls")),
    path("admin/", admin.site.urls),
    path("api-auth/", include("rest_framework.urls")),
    path("courses/<str:course_key>/course/", CourseView.as_view(), name="course"),
    *LINKS_IN_EMAILS,
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
urlpatterns.extend(get_plugin_url_patterns("lms.djangoapp"))
