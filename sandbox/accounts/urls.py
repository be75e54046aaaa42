"""Addresses of the account pages."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from sandbox.accounts.forms import LogInForm
from sandbox.accounts.views import ActivateView, RegisterView

urlpatterns = [
    path(
        "login/",
        LoginView.as_view(authentication_form=LogInForm, template_name="sandbox/log_in.html"),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("register/", RegisterView.as_view(), name="register"),
    path("activate/<uid>/<token>/", ActivateView.as_view(), name="activate"),
]
