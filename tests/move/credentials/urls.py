"""The URLs of both packages. Those of the completion plugin take the platform to be imported."""

from django.urls import include, path

urlpatterns = [path("", include("learning_paths.urls")), path("", include("learning_credentials.urls"))]
