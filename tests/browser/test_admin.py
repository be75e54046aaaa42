"""Building a path in the admin, with the course runs that the platform offers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expect
from selenium.webdriver.support.ui import WebDriverWait

from learning_paths import api
from learning_paths.models import LearningPath
from sandbox.demo.content import WEB
from sandbox.demo.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def web(browser: Chrome, live_server: LiveServer) -> LearningPath:
    """The path about the web, whose form the browser, logged in as staff, has open."""
    seed(crowd=False)
    path = api.get_learning_path(WEB)
    client = Client()
    client.force_login(User.objects.get(username="staff"))
    browser.get(live_server.url)
    browser.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value})
    browser.get(f"{live_server.url}/admin/learning_paths/learningpath/{path.pk}/change/")
    return path


def search(browser: Chrome, letters: str) -> list[WebElement]:
    """Add a step, type into its course field, and return what it offers."""
    inline = browser.find_element(By.ID, "steps-group")
    inline.find_element(By.CSS_SELECTOR, ".add-row a").click()
    rows = inline.find_elements(By.CSS_SELECTOR, ".dynamic-steps")
    rows[-1].find_element(By.CSS_SELECTOR, ".field-course_key .select2-selection").click()
    box = browser.find_element(By.CSS_SELECTOR, ".select2-container--open .select2-search__field")
    box.send_keys(letters)
    wait = WebDriverWait(browser, 10)
    wait.until(expect.presence_of_element_located((By.CSS_SELECTOR, ".select2-results__options")))
    wait.until(expect.invisibility_of_element_located((By.CSS_SELECTOR, ".select2-results__option.loading-results")))
    return browser.find_elements(By.CSS_SELECTOR, ".select2-results__option")


def save(browser: Chrome) -> None:
    """Press the button that saves and stays on the page, and wait for the next page."""
    button = browser.find_element(By.NAME, "_continue")
    button.click()
    WebDriverWait(browser, 10).until(expect.staleness_of(button))


def test_staff_find_a_course_run_by_a_few_letters_and_add_it_as_a_step(browser: Chrome, web: LearningPath) -> None:
    assert [option.text.split(" (")[0] for option in search(browser, "secur fund")] == ["Web Security Fundamentals"]
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    save(browser)

    assert "was changed successfully" in browser.find_element(By.CSS_SELECTOR, ".messagelist").text
    assert [step.course_key.course for step in web.steps.all()] == ["HTML1", "JS101", "SEC01"]
    chosen = browser.find_elements(By.CSS_SELECTOR, "#steps-group .has_original .select2-selection__rendered")
    assert str(chosen[-1].get_attribute("title")).startswith("Web Security Fundamentals (")


def test_letters_that_no_run_has_find_nothing(browser: Chrome, web: LearningPath) -> None:
    assert [option.text for option in search(browser, "zzz")] == ["No results found"]
