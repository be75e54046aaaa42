"""What stands in `lms/envs/common.py`, in its order: the plugins' settings come before any setting is derived."""

from __future__ import annotations

import os
from typing import Any

import dj_database_url
from edx_django_utils.plugins import add_plugins, get_plugin_apps

from tests.lms_host.derived import Derived

SECRET_KEY = "insecure-key-of-a-host-that-lives-for-a-test"
ROOT_URLCONF = "tests.lms_host.urls"
USE_TZ = True
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
ALLOWED_HOSTS = ["*"]
SIMPLE_HISTORY_DATE_INDEX = False

HOST = "lms.example.com"
LMS_ROOT_URL = Derived(lambda settings: f"https://{settings.HOST}")
PLATFORM_NAME = Derived(lambda settings: settings.HOST)
LOCALE_PATHS = Derived(lambda settings: [])
STATIC_URL = Derived(lambda settings: f"{settings.LMS_ROOT_URL}/static/")
LANGUAGES = Derived(lambda settings: [("en", "English"), ("de", "Deutsch")])
DATABASES = Derived(lambda settings: {"default": {**_database(), "ATOMIC_REQUESTS": True}})

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tests.lms_host.authentication.DefaultJwtAuthentication",
        "tests.lms_host.authentication.DefaultSessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": Derived(lambda settings: ["rest_framework.renderers.JSONRenderer"]),
    "URL_FORMAT_OVERRIDE": None,
}
JWT_AUTH: dict[str, Any] = {"JWT_ISSUERS": []}

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": Derived(lambda settings: []),
    },
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "simple_history",
    "openedx_events",
    "edx_ace",
    "tests.lms_host",
    "tests.lms_host.commerce",
]
INSTALLED_APPS.extend(get_plugin_apps("lms.djangoapp"))

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}


def _database() -> dict[str, Any]:
    database: dict[str, Any] = dict(dj_database_url.parse(os.environ["DATABASE_URL"]))
    if database["ENGINE"].endswith(".mysql"):
        database["OPTIONS"] = {"charset": "utf8mb4", "sql_mode": "STRICT_TRANS_TABLES"}
    return database


add_plugins(__name__, "lms.djangoapp", "common")

# What the platform sets after the plugins have been asked.
LMS_BASE = Derived(lambda settings: settings.HOST)
