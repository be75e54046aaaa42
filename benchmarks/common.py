"""What the benchmarks share: a scratch database, and times that mean something."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")


@contextmanager
def scratch_database() -> Iterator[str]:
    """Set Django up with an empty database, which is destroyed in the end; yield what kind it is."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment(debug=False)
    settings.LOGGING_CONFIG = None
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SELECT version()")
            [version] = cursor.fetchone()
        yield f"{connection.display_name} {version}"
    finally:
        teardown_databases(databases, verbosity=0)


def median_time(function: Callable[[], Any], *, repeats: int) -> float:
    """Return the median of so many runs, in seconds, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
