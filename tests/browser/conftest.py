"""A headless Chromium, that of the system, and the live sandbox that it visits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.worker import start_worker

__all__ = ["browser", "start_worker"]

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--lang=en-US",
    "--window-size=1280,1000",
)


def _program(variable: str, *names: str) -> str:
    """Return the program that the environment names, or the first of ``names`` on the path."""
    found = os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(f"There is no {names[0]}. On Debian: apt-get install chromium chromium-driver")
    return found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """A browser without a past. Both programs are named, so that selenium downloads neither."""
    options = ChromeOptions()
    options.binary_location = _program("CHROMIUM", "chromium", "chromium-browser", "google-chrome")
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    driver = Chrome(options=options, service=Service(_program("CHROMEDRIVER", "chromedriver")))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()
