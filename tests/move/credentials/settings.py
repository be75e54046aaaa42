"""
A site that finds this package and ``learning-credentials`` as the LMS finds its plugins, by their entry points.

Imported under the name ``settings`` by ``use.py``, in a process of its own.
"""

from __future__ import annotations

import json
import os
from typing import Any

from edx_django_utils.plugins import add_plugins, get_plugin_apps

SECRET_KEY = "insecure-key-of-a-test"
ALLOWED_HOSTS = ["testserver"]
DATABASES: dict[str, Any] = {"default": json.loads(os.environ["SITE_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "urls"
TESTING = True  # learning-credentials then makes a Celery application of its own, where it would take the platform's
LMS_ROOT_URL = "http://localhost"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "simple_history",
    *get_plugin_apps("lms.djangoapp"),
]
MIGRATION_MODULES = {
    "completion_aggregator": None
}  # one of them is written for MySQL alone, and nothing is stored there
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

EVENT_TRACKING_BACKENDS: dict[str, Any] = {}  # asked for by one of the plugins
add_plugins(__name__, "lms.djangoapp", "common")
