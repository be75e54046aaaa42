"""The learners' pages for everybody: by keyboard, on a phone, without scripts, under a strict policy."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from PIL import Image
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollment
from sandbox.courses.models import CourseEnrollment
from tests.browser.axe import violations
from tests.browser.bulk import Desk
from tests.browser.strict import sending, served_with
from tests.browser.test_bulk_access import keys, tab_to
from tests.factories import make_path, make_user
from tests.pages.base import DS, learn, make_course, make_steps, url
from tests.pages.chrome import LMS, OWN, templates_from

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/learning_paths/"
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; script-src 'none'; base-uri 'none'"
OWN_CARD, OTHER_CARD = "[aria-labelledby=lp-own] .lp-card", "[aria-labelledby=lp-more] .lp-card"
COURSES = ("Python for Data Work", "Statistics You Will Use", "First Steps in Machine Learning")


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[None]:
    """Let uploads be somewhere from where the sandbox serves them."""
    with override_settings(MEDIA_ROOT=tmp_path):
        yield


def make_catalog() -> LearningPath:
    """Make paths as a site has them, with what may not break a page: long words, no picture, a lost course."""
    data_science = make_path(
        DS,
        display_name="Data Science 101",
        subtitle="From your first line of Python to a model that you can defend.",
        description="Three courses, taken in order.\n\nThey lead from programming through statistics to learning.",
        level="beginner",
        duration="9 months",
        time_commitment="4 to 6 hours a week",
        sequential=True,
    )
    runs = [make_course(f"C{number}", name) for number, name in enumerate(COURSES)]
    make_steps(data_science, *runs)
    long = make_path(
        "path-v1:DemoX+" + "Long" * 20 + "+2026",
        display_name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        subtitle="x" * 120,
        description="https://example.com/" + "y" * 200,
    )
    long.steps.create(course_key="course-v1:DemoX+" + "Z" * 90 + "+2026")
    make_steps(long, make_course("LATER", "Word" * 30, begins=40, ends=80))
    for number in range(22):
        make_path(f"path-v1:DemoX+P{number:02}+2026", display_name=f"Path {number:02}", subtitle="Of no use here.")
    return data_science


def give_picture(path: LearningPath) -> None:
    file = io.BytesIO()
    Image.new("RGB", (800, 450), "#7a9e7e").save(file, "PNG")
    path.image = SimpleUploadedFile("path.png", file.getvalue(), "image/png")
    path.save()


def take(browser: Chrome, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


@pytest.fixture
def ana(transactional_db: None) -> User:
    return make_user("ana")


@pytest.fixture
def data_science(ana: User, pictures: None) -> LearningPath:
    path = make_catalog()
    give_picture(path)
    return path


def sit_down(browser: Chrome, site: str, ana: User) -> Desk:
    """Let Ana sit before a browser, logged in, at the list of paths."""
    desk = Desk(browser, site)
    desk.log_in(ana)
    browser.get(site + LIST)
    return desk


def find_and_enroll(desk: Desk, ana: User, path: LearningPath) -> None:
    """Find the path, enroll, start its first course, and look at the progress."""
    assert desk.texts(OWN_CARD) == []
    desk.one("[name=search]").send_keys("science python", Keys.ENTER)
    desk.await_texts(f"{OTHER_CARD} h3", ["Data Science 101"])
    desk.press("Enroll: Data Science 101")
    assert desk.one("h1").text == "Data Science 101"
    assert desk.texts(".message, .lp-message") == ["You are enrolled in Data Science 101."]
    desk.press("All learning paths")
    assert desk.texts(f"{OWN_CARD} h3") == ["Data Science 101"]
    assert desk.one(f"{OWN_CARD} .lp-progress p").text == "0% completed, 80% required"
    assert "Next course: Python for Data Work" in desk.one(OWN_CARD).text
    desk.press("Start: Python for Data Work")
    [enrollment] = CourseEnrollment.objects.filter(user=ana)
    assert str(enrollment.course_run) == f"{COURSES[0]} (course-v1:DemoX+C0+2026)"
    assert desk.one("h1").text == COURSES[0]
    for _ in range(3):
        desk.press("Do a quarter of the course")
    desk.press("My learning paths")
    assert desk.one(f"{OWN_CARD} .lp-progress p").text == "25% completed, 80% required"
    assert desk.one(f"{OWN_CARD} progress").get_attribute("value") == "25"
    desk.press("Continue: Python for Data Work")
    desk.press("Do a quarter of the course")
    desk.press("My learning paths")
    assert desk.one(f"{OWN_CARD} .lp-progress p").text == "33% completed, 80% required"
    assert "Next course: Statistics You Will Use" in desk.one(OWN_CARD).text
    assert LearningPathEnrollment.objects.filter(user=ana, learning_path=path, is_active=True).exists()


def test_ana_finds_a_path_and_goes_on_with_it(
    browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath
) -> None:
    find_and_enroll(sit_down(browser, live_server.url, ana), ana, data_science)
    complaints = [entry["message"] for entry in browser.get_log("browser") if "favicon.ico" not in entry["message"]]
    assert complaints == []


def test_scripts_are_not_needed(
    browser_without_scripts: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath
) -> None:
    desk = sit_down(browser_without_scripts, live_server.url, ana)
    find_and_enroll(desk, ana, data_science)
    with override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True):
        desk.browser.get(live_server.url + url("path", data_science))
        desk.press("Unenroll")
        assert desk.one("h1").text == "Unenroll from Data Science 101?"
        desk.press("Unenroll")
    assert desk.texts(OWN_CARD) == []
    assert not LearningPathEnrollment.objects.filter(user=ana, is_active=True).exists()


def test_who_clicks_on_a_page_that_is_out_of_date_is_told_so(
    browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath
) -> None:
    desk = sit_down(browser, live_server.url, ana)
    api.enroll(ana, data_science, acting_user=None)
    desk.press("Enroll: Data Science 101")
    assert desk.one("h1").text == "Data Science 101"
    assert desk.texts(".message") == ["You are already enrolled in Data Science 101."]


def test_the_keyboard_is_enough(
    browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath
) -> None:
    desk = sit_down(browser, live_server.url, ana)
    tab_to(desk, "[name=search]")
    keys(desk, "science")
    tab_to(desk, ".lp-search button")
    with desk.next_page():
        keys(desk, Keys.SPACE)
    tab_to(desk, f"{OTHER_CARD} button")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    assert desk.texts(".message") == ["You are enrolled in Data Science 101."]
    tab_to(desk, ".lp-standing form button")
    with desk.next_page():
        keys(desk, Keys.SPACE)
    assert CourseEnrollment.objects.filter(user=ana).count() == 1


@pytest.mark.parametrize("around", ["sandbox", "lms", "nothing"])
def test_nothing_scrolls_sideways_on_a_phone(
    browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath, around: str
) -> None:
    long = LearningPath.objects.get(display_name__startswith="Donau")
    for path in (data_science, long):
        api.enroll(ana, path, acting_user=None)
    take(browser, 375)
    with templates_around(around), override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True):
        desk = sit_down(browser, live_server.url, ana)
        addresses = [LIST, url("path", data_science), url("path", long), url("unenroll", long)]
        for address in addresses:
            browser.get(live_server.url + address)
            wide = browser.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
            assert wide == [375, 375], f"{address} is {wide[1]} pixels wide"
            for element in desk.all(".learning-paths .lp-button, .learning-paths input:not([type=hidden])"):
                box = element.rect
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 375
                assert box["height"] >= 32


def templates_around(around: str) -> Any:
    """Return the templates around the pages: those of the sandbox, of an LMS, or only our own."""
    return templates_from(*{"sandbox": (), "lms": (LMS, OWN), "nothing": (OWN,)}[around])


@pytest.mark.parametrize(("around", "scheme"), [("sandbox", "light"), ("nothing", "light"), ("nothing", "dark")])
def test_nothing_keeps_anybody_out(
    browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath, around: str, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    found: list[str] = []

    def look(page: str) -> None:
        found.extend(f"{page}: {violation}" for violation in violations(browser))

    with templates_around(around), override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True):
        desk = sit_down(browser, live_server.url, ana)
        look("nothing of her own")
        if around == "nothing":
            ground = browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
            assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 32, 42)"}[scheme]
        browser.get(live_server.url + LIST + "?search=nowhere")
        look("nothing found")
        browser.get(live_server.url + url("path", data_science))
        look("a path of others")
        desk.press("Enroll: Data Science 101")
        look("enrolled")
        for completion in (0.5, 1):
            for step in data_science.steps.all():
                learn(ana, step.course_key, completion, grade=completion)
            browser.get(live_server.url + url("path", data_science))
            look("on the way")
            browser.get(live_server.url + LIST)
            look("list")
        browser.get(live_server.url + url("unenroll", data_science))
        look("unenrolling")
        browser.get(live_server.url + LIST + "?page=2")
        look("second page")
    assert not found, "\n".join(found)


under_the_policy = sending(POLICY)


@pytest.fixture
def strict_site(transactional_db: None) -> Iterator[str]:
    """Serve the site once more, under the policy."""
    with served_with(f"{__name__}.under_the_policy") as url:
        yield url


def test_neither_scripts_nor_styles_but_those_of_the_site_are_needed(
    browser: Chrome, strict_site: str, ana: User, data_science: LearningPath
) -> None:
    desk = sit_down(browser, strict_site, ana)
    browser.get_log("browser")
    desk.press("Enroll: Data Science 101")
    browser.get(strict_site + LIST)
    assert browser.execute_script("return document.querySelector('.lp-card img').naturalWidth") == 800
    wide = browser.execute_script("return getComputedStyle(document.querySelector('.lp-cards')).display")
    assert wide == "grid", "The style sheet was not loaded."
    complaints = [entry["message"] for entry in browser.get_log("browser") if "favicon.ico" not in entry["message"]]
    assert complaints == []
    browser.execute_script("document.body.append(Object.assign(document.createElement('script'), {text: 'let x'}))")
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"], "The policy was not in force."


def test_right_to_left(browser: Chrome, live_server: LiveServer, ana: User, data_science: LearningPath) -> None:
    with templates_around("nothing"), override_settings(LANGUAGE_CODE="ar"):
        desk = sit_down(browser, live_server.url, ana)
        title = browser.find_element(By.TAG_NAME, "h1").rect
        search = desk.one(".lp-search").rect
        assert title["x"] > search["x"]
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
