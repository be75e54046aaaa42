"""What the benchmarks share: a scratch database, and times, counts and peaks that mean something."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import Model

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")


def set_up_django() -> None:
    """Set Django up as for a test run: no DEBUG, which would keep every query, and no mail that leaves."""
    import django

    django.setup()
    from django.conf import settings
    from django.test.utils import setup_test_environment

    setup_test_environment(debug=False)
    settings.LOGGING_CONFIG = None


@contextmanager
def scratch_database(directory: Path | None = None) -> Iterator[str]:
    """
    Set Django up with an empty database, which is destroyed in the end; yield what kind it is.

    With a ``directory``, SQLite keeps it in a file there and not in memory.
    """
    set_up_django()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    if directory is not None and connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(directory / "ours.sqlite3")
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SELECT version()")
            [version] = cursor.fetchone()
        yield f"{connection.display_name} {version}"
    finally:
        teardown_databases(databases, verbosity=0)


def empty_tables(*models: type[Model]) -> None:
    """Empty the tables of ``models`` and begin their keys anew."""
    from django.core.management.color import no_style
    from django.db import connection

    tables = [model._meta.db_table for model in models]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables, reset_sequences=True))


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds that one call takes, with the garbage of what was before collected."""
    gc.collect()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def median_time(function: Callable[[], Any], *, repeats: int) -> float:
    """Return the median of so many runs, in seconds, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


class QueryCounter:
    """Counts the statements of a connection as one of its ``execute_wrapper``; much cheaper than DEBUG."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def peak_memory() -> float:
    """
    Return the most memory that this process has had resident so far, in MB.

    Linux counts into ``ru_maxrss`` what the parent had at the time of the fork, hence ``/proc`` where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024
