"""Authors at the form of a learning path: the order of its steps, its image, and the copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from learning_paths.models import AcquiredSkill, LearningPath, LearningPathStep, Skill
from sandbox.courses.models import CourseRun
from tests.browser.axe import violations
from tests.browser.bulk import Desk, eventually
from tests.browser.test_bulk_access import strict_site, tab_to
from tests.browser.test_bulk_enrollment import someone_with
from tests.media import picture

__all__ = ["strict_site"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(autouse=True)
def _media(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=tmp_path / "media"):
        yield


@pytest.fixture
def abc(data_science: LearningPath) -> LearningPath:
    """A path with the steps A, B and C; D and E are there to be added."""
    for letter in "ABCDE":
        CourseRun.objects.create(course_key=f"course-v1:DemoX+{letter}+2026", display_name=f"Course {letter}")
    for number, letter in enumerate("ABC", start=1):
        key = f"course-v1:DemoX+{letter}+2026"
        LearningPathStep.objects.create(learning_path=data_science, course_key=key, order=number)
    return data_science


class Form:
    """The form of a path, and what an author does and reads there."""

    def __init__(self, desk: Desk, path: LearningPath) -> None:
        self.desk = desk
        self.path = path

    def open(self) -> Form:
        self.desk.visit("learningpath_change", self.path.pk)
        self.desk.one(".lp-order-on")
        self.desk.one("#steps-group .add-row a")
        return self

    def rows(self) -> list[WebElement]:
        return self.desk.all("#steps-group tr.form-row:not(.empty-form)")

    def row(self, letter: str) -> WebElement:
        [found] = [row for row in self.rows() if self.letter(row) == letter]
        return found

    def letter(self, row: WebElement) -> str:
        """Return which course the row shows: what select2 shows is what is chosen."""
        shown = row.find_element(By.CSS_SELECTOR, ".select2-selection__rendered").text
        chosen = row.find_element(By.CSS_SELECTOR, "select").get_attribute("value") or ""
        assert chosen in shown
        return chosen[len("course-v1:DemoX+")] if chosen else "-"

    def shown(self) -> str:
        """Return the steps as they stand, with their numbers: ``A1 B2``."""
        return " ".join(self.letter(row) + self.field(row, "order").get_property("value") for row in self.rows())

    def await_shown(self, shown: str) -> None:
        """Wait until the steps stand like this."""
        assert eventually(lambda: self.shown() == shown), self.shown()

    def stored(self) -> list[tuple[str, int | None]]:
        return [(step.course_key.course, step.order) for step in self.path.steps.all()]

    def field(self, row: WebElement, name: str) -> Any:
        return row.find_element(By.CSS_SELECTOR, f"[name$='-{name}']")

    def press(self, letter: str, kind: str) -> None:
        self.click(self.row(letter).find_element(By.CSS_SELECTOR, f".lp-move-{kind}"))

    def click(self, element: WebElement) -> None:
        self.desk.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type(self, letter: str, text: str) -> None:
        field = self.field(self.row(letter), "order")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text, Keys.TAB)

    def handle(self, letter: str) -> WebElement:
        handle = self.row(letter).find_element(By.CSS_SELECTOR, ".lp-drag")
        self.desk.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
        return handle

    def drag(self, letter: str, onto: str, *, part: float = 0.25) -> ActionChains:
        """Drag a step to another, which is ``part`` of its height beyond its middle, without letting it go."""
        handle, target = self.handle(letter), self.row(onto)
        down = target.rect["y"] > handle.rect["y"]
        middle = target.rect["y"] + target.rect["height"] * (0.5 + (part if down else -part))
        way = round(middle - handle.rect["y"] - handle.rect["height"] / 2)
        chain = ActionChains(self.desk.browser, duration=50).click_and_hold(handle)
        for _ in range(4):
            chain.move_by_offset(0, way // 4)
        chain.move_by_offset(0, way - way // 4 * 4)
        return chain

    def add(self, letter: str = "") -> None:
        """Add a row, and choose a course for it if a letter says which."""
        self.click(self.desk.one("#steps-group .add-row a"))
        if letter:
            self.choose(self.rows()[-1], letter)

    def choose(self, row: WebElement, letter: str) -> None:
        self.click(row.find_element(By.CSS_SELECTOR, ".select2-selection"))
        self.desk.one(".select2-search__field").send_keys(f"+{letter}+")
        self.desk.await_texts(".select2-results__option", [f"Course {letter} (course-v1:DemoX+{letter}+2026)"])
        self.desk.one(".select2-search__field").send_keys(Keys.ENTER)

    def said(self) -> str:
        """Return what a screen reader says of the last move."""
        text: str = self.desk.one(".lp-order > [role=status]").get_property("textContent")  # type: ignore[assignment]  # of a text
        return text

    def save(self) -> None:
        with self.desk.next_page():
            self.click(self.desk.one("[name=_continue]"))

    def saved(self) -> None:
        self.save()
        assert len(self.desk.all(".messagelist .success")) == 1, self.desk.texts(".errorlist")


@pytest.fixture
def form(desk: Desk, abc: LearningPath) -> Form:
    return Form(desk, abc).open()


def test_steps_are_dragged_down_and_up(form: Form) -> None:
    form.drag("A", "C").release().perform()
    assert form.shown() == "B1 C2 A3"
    assert form.said() == "Course A (course-v1:DemoX+A+2026) is now step 3 of 3."
    form.drag("C", "B").release().perform()
    assert form.shown() == "C1 B2 A3"
    form.saved()
    assert form.stored() == [("C", 1), ("B", 2), ("A", 3)]
    assert form.shown() == "C1 B2 A3"


def test_a_step_that_is_dragged_too_short_a_way_or_given_up_stays(form: Form) -> None:
    form.drag("A", "B", part=-0.25).release().perform()
    assert form.shown() == "A1 B2 C3"
    form.drag("A", "C").perform()
    assert form.shown() == "B2 C3 A1", "What is dragged is shown where it would be, and nothing is numbered yet."
    ActionChains(form.desk.browser).send_keys(Keys.ESCAPE).release().perform()
    assert form.shown() == "A1 B2 C3"
    assert form.said() == ""


def test_a_finger_drags_as_a_mouse_does(form: Form) -> None:
    browser = form.desk.browser
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    form.open()
    start, end = form.handle("C"), form.row("A")
    where = "const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    (x, y), (_, top) = (browser.execute_script(where, element) for element in (start, end))

    def touch(kind: str, *points: float) -> None:
        touched = [{"x": x, "y": point} for point in points]
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    scrolled = "return window.scrollY"
    before = browser.execute_script(scrolled)
    touch("touchStart", y)
    for part in range(1, 9):
        touch("touchMove", y + (top - 30 - y) * part / 8)
    touch("touchEnd")
    assert form.shown() == "C1 A2 B3"
    assert browser.execute_script(scrolled) == before, "The finger drags the step, not the page."


def test_the_page_scrolls_with_what_is_dragged_to_its_edge(form: Form) -> None:
    browser = form.desk.browser
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**PHONE, "mobile": False, "height": 400})
    form.open()
    handle = form.row("A").find_element(By.CSS_SELECTOR, ".lp-drag")
    browser.execute_script("arguments[0].scrollIntoView({block: 'end'})", handle)
    ActionChains(browser).click_and_hold(handle).move_by_offset(0, -1).perform()
    form.await_shown("B2 C3 A1")
    ActionChains(browser).release().perform()
    assert form.shown() == "B1 C2 A3"


def test_the_keyboard_moves_steps_and_stays_with_the_step_that_it_moves(form: Form) -> None:
    button = "#steps-2 .lp-move-up"
    tab_to(form.desk, button)
    ActionChains(form.desk.browser).send_keys(Keys.SPACE).perform()
    assert form.shown() == "A1 C2 B3"
    assert form.said() == "Course C (course-v1:DemoX+C+2026) is now step 2 of 3."
    ActionChains(form.desk.browser).send_keys(Keys.ENTER).perform()
    assert form.shown() == "C1 A2 B3"
    ActionChains(form.desk.browser).send_keys(Keys.ENTER).perform()
    assert form.shown() == "C1 A2 B3", "It is the first one: there is no further up."
    focused = form.desk.browser.switch_to.active_element
    assert focused.accessible_name == "Move up: Course C (course-v1:DemoX+C+2026)"
    assert focused.get_attribute("aria-disabled") == "true"
    ActionChains(form.desk.browser).send_keys(Keys.TAB, Keys.ENTER).perform()
    assert form.shown() == "A1 C2 B3"
    form.saved()
    assert form.stored() == [("A", 1), ("C", 2), ("B", 3)]


@pytest.mark.parametrize(
    ("letter", "text", "shown"),
    [
        ("A", "3", "B1 C2 A3"),
        ("C", "1", "C1 A2 B3"),
        ("A", "2", "B1 A2 C3"),
        ("A", "99", "B1 C2 A3"),
        ("B", "0", "B1 A2 C3"),
        ("A", "", "B1 C2 A3"),
    ],
)
def test_a_typed_number_is_a_place_and_the_others_make_room(form: Form, letter: str, text: str, shown: str) -> None:
    form.type(letter, text or Keys.DELETE)
    assert form.shown() == shown


def test_all_numbers_can_be_typed_one_after_the_other(form: Form) -> None:
    for letter, text in (("A", "2"), ("B", "3"), ("C", "1")):
        form.type(letter, text)
    form.saved()
    assert form.stored() == [("C", 1), ("A", 2), ("B", 3)]


def test_numbers_with_gaps_are_kept_until_a_step_is_moved(desk: Desk, abc: LearningPath) -> None:
    for step, order in zip(abc.steps.all(), (10, 20, 30), strict=True):
        LearningPathStep.objects.filter(pk=step.pk).update(order=order)
    form = Form(desk, abc).open()
    assert form.shown() == "A10 B20 C30"
    form.add("D")
    assert form.shown() == "A10 B20 C30 D31"
    form.type("A", "25")
    assert form.shown() == "B20 A25 C30 D31"
    form.type("B", "30")
    assert form.shown() == "A1 B2 C3 D4", "Two steps can't have one number."


def test_steps_that_are_added_take_part(form: Form) -> None:
    form.add()
    assert form.shown() == "A1 B2 C3 -", "Who adds a row and leaves it alone has added nothing."
    form.choose(form.rows()[-1], "D")
    assert form.shown() == "A1 B2 C3 D4"
    form.press("D", "up")
    form.press("D", "up")
    form.add()
    form.press("-", "up")
    form.choose(form.row("-"), "E")
    assert form.shown() == "A1 D2 B3 E4 C5"
    form.saved()
    assert form.stored() == [("A", 1), ("D", 2), ("B", 3), ("E", 4), ("C", 5)]


def test_a_new_step_is_taken_away_again_after_it_was_moved_among_those_that_are_stored(form: Form) -> None:
    """Django numbers the rows anew then, and takes the first ones for those that are stored."""
    form.add("D")
    form.drag("D", "A").release().perform()
    form.add("E")
    form.press("E", "up")
    assert form.shown() == "D1 A2 B3 E4 C5"
    form.click(form.row("E").find_element(By.CSS_SELECTOR, ".inline-deletelink"))
    assert form.shown() == "D1 A2 B3 C4"
    form.add("E")
    form.press("E", "up")
    form.saved()
    assert form.stored() == [("D", 1), ("A", 2), ("B", 3), ("E", 4), ("C", 5)]


def test_a_step_that_is_to_be_deleted_has_no_number(form: Form) -> None:
    box = form.field(form.row("B"), "DELETE")
    form.click(box)
    assert form.shown() == "A1 B C2"
    assert not form.row("B").find_element(By.CSS_SELECTOR, ".lp-move-up").is_enabled()
    form.press("C", "up")
    assert form.shown() == "C1 A2 B"
    form.click(box)
    assert form.shown() == "C1 A2 B3"
    form.click(box)
    form.saved()
    assert form.stored() == [("C", 1), ("A", 2)]


def test_a_course_that_was_chosen_stays_chosen_when_its_step_is_moved(form: Form) -> None:
    form.choose(form.row("B"), "D")
    assert form.shown() == "A1 D2 C3"
    form.press("D", "down")
    form.drag("A", "C").release().perform()
    assert form.shown() == "C1 A2 D3"
    assert form.said().startswith("Course A ")
    form.choose(form.row("D"), "E")
    form.saved()
    assert form.stored() == [("C", 1), ("A", 2), ("E", 3)]


def test_after_an_error_the_steps_stand_as_they_were_put(form: Form) -> None:
    form.press("C", "up")
    weight = form.field(form.row("C"), "weight")
    weight.clear()
    weight.send_keys("-1")
    form.save()
    assert form.shown() == "A1 C2 B3"
    errors = form.row("C").find_element(By.CSS_SELECTOR, ".field-weight .errorlist")
    assert errors.text == "Ensure this value is greater than or equal to 0."
    assert errors.is_displayed()
    form.field(form.row("C"), "weight").clear()
    form.field(form.row("C"), "weight").send_keys("2")
    form.press("C", "up")
    form.saved()
    assert form.stored() == [("C", 1), ("A", 2), ("B", 3)]


def test_without_scripts_numbers_are_typed_and_the_stored_image_is_shown(
    browser_without_scripts: Chrome, live_server: LiveServer, abc: LearningPath, sam: User
) -> None:
    abc.image.save("cover.png", ContentFile(picture()))
    desk = Desk(browser_without_scripts, live_server.url)
    desk.log_in(sam)
    desk.visit("learningpath_change", abc.pk)
    assert desk.one(".lp-image-stored").get_property("naturalWidth") == 64
    assert not desk.all(".lp-move")
    assert not desk.one(".lp-order-help").is_displayed()
    desk.fill_in(**{"steps-0-order": "2", "steps-1-order": "3", "steps-2-order": "1"})
    desk.press("Save and continue editing")
    assert desk.texts(".messagelist .success")
    assert [(step.course_key.course, step.order) for step in abc.steps.all()] == [("C", 1), ("A", 2), ("B", 3)]


def test_who_may_only_look_can_move_nothing(browser: Chrome, live_server: LiveServer, abc: LearningPath) -> None:
    desk = Desk(browser, live_server.url)
    desk.log_in(someone_with("view_learningpath", "view_learningpathstep"))
    desk.visit("learningpath_change", abc.pk)
    desk.await_texts("#steps-group .field-order p", ["1", "2", "3"])
    assert not desk.all(".lp-move, .lp-drag, .lp-order-on")


def color(desk: Desk) -> list[int]:
    """Return the color in the middle of the preview."""
    found: list[int] = desk.browser.execute_script(
        """
        const canvas = document.querySelector("canvas.lp-image-chosen");
        return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
        """
    )
    return found


def test_an_image_is_seen_before_it_is_stored(desk: Desk, data_science: LearningPath, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(picture(size=(1600, 900), color="#c00000"))
    (tmp_path / "blue.webp").write_bytes(picture("WEBP", (30, 60), "#0000c0", lossless=True))
    (tmp_path / "broken.png").write_bytes(picture()[:40])
    desk.visit("learningpath_change", data_science.pk)
    said, preview = ".lp-image [role=status]", "canvas.lp-image-chosen"
    assert not desk.one(preview).is_displayed()

    desk.one("[name=image]").send_keys(str(tmp_path / "red.png"))
    desk.await_texts(said, ["The new image, 1600 by 900 pixels. It is stored when you save."])
    assert color(desk) == [0xC0, 0, 0]
    assert desk.one(preview).accessible_name == "red.png"
    box = desk.one(preview).rect
    assert (box["width"] - 2) / (box["height"] - 2) == pytest.approx(16 / 9, rel=0.02)
    desk.press("Save and continue editing")
    assert desk.one(".lp-image-stored").get_property("naturalWidth") == 1600

    desk.one("[name=image]").send_keys(str(tmp_path / "blue.webp"))
    desk.await_texts(said, ["The new image, 30 by 60 pixels. It is stored when you save."])
    assert color(desk) == [0, 0, 0xC0]
    assert not desk.one(".lp-image-stored").is_displayed()
    desk.one("[name=image]").send_keys(str(tmp_path / "broken.png"))
    desk.await_texts(said, ["Your browser can't show this file. Choose a JPEG, PNG, GIF or WebP file."])
    assert not desk.one(preview).is_displayed()
    assert desk.one(".lp-image-stored").is_displayed()
    desk.press("Save and continue editing")
    assert desk.texts(".field-image .errorlist li") == [
        "This is no image, or a broken one. Choose a JPEG, PNG, GIF or WebP file."
    ]

    desk.visit("learningpath_change", data_science.pk)
    desk.one("[name=image-clear]").click()
    desk.await_texts(said, ["The image is removed when you save."])
    desk.press("Save and continue editing")
    data_science.refresh_from_db()
    assert not data_science.image
    assert not desk.all(".lp-image-stored")


def test_a_file_that_is_too_large_is_told_before_it_is_sent(desk: Desk, abc: LearningPath, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(picture() + b"\0" * 5 * 2**20)
    desk.visit("learningpath_change", abc.pk)
    desk.one("[name=image]").send_keys(str(tmp_path / "large.png"))
    desk.await_texts(".lp-image [role=status]", ["The file is too large: at most 5.0 MB."])


def test_a_path_is_duplicated(desk: Desk, abc: LearningPath) -> None:
    AcquiredSkill.objects.create(learning_path=abc, skill=Skill.objects.create(display_name="Python"), level=2)
    abc.image.save("cover.png", ContentFile(picture()))
    desk.visit("learningpath_change", abc.pk)
    desk.press("Duplicate")
    assert desk.value("key") == str(abc.key)
    assert desk.value("display_name") == "Copy of Data Science"
    assert desk.one("[name=invite_only]").is_selected()
    desk.press("Duplicate")
    assert desk.texts(".errorlist li") == [
        "There is a learning path with this key already. Upper and lower case count as the same."
    ]
    desk.fill_in(key="path-v1:DemoX+DS101+2027", display_name="Data Science, spring")
    desk.press("Duplicate")
    copy = LearningPath.objects.exclude(pk=abc.pk).get()
    assert desk.texts(".messagelist .success") == [
        f"This is the copy of {abc}. Nobody is enrolled in it or invited to it yet."
    ]
    form = Form(desk, copy)
    desk.one(".lp-order-on")
    assert form.shown() == "A1 B2 C3"
    assert desk.one(".lp-image-stored").get_property("naturalWidth") == 64
    assert (str(copy), copy.invite_only) == ("Data Science, spring (path-v1:DemoX+DS101+2027)", True)
    assert AcquiredSkill.objects.get(learning_path=copy).level == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_any_author_out(desk: Desk, abc: LearningPath, tmp_path: Path, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    desk.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    AcquiredSkill.objects.create(learning_path=abc, skill=Skill.objects.create(display_name="Python"), level=2)
    abc.image.save("cover.png", ContentFile(picture()))
    (tmp_path / "broken.png").write_bytes(b"hello")
    form = Form(desk, abc).open()
    found = violations(desk.browser, within="#main")
    form.click(form.field(form.row("B"), "DELETE"))
    form.add("D")
    form.press("D", "up")
    desk.one("[name=image]").send_keys(str(tmp_path / "broken.png"))
    found += violations(desk.browser, within="#main")
    form.save()
    assert desk.all(".field-image .errorlist")
    found += violations(desk.browser, within="#main")
    desk.visit("learningpath_duplicate", abc.pk)
    desk.press("Duplicate")
    found += violations(desk.browser, within="#main")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_steps_fit_a_phone_in_either_direction(desk: Desk, abc: LearningPath, language: str) -> None:
    desk.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    with override_settings(LANGUAGE_CODE=language):
        form = Form(desk, abc).open()
        assert desk.one("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        form.add("D")
        form.drag("D", "B").release().perform()
        assert form.shown() == "A1 D2 B3 C4"
        assert desk.browser.execute_script("return document.documentElement.scrollWidth") == 375
        for element in form.row("D").find_elements(By.CSS_SELECTOR, "input:not([type=hidden]), .lp-move, .lp-drag"):
            box = element.rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 375
            assert box["height"] >= 24 or element.get_attribute("type") == "checkbox"
        desk.visit("learningpath_duplicate", abc.pk)
        assert desk.browser.execute_script("return document.documentElement.scrollWidth") == 375


def test_no_script_but_those_of_the_site_is_needed(
    browser: Chrome, strict_site: str, abc: LearningPath, sam: User, tmp_path: Path
) -> None:
    (tmp_path / "red.png").write_bytes(picture(color="#c00000"))
    desk = Desk(browser, strict_site)
    desk.log_in(sam)
    browser.get_log("browser")
    form = Form(desk, abc).open()
    form.drag("A", "C").release().perform()
    form.add("D")
    form.press("D", "up")
    form.type("C", "1")
    desk.one("[name=image]").send_keys(str(tmp_path / "red.png"))
    desk.await_texts(".lp-image [role=status]", ["The new image, 64 by 36 pixels. It is stored when you save."])
    assert color(desk) == [0xC0, 0, 0]
    form.saved()
    assert form.stored() == [("C", 1), ("B", 2), ("D", 3), ("A", 4)]
    desk.press("Duplicate")
    complaints = [entry["message"] for entry in browser.get_log("browser") if "favicon.ico" not in entry["message"]]
    assert complaints == []
    browser.execute_script("document.body.append(Object.assign(document.createElement('script'), {text: 'let x'}))")
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"], "The policy was not in force."
