"""A small Django project that plays the LMS's part: the plugin can be tried, developed and tested without one."""

from sandbox.celery import app as celery_app

__all__ = ["celery_app"]
