"""The LMS names subclasses of the usual classes as its defaults, for the sake of its monitoring."""

from __future__ import annotations

from edx_rest_framework_extensions.auth.jwt.authentication import JwtAuthentication
from rest_framework.authentication import SessionAuthentication


class DefaultJwtAuthentication(JwtAuthentication):
    """As in `openedx.core.djangolib.default_auth_classes`."""


class DefaultSessionAuthentication(SessionAuthentication):
    """As there."""
