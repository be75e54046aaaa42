"""Staff at the screens of bulk enrollment, and the learners that they enroll."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from learning_paths.models import (
    BulkEnrollmentJob,
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    ManualEnrollmentAudit,
)

SECONDS = 30.0
"""How long anything may take that is waited for."""

DS, WEB = "path-v1:DemoX+DS101+2026", "path-v1:DemoX+WEB+2026"


@dataclass(frozen=True, slots=True)
class Desk:
    """A browser, the site that it visits, and what a member of the staff does and reads there."""

    browser: Chrome
    site: str

    def log_in(self, user: User) -> None:
        """Be this user, who has logged in before."""
        client = Client()
        client.force_login(user)
        self.browser.get(f"{self.site}/admin/jsi18n/")
        name = settings.SESSION_COOKIE_NAME
        self.browser.add_cookie({"name": name, "value": client.cookies[name].value})

    def visit(self, page: str, *args: object, query: str = "") -> None:
        """Open a page of the admin of the plugin's models, such as ``bulkenrollmentjob_add``."""
        self.browser.get(self.site + reverse(f"admin:learning_paths_{page}", args=args) + query)

    def visit_form(self, *paths: LearningPath, operation: str = "enroll") -> None:
        """Open the form with these paths chosen, as the buttons do."""
        chosen = "".join(f"&learning_paths={path.pk}" for path in paths)
        self.visit("bulkenrollmentjob_add", query=f"?operation={operation}{chosen}")

    def visit_job(self, job: BulkEnrollmentJob) -> None:
        """Open the page of a job."""
        self.visit("bulkenrollmentjob_change", job.pk)

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that the selector finds now."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """Return the first element that the selector finds, as soon as there is one."""
        return self._waiting.until(lambda _: self.all(selector), f"There is no {selector}")[0]

    def texts(self, selector: str) -> list[str]:
        """Return what the elements say that the selector finds now."""
        return [element.text for element in self.all(selector)]

    def await_texts(self, selector: str, texts: list[str]) -> None:
        """Wait until the elements that the selector finds say this."""
        self._waiting.until(lambda _: self.texts(selector) == texts, f"{selector} does not say: {texts}")

    @contextmanager
    def next_page(self) -> Iterator[None]:
        """Do what follows the ``with``, and wait for the page to which it leads."""
        page = self.one("html")
        yield
        self._waiting.until(lambda _: _is_gone(page), "The page is the same as before.")
        # A body may be there before what is in it.
        self._waiting.until(
            lambda new: new.execute_script("return document.readyState") == "complete", "It does not end."
        )

    def press(self, name: str) -> None:
        """Press the button or link with this name, and wait for the next page."""
        with self.next_page():
            self.button(name).click()

    def button(self, name: str) -> WebElement:
        """Return the button or link with this name, as soon as there is one."""
        here = f"//input[@type='submit' and @value='{name}'] | //*[self::a or self::button][normalize-space()='{name}']"
        found = self._waiting.until(
            lambda page: page.find_elements(By.XPATH, here), f"There is no button {name}: {self.buttons()}"
        )
        return found[0]

    @contextmanager
    def pressing(self, name: str) -> Iterator[None]:
        """Press a button whose answer waits for what follows the ``with``, and wait for the next page after that."""
        button = self.button(name)
        with self.next_page(), ThreadPoolExecutor(1) as pool:
            pressed = pool.submit(button.click)
            yield
            pressed.result()

    def press_tile(self, name: str) -> None:
        """Show the rows of one group only."""
        with self.next_page():
            [tile] = [tile for tile in self.all(".lp-tile") if tile.text.endswith(f"\n{name}")]
            tile.click()

    def buttons(self) -> list[str]:
        """Return the names of the buttons of a job's page."""
        return [
            button.get_attribute("value") or button.text for button in self.all(".lp-buttons [type=submit], .lp-button")
        ]

    def fill_in(self, **values: str) -> None:
        """Type these texts into the fields instead of what is in them."""
        for name, value in values.items():
            field = self.one(f"[name={name}]")
            field.clear()
            field.send_keys(value)

    def value(self, name: str) -> str:
        """Return what a field holds."""
        return self.one(f"[name={name}]").get_attribute("value") or ""

    def chosen_paths(self) -> list[str]:
        """Return the names of the paths that are chosen in the form."""
        chosen = Select(self.one("select[name=learning_paths]")).all_selected_options
        return [str(option.get_attribute("textContent")) for option in chosen]

    def choose_subscription(self, title: str) -> None:
        """Choose a subscription, and wait for the form that the page's script then asks for."""
        with self.next_page():
            Select(self.one("select[name=subscription]")).select_by_visible_text(title)

    def offered(self, name: str) -> dict[str, bool]:
        """Return the boxes of a field by what they say, and whether each is ticked."""
        return {label.text: self._box_of(label).is_selected() for label in self.all(f"#id_{name} label")}

    def tick(self, name: str, words: str) -> None:
        """Tick the box of a field that says this."""
        [box] = [self._box_of(label) for label in self.all(f"#id_{name} label") if label.text == words]
        box.click()

    def filter_holders(self, words: str) -> list[str]:
        """Type into the box above the holders of a license, and return who is listed then."""
        box = self.one("#id_holders_input")
        box.clear()
        box.send_keys(words)
        return self.texts("#id_holders_from option")

    def errors(self) -> dict[str, list[str]]:
        """Return what is wrong, by the field beside which it stands."""
        return {
            row.find_element(By.CSS_SELECTOR, "[name]").get_attribute("name") or "": lines
            for row in self.all("#bulk-form .form-row")
            if (lines := [item.text for item in row.find_elements(By.CSS_SELECTOR, ".errorlist li")])
        }

    def step(self) -> str:
        """Return the step that the page is, as the page counts them."""
        return self.one(".lp-steps [aria-current=step]").text.replace("\n", " ")

    def tiles(self) -> dict[str, int]:
        """Return the counts of a job's page that are not 0, by their names."""
        numbers = {
            tile.find_element(By.TAG_NAME, "span").text: int(
                tile.find_element(By.TAG_NAME, "strong").text.replace(",", "")
            )
            for tile in self.all(".lp-tile")
        }
        return {name: number for name, number in numbers.items() if number}

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the table of a job's page: address, path, and what will happen or happened."""
        return [
            (cells[0].text, cells[1].text, cells[3].text)
            for cells in (row.find_elements(By.TAG_NAME, "td") for row in self.all(".lp-rows tbody tr"))
        ]

    def state(self) -> str:
        """Return the state of the job that the page shows."""
        return self.one("[data-job=state]").text

    def await_state(self, state: str) -> None:
        """Wait until the page says that the job is in this state, without touching the page."""
        self._waiting.until(lambda _: self.state() == state, f"The job does not become {state}.")

    def await_progress(self, text: str) -> int:
        """Wait until the page says that a job is so far, without touching the page, and return the percentage."""
        message = f"The page does not say: {text}"
        self._waiting.until(lambda _: self.one("[data-job=text]").text.startswith(text), message)
        return round(float(self.one("progress").get_attribute("value") or 0))

    def _box_of(self, label: WebElement) -> WebElement:
        return self.one(f"#{label.get_attribute('for')}")

    @property
    def _waiting(self) -> WebDriverWait[Chrome]:
        # While one page gives way to the next, the driver has more than one word for "there is no such element".
        return WebDriverWait(self.browser, SECONDS, 0.1, [WebDriverException])


def _is_gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
    except WebDriverException:
        return True
    return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether the condition is met before long. InnoDB tells nothing new to who asks within 0.1 seconds."""
    deadline = time.monotonic() + SECONDS
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return met


def the_job() -> BulkEnrollmentJob:
    """Return the newest job."""
    return BulkEnrollmentJob.objects.latest("pk")


def enrolled(path: LearningPath) -> set[str]:
    """Return the usernames of the active learners of a path."""
    active = LearningPathEnrollment.objects.filter(learning_path=path, is_active=True)
    return set(active.values_list("user__username", flat=True))


def invited(path: LearningPath) -> set[str]:
    """Return the addresses that wait for an account."""
    pending = LearningPathEnrollmentAllowed.objects.pending().filter(learning_path=path)
    return set(pending.values_list("email", flat=True))


def audits(path: LearningPath) -> list[tuple[str, str, str]]:
    """Return address, transition and reason of what the audit says of a path, in order of the addresses."""
    of_path = ManualEnrollmentAudit.objects.filter(enrollment__learning_path=path)
    of_path |= ManualEnrollmentAudit.objects.filter(enrollment_allowed__learning_path=path)
    return sorted(of_path.values_list("enrolled_email", "state_transition", "reason"))
