"""Who may do what over REST."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from learning_paths import api


class IsStaff(BasePermission):
    """Lets staff pass: active accounts with ``is_staff`` or ``is_superuser``. DRF's own looks at ``is_staff`` alone."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Look at the account that sent the request."""
        return api.is_staff(request.user)


class MayUnenroll(BasePermission):
    """Lets staff unenroll; others only where the site's ``LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT`` says so."""

    message = _("This site does not let learners unenroll themselves. Ask its staff.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse before anything is looked up, so that the answer tells nothing about the path or the learner."""
        return (
            request.method != "DELETE"
            or api.is_staff(request.user)
            or bool(settings.LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT)
        )
