"""Registering, and confirming one's address."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from sandbox.accounts.forms import RegistrationForm
from sandbox.accounts.tokens import activation_url, user_to_activate


@method_decorator(never_cache, name="dispatch")
class RegisterView(FormView):  # type: ignore[type-arg]  # generic for the checker only
    """Makes an account and leads on to the page that, on a real site, a link in an e-mail leads to."""

    form_class = RegistrationForm
    template_name = "sandbox/register.html"

    def get_initial(self) -> dict[str, Any]:
        """Take the address from the query string, so that the walk-through can fill it in."""
        return {"email": self.request.GET.get("email", "")}

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        """Save the account."""
        return HttpResponseRedirect(activation_url(form.save()))


@method_decorator(never_cache, name="dispatch")
class ActivateView(View):
    """Tells the owner of an account that it waits for activation, and activates it."""

    def get(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:
        """Show the page. Nothing changes yet: programs that preview links must not activate accounts."""
        user = user_to_activate(uid, token)
        if user is None:
            return self._refuse(request)
        return render(request, "sandbox/activate.html", {"account": user})

    def post(self, request: HttpRequest, uid: str, token: str) -> HttpResponse:
        """Activate the account as the LMS does, by saving the user, and log the person in."""
        user = user_to_activate(uid, token)
        if user is None:
            return self._refuse(request)
        user.is_active = True
        user.save()
        login(request, user)
        messages.success(request, _("Your account is active. Welcome, %(name)s!") % {"name": user.get_username()})
        return redirect("front-page")

    def _refuse(self, request: HttpRequest) -> HttpResponse:
        return render(request, "sandbox/activation_link_used.html", status=404)
