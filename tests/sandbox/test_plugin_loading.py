"""The sandbox is to the plugin what the LMS is."""

from __future__ import annotations

import re
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

import sandbox

settings: Any = django_settings  # the host has settings of which the type checker does not know


def test_no_file_of_the_sandbox_names_the_plugin_as_an_app() -> None:
    source = (Path(sandbox.__file__).parent / "settings.py").read_text(encoding="utf-8")
    assert not re.search(r"[\"']learning_paths", source)
    assert apps.is_installed("learning_paths")


def test_what_the_sandbox_sets_wins_over_the_defaults_of_the_plugin() -> None:
    assert settings.LEARNING_PATHS_LMS == "sandbox.lms.SandboxLMS"


def test_as_in_the_lms() -> None:
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"]
    assert settings.USE_TZ
    assert settings.AUTH_USER_MODEL == "auth.User"
    assert settings.DEFAULT_AUTO_FIELD == "django.db.models.AutoField"
    assert settings.SIMPLE_HISTORY_DATE_INDEX is False
    assert "simple_history.middleware.HistoryRequestMiddleware" in settings.MIDDLEWARE
    assert not apps.is_installed("drf_spectacular")


@pytest.mark.django_db
def test_addresses_of_users_are_indexed() -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, User._meta.db_table)
    assert constraints["sandbox_auth_user_email"]["index"]
    assert constraints["sandbox_auth_user_email"]["columns"] == ["email"]


@pytest.mark.django_db
def test_a_jwt_lets_its_bearer_in_and_changes_no_account() -> None:
    ana = User.objects.create_user("ana", "ana@example.com")
    response = Client().get("/api/v1/enrollment/", headers={"Authorization": f"JWT {_token(ana)}"})
    ana.refresh_from_db()
    assert response.status_code == 200
    assert ana.email == "ana@example.com"


@pytest.mark.django_db
def test_who_does_not_say_who_they_are_gets_a_401() -> None:
    assert Client().get("/api/v1/enrollment/").status_code == 401
    assert Client().get("/api/v1/enrollment/", headers={"Authorization": "JWT forged"}).status_code == 401


def _token(user: User) -> str:
    issuer = settings.JWT_AUTH["JWT_ISSUERS"][0]
    now = int(time())
    claims = {
        "iss": issuer["ISSUER"],
        "aud": issuer["AUDIENCE"],
        "iat": now,
        "exp": now + 60,
        "preferred_username": user.username,
        "email": "stale@example.com",
    }
    return jwt.encode(claims, issuer["SECRET_KEY"], algorithm="HS256")
