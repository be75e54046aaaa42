"""
A site that has the rival and the least that it takes to run.

What a benchmark can feel is as the sandbox has it: the database with its options, requests in transactions, the
middleware. Imported under the name ``settings`` by ``driver.py``, in the rival's own virtual environment.
"""

from __future__ import annotations

import json
import os
from typing import Any

from edx_django_utils.plugins import add_plugins

SECRET_KEY = "insecure-key-of-a-benchmark"
DATABASES: dict[str, Any] = {"default": json.loads(os.environ["RIVAL_DATABASE"])}
if DATABASES["default"]["ENGINE"] == "sandbox.sqlite3":
    DATABASES["default"]["ENGINE"] = "django.db.backends.sqlite3"  # the rival knows no sandbox
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "learning_paths.urls"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    # The rival's API imports the completion aggregator, which imports the models of these two.
    "completion",
    "event_routing_backends",
    "completion_aggregator",
    "learning_paths",
]
if DATABASES["default"]["ENGINE"].endswith(".sqlite3"):
    MIGRATION_MODULES = {"completion_aggregator": None}  # one of them is written for MySQL alone

MIDDLEWARE = [
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# Asked for by the settings of the plugins below.
EVENT_TRACKING_BACKENDS: dict[str, Any] = {}
LMS_ROOT_URL = "http://localhost"
add_plugins(__name__, "lms.djangoapp", "common")
