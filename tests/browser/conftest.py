"""A headless Chromium, that of the system, and the live sandbox that it visits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from learning_paths.models import LearningPath
from tests.browser.bulk import DS, Desk
from tests.factories import make_path, make_staff
from tests.worker import start_worker

__all__ = ["start_worker"]

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


@contextmanager
def _chrome(profile: Path, **preferences: object) -> Iterator[Chrome]:
    """Run a browser without a past. Both programs are named, so that selenium downloads neither."""
    options = ChromeOptions()
    options.binary_location = _program("CHROMIUM", "chromium", "chromium-browser", "google-chrome")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(_program("CHROMEDRIVER", "chromedriver")))
    driver.set_page_load_timeout(30)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def _shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with _chrome(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def browser(_shared_browser: Chrome) -> Iterator[Chrome]:
    """The browser that the tests share, since it takes seconds to start. It forgets each test but for its cache."""
    yield _shared_browser
    _shared_browser.get("about:blank")
    _shared_browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    _shared_browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    _shared_browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {})
    _shared_browser.get_log("browser")


@pytest.fixture
def browser_without_scripts(tmp_path: Path) -> Iterator[Chrome]:
    """A browser that runs no script of any page."""
    with _chrome(tmp_path, **{"profile.managed_default_content_settings.javascript": 2}) as driver:
        yield driver


@pytest.fixture
def sam(transactional_db: None) -> User:
    """A superuser."""
    return make_staff("sam", is_superuser=True)


@pytest.fixture
def data_science(transactional_db: None) -> LearningPath:
    """A learning path."""
    return make_path(DS, display_name="Data Science")


@pytest.fixture
def desk(browser: Chrome, live_server: LiveServer, sam: User) -> Desk:
    """The browser with Sam before it, who is logged in."""
    desk = Desk(browser, live_server.url)
    desk.log_in(sam)
    return desk
