"""The forms of the account pages."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learning_paths.emails import comparable, spellings
from sandbox.accounts.tokens import activation_url


class LogInForm(AuthenticationForm):
    """Asks for name and password, and tells who gave them rightly when it is the activation that is missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Refuse an account that isn't activated, and offer the page that activates it."""
        if isinstance(user, User) and not user.is_active:
            message = format_html(
                gettext(
                    "This account isn't activated yet, so you can't log in. <a href=\"{url}\">Activate my account</a>"
                ),
                url=activation_url(user),
            )
            raise ValidationError(message, code="inactive")


class RegistrationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """Makes an account that waits for activation, as the LMS's registration does. Any password will do here."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = User
        fields = ["username", "email"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["username"].help_text = _("Letters, digits and @ . + - _")
        self.fields["username"].widget.attrs["autocomplete"] = "username"
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def clean_email(self) -> str:
        """Refuse an address that another account has, in whatever case."""
        email: str = self.cleaned_data["email"]
        forms = spellings(comparable(email) or email)
        if User.objects.filter(reduce(or_, (Q(email__iexact=form) for form in forms))).exists():
            raise ValidationError(_("An account with this e-mail address exists already."), code="unique")
        return email

    def save(self, commit: bool = True) -> User:
        """Make the account, inactive until its owner has confirmed the address."""
        user: User = super().save(commit=False)
        user.set_password(self.cleaned_data["password"])
        user.is_active = False
        if commit:
            user.save()
        return user
