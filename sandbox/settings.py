"""
Settings of the sandbox, for trying and testing on one's own machine and for nothing else.

What the plugin can tell apart is set as the LMS sets it; the rest is as short as Django allows. Debug pages are on, and
the secret key is published here: never show this site to a network that you do not trust.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from edx_django_utils.plugins import add_plugins, get_plugin_apps

ROOT = Path(__file__).resolve().parent


def env_flag(name: str, *, default: bool) -> bool:
    """Return whether the environment switches `name` on."""
    value = os.environ.get(name, "").strip().lower()
    return value in {"1", "on", "true", "yes"} if value else default


def hosts(lms_root_url: str) -> list[str]:
    """
    Return the names by which the site is called: those of this machine, that of the links in e-mails, and what
    `ALLOWED_HOSTS` lists, separated by commas.

    Any other name may be that of a page which had its name lead here, to read what only this machine may.
    """
    named = [name.strip() for name in os.environ.get("ALLOWED_HOSTS", "").split(",")]
    return ["localhost", ".localhost", "127.0.0.1", "[::1]", *filter(None, [urlsplit(lms_root_url).hostname, *named])]


def database() -> dict[str, Any]:
    """
    Return the database that `DATABASE_URL` names, by default a file in the checkout.

    MySQL and MariaDB get the character set and the strictness that the LMS asks of them. On SQLite, those who come at
    the same moment wait for its one writer rather than fail.
    """
    config: dict[str, Any] = dict(
        dj_database_url.parse(os.environ.get("DATABASE_URL") or f"sqlite:///{ROOT / 'sandbox.sqlite3'}")
    )
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith(".mysql"):
        options.update(charset="utf8mb4", sql_mode="STRICT_TRANS_TABLES")
        config["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
    elif config["ENGINE"].endswith(".sqlite3"):
        config["ENGINE"] = "sandbox.sqlite3"
        config["TEST"] = {"NAME": ":memory:"}  # Django's default, which pytest-django knows by its backend's name only
        options["timeout"] = 60
    config["ATOMIC_REQUESTS"] = True
    return config


DEBUG = True
SECRET_KEY = "insecure-key-of-the-sandbox-that-everyone-knows"
LMS_ROOT_URL = os.environ.get("LMS_ROOT_URL") or "http://localhost:8000"
ALLOWED_HOSTS = hosts(LMS_ROOT_URL)

ROOT_URLCONF = "sandbox.urls"
DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = ROOT / "media"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "simple_history",
    "openedx_events",
    "edx_ace",
    "sandbox",
    "sandbox.accounts",
    "sandbox.courses",
]
INSTALLED_APPS.extend(get_plugin_apps("lms.djangoapp"))

MIDDLEWARE = [
    "edx_django_utils.cache.middleware.RequestCacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
SIMPLE_HISTORY_DATE_INDEX = False

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

# As in the LMS, a right password is enough for this backend; whether an account that is not activated may go on is
# decided by whoever asked. Here that is the log-in form, which can then say what is missing.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "front-page"
LOGOUT_REDIRECT_URL = "front-page"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "edx_rest_framework_extensions.auth.jwt.authentication.JwtAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
}

JWT_AUTH: dict[str, Any] = {
    "JWT_AUTH_HEADER_PREFIX": "JWT",
    "JWT_DECODE_HANDLER": "edx_rest_framework_extensions.auth.jwt.decoder.jwt_decode_handler",
    "JWT_ALGORITHM": "HS256",
    "JWT_ISSUERS": [
        {
            "ISSUER": "http://sandbox.example.com/oauth2",
            "AUDIENCE": "sandbox",
            "SECRET_KEY": "insecure-signing-key-of-the-sandbox-that-everyone-knows",
        },
    ],
}
# A JWT says who asks. It never changes the account, as its claims may be stale.
EDX_DRF_EXTENSIONS: dict[str, Any] = {"JWT_PAYLOAD_USER_ATTRIBUTE_MAPPING": {}}

# Without a broker a task runs in the process that asks for it. With one, a broker that is down is an error after some
# seconds: left to themselves, Celery and its transport can wait for it for ever, and the request with them.
# BROKER_TRANSPORT_OPTIONS is JSON, and like CELERY_BROKER_TRANSPORT_OPTIONS of the LMS it adds to what is set here.
BROKER_URL = os.environ.get("BROKER_URL", "").strip()
CELERY_BROKER_URL = BROKER_URL or "memory://localhost"
CELERY_TASK_ALWAYS_EAGER = not BROKER_URL
CELERY_TASK_EAGER_PROPAGATES = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    **CELERY_TASK_PUBLISH_RETRY_POLICY,
    **json.loads(os.environ.get("BROKER_TRANSPORT_OPTIONS") or "{}"),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

# E-mails go to files, which the front page shows to staff. What edx-ace is told is what the LMS tells it.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ.get("EMAIL_FILE_PATH") or str(ROOT / "mail")
DEFAULT_FROM_EMAIL = "sandbox@example.com"
ACE_ENABLED_CHANNELS = ["django_email"]
ACE_ENABLED_POLICIES: list[str] = []
ACE_CHANNEL_DEFAULT_EMAIL = "django_email"
ACE_CHANNEL_TRANSACTIONAL_EMAIL = "django_email"
ACE_CHANNEL_SAILTHRU_DEBUG = True
ACE_CHANNEL_SAILTHRU_TEMPLATE_NAME = ACE_CHANNEL_SAILTHRU_API_KEY = ACE_CHANNEL_SAILTHRU_API_SECRET = None
PLATFORM_NAME = "Learning paths sandbox"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

LEARNING_PATHS_LMS = "sandbox.lms.SandboxLMS"
LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT = env_flag("LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT", default=False)

# Left to the plugin's defaults, and declared for the type checker.
LEARNING_PATHS_BULK_MAX_PAIRS: int
LEARNING_PATHS_BULK_REASON_REQUIRED: bool
LEARNING_PATHS_BULK_SYNC_COURSE_LIMIT: int
LEARNING_PATHS_BULK_SYNC_LIMIT: int
LEARNING_PATHS_ENROLL_LEARNERS_MODE: str
LEARNING_PATHS_ENTERPRISE_ROUTES: bool
LEARNING_PATHS_LEARNER_PAGES: bool
LEARNING_PATHS_LICENSE_BACKEND: str
LEARNING_PATHS_MICROFRONTEND_URL: str | None

# Last, as in the LMS: what stands above wins over the plugin's defaults.
add_plugins(__name__, "lms.djangoapp", "common")
