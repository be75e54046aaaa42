"""Whom a request is about: the caller, or another learner whom staff name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request

from learning_paths import api
from learning_paths.rest_api.v1.query import refuse_what_is_not_heard_in_a_body
from learning_paths.rest_api.v1.serializers import LearnerSerializer

if TYPE_CHECKING:
    from django.contrib.auth.models import User

USERNAME = OpenApiParameter("username", str, description="The learner; staff may name another than themselves.")


class OfLearner:
    """For the views that let staff name a learner by ``username``."""

    caller: User

    def learner(self, request: Request) -> User:
        """Return whom the request is about. To others than staff, another's name tells nothing."""
        username = self.named(request)
        if username is None or username == self.caller.get_username():
            return self.caller
        if not api.is_staff(self.caller):
            raise PermissionDenied
        return api.get_user(username)

    @staticmethod
    def named(request: Request) -> str | None:
        """Return the username in the query or, where there may be one, in the body."""
        sources: list[Any] = [request.query_params]
        if request.method != "GET":
            refuse_what_is_not_heard_in_a_body(request.data, LearnerSerializer().fields)
            sources.append(request.data)
        names: set[str] = set()
        for source in sources:
            # A form can't tell a blank name from none; a blank one is no reason to act on the caller.
            parsed = LearnerSerializer(data=source.dict() if isinstance(source, QueryDict) else source)
            parsed.is_valid(raise_exception=True)
            names |= set(parsed.validated_data.values())
        if len(names) > 1:
            raise ValidationError({"username": [_("The query and the body name different learners.")]})
        return next(iter(names), None)
