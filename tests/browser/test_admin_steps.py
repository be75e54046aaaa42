"""Choosing the course runs of a path in the admin, with the admin's own script in a real browser."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from learning_paths.models import LearningPath, LearningPathStep
from sandbox.courses.models import CourseRun
from tests.factories import make_path, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DS, WEB = "course-v1:DemoX+DS+2026", "course-v1:DemoX+WEB+2026"


@pytest.fixture
def path() -> LearningPath:
    """A path with one step, and two course runs to choose from."""
    CourseRun.objects.create(course_key=DS, display_name="Data Science")
    CourseRun.objects.create(course_key=WEB, display_name="Web Basics")
    learning_path = make_path()
    LearningPathStep.objects.create(learning_path=learning_path, course_key=DS, order=1)
    return learning_path


def open_form(browser: Chrome, live_server: LiveServer, learning_path: LearningPath) -> None:
    """Open the form of a path as a superuser who has logged in before."""
    client = Client()
    client.force_login(make_staff("sam", is_superuser=True))
    browser.get(f"{live_server.url}/admin/login/")
    name = settings.SESSION_COOKIE_NAME
    browser.add_cookie({"name": name, "value": client.cookies[name].value})
    browser.get(f"{live_server.url}/admin/learning_paths/learningpath/{learning_path.pk}/change/")


def wait_for(browser: Chrome, selector: str) -> WebElement:
    """Return the last element that the selector finds, as soon as there is one."""
    found = WebDriverWait(browser, 10).until(lambda page: page.find_elements(By.CSS_SELECTOR, selector))
    return found[-1]


def choose(browser: Chrome, row: str, words: str, text: str) -> None:
    """Type words into the search of a row and take the only run that is offered, which must read ``text``."""
    box = wait_for(browser, f"#{row} .field-course_key .select2-selection")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
    box.click()
    wait_for(browser, ".select2-search__field").send_keys(words)
    WebDriverWait(browser, 10).until(
        lambda page: [option.text for option in page.find_elements(By.CLASS_NAME, "select2-results__option")] == [text]
    )
    wait_for(browser, ".select2-search__field").send_keys(Keys.ENTER)


def save(browser: Chrome) -> None:
    """Send the form and wait for the list that says so."""
    button = browser.find_element(By.NAME, "_save")
    browser.execute_script("arguments[0].click()", button)
    wait_for(browser, ".messagelist .success")


def test_a_run_is_found_by_a_few_letters_and_becomes_a_step(
    browser: Chrome, live_server: LiveServer, path: LearningPath
) -> None:
    open_form(browser, live_server, path)
    shown = wait_for(browser, "#steps-0 .field-course_key .select2-selection__rendered")
    assert shown.text == f"Data Science ({DS})"

    add = browser.find_element(By.CSS_SELECTOR, "#steps-group .add-row a")
    browser.execute_script("arguments[0].click()", add)
    choose(browser, "steps-1", "bas", f"Web Basics ({WEB})")
    assert browser.find_element(By.NAME, "steps-1-order").get_property("value") == "2"
    save(browser)
    assert [(str(step.course_key), step.order) for step in path.steps.all()] == [(DS, 1), (WEB, 2)]


def test_the_run_of_a_step_is_exchanged(browser: Chrome, live_server: LiveServer, path: LearningPath) -> None:
    open_form(browser, live_server, path)
    choose(browser, "steps-0", "+WEB+", f"Web Basics ({WEB})")
    save(browser)
    assert str(path.steps.get().course_key) == WEB
