"""The link with which the owner of an address confirms it. The LMS sends it by e-mail; the sandbox shows it."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode


class ActivationTokenGenerator(PasswordResetTokenGenerator):
    """Makes tokens that are of no use once the account is active, nor for resetting its password."""

    key_salt = "sandbox.accounts.tokens.ActivationTokenGenerator"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}"


_tokens = ActivationTokenGenerator()


def activation_url(user: User) -> str:
    """Return the address of the page on which the account can be activated."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("activate", kwargs={"uid": uid, "token": _tokens.make_token(user)})


def user_to_activate(uid: str, token: str) -> User | None:
    """Return the account that the two parts of an activation link stand for, or None if the link is no good."""
    try:
        user = User.objects.get(pk=urlsafe_base64_decode(uid).decode())
    except (ValueError, OverflowError, User.DoesNotExist):
        return None
    return user if _tokens.check_token(user, token) else None
