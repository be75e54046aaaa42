"""The sandbox as a person with a browser meets it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from learning_paths.models import LearningPathEnrollment, ManualEnrollmentAudit
from sandbox.demo.content import DATA_SCIENCE
from sandbox.demo.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def fill_in(browser: Chrome, **values: str) -> WebElement:
    """Type values into the fields of the form on the page, and return the last field."""
    for name, value in values.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    return field


def wait_for_heading(browser: Chrome, text: str) -> None:
    """Wait until the page with this heading is there."""
    WebDriverWait(browser, 10).until(
        lambda page: text in [heading.text for heading in page.find_elements(By.TAG_NAME, "h1")],
        f"There is no heading: {text}",
    )


def states(browser: Chrome) -> dict[str, str]:
    """Return what the front page says of each path."""
    cards = browser.find_elements(By.CLASS_NAME, "card")
    return {str(card.get_attribute("data-key")): card.find_element(By.CLASS_NAME, "badges").text for card in cards}


def enrollments_of_dan() -> QuerySet[LearningPathEnrollment]:
    return LearningPathEnrollment.objects.filter(user__username="dan", learning_path__key=DATA_SCIENCE)


def test_dan_who_was_invited_registers_activates_and_is_enrolled(browser: Chrome, live_server: LiveServer) -> None:
    seed(crowd=False)

    browser.get(live_server.url)
    browser.find_element(By.LINK_TEXT, "Register as dan@example.com").click()
    wait_for_heading(browser, "Register")
    assert browser.find_element(By.NAME, "email").get_attribute("value") == "dan@example.com"
    fill_in(browser, username="dan", password="dan").send_keys(Keys.ENTER)

    wait_for_heading(browser, "Your account waits for activation")
    assert not User.objects.get(username="dan").is_active
    assert not enrollments_of_dan().exists()

    browser.find_element(By.LINK_TEXT, "Log in").click()
    wait_for_heading(browser, "Log in")
    fill_in(browser, username="dan", password="dan").send_keys(Keys.ENTER)
    link = WebDriverWait(browser, 10).until(lambda page: page.find_element(By.LINK_TEXT, "Activate my account"))
    link.click()
    wait_for_heading(browser, "Your account waits for activation")
    browser.find_element(By.XPATH, "//button[text()='Activate my account']").click()

    wait_for_heading(browser, "Try learning paths without an LMS")
    assert "Enrolled" in states(browser)[DATA_SCIENCE].split("\n")
    enrollment = enrollments_of_dan().get()
    assert enrollment.is_active
    audit = ManualEnrollmentAudit.objects.get(enrollment=enrollment)
    assert audit.enrolled_by == User.objects.get(username="staff")
    assert audit.reason == "Welcome to the demo"


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/register/"])
def test_no_page_scrolls_sideways_on_a_phone(browser: Chrome, live_server: LiveServer, path: str) -> None:
    seed(crowd=False)
    phone = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)

    browser.get(live_server.url + path)

    assert browser.execute_script("return window.innerWidth") == 375
    assert browser.execute_script("return document.documentElement.scrollWidth") == 375


def test_the_first_key_skips_to_the_content(browser: Chrome, live_server: LiveServer) -> None:
    browser.get(live_server.url)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text == "Skip to the content"
    assert focused.location["y"] >= 0
