"""
Times the rival's bulk enrollment, or with ``catalog.py`` its catalog. Run by ``benchmarks.rival`` with the Python of
the rival's virtual environment.

Reads the work as JSON from standard input and writes the measurements as the last line of standard output. It sees
the rival as a site does: through its URL, its plugin entry point and its tables.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

URL = "/api/learning_paths/v1/enrollments/bulk-enroll/"
WRITTEN = ["LearningPathEnrollment", "LearningPathEnrollmentAllowed", "LearningPathEnrollmentAudit"]


def connect_receivers() -> None:
    """
    Connect the rival's receivers as the LMS does at start-up.

    This is ``edx_django_utils.plugins.connect_plugin_receivers`` for the one plugin, as another one that has to be
    installed names a signal of the platform. Without it the rival writes no audit.
    """
    from django.apps import apps
    from django.utils.module_loading import import_string

    config: Any = apps.get_app_config("learning_paths")
    signals = config.plugin_app["signals_config"]["lms.djangoapp"]
    module = import_module(f"{config.name}.{signals['relative_path']}")
    for receiver in signals["receivers"]:
        sender = receiver.get("sender_path")
        import_string(receiver["signal_path"]).connect(
            getattr(module, receiver["receiver_func_name"]), sender=sender and import_string(sender)
        )


class Bench:
    """The rival's site with its learners and paths."""

    def __init__(self, work: dict[str, Any]) -> None:
        from django.apps import apps
        from django.contrib.auth.models import User
        from django.db import connection, models
        from rest_framework.test import APIClient

        # As in an LMS, and in the sandbox.
        with connection.schema_editor() as editor:
            editor.add_index(User, models.Index(fields=["email"], name="rival_auth_user_email"))
        User.objects.bulk_create([User(username=email.partition("@")[0], email=email) for email in work["accounts"]])
        path_model = apps.get_model("learning_paths", "LearningPath")
        for key in [*work["learning_paths"], work["warm_up"]["learning_path"]]:
            path_model.objects.create(key=key, display_name=key)

        self.connection = connection
        self.written = [apps.get_model("learning_paths", name) for name in WRITTEN]
        self.client = APIClient()
        self.client.force_authenticate(User.objects.create(username="staff", is_staff=True, is_superuser=True))
        self.body = self.request_body(work["learning_paths"], work["emails"])
        self.post(self.request_body([work["warm_up"]["learning_path"]], [work["warm_up"]["email"]]))

    def request_body(self, learning_paths: list[str], emails: list[str]) -> dict[str, str]:
        """Return what the rival wants: it takes no lists."""
        return {"learning_paths": ",".join(learning_paths), "emails": ",".join(emails), "reason": "benchmark"}

    def post(self, body: dict[str, str]) -> tuple[float, int]:
        """Send a request; return its seconds and how many queries it took."""
        queries = 0

        def count(execute: Any, *arguments: Any) -> Any:
            nonlocal queries
            queries += 1
            return execute(*arguments)

        gc.collect()
        with self.connection.execute_wrapper(count):
            begin = time.perf_counter()
            response = self.client.post(URL, body, format="json")
            seconds = time.perf_counter() - begin
        if response.status_code not in (200, 201):
            raise SystemExit(f"{response.status_code}: {response.content!r}")
        return seconds, queries

    def empty(self) -> None:
        """Empty the tables that a request writes to."""
        from django.core.management.color import no_style

        tables = [model._meta.db_table for model in self.written]
        operations = self.connection.ops
        operations.execute_sql_flush(operations.sql_flush(no_style(), tables, reset_sequences=True))

    def rows(self) -> int:
        """Return how many rows there are in those tables."""
        return sum(model.objects.count() for model in self.written)

    def run(self) -> dict[str, Any]:
        """Measure a first request and a second one that has nothing to do."""
        self.empty()
        first, first_queries = self.post(self.body)
        first_rows = self.rows()
        repeat, repeat_queries = self.post(self.body)
        return {
            "first": first,
            "first_queries": first_queries,
            "first_rows": first_rows,
            "repeat": repeat,
            "repeat_queries": repeat_queries,
            "repeat_rows": self.rows() - first_rows,
        }


def main() -> None:
    """Measure as often as the work says."""
    work = json.load(sys.stdin)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django

    django.setup()
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    rival = version("learning-paths-plugin")
    assert Path(str(import_module("learning_paths").__file__)).is_relative_to(sys.prefix), "not the rival"
    if work.get("receivers"):
        connect_receivers()
    setup_test_environment(debug=False)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        if "paths" in work:
            import catalog  # type: ignore[import-not-found]  # beside this file

            result = catalog.measure(work)
        else:
            bench = Bench(work)
            result = {"runs": [bench.run() for _ in range(work["runs"])]}
    finally:
        teardown_databases(databases, verbosity=0)
    print(json.dumps({"version": rival, **result}))


if __name__ == "__main__":
    main()
