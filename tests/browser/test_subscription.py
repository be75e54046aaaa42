"""Subscriptions in the browser: learners enrolled within one, and the licenses of a plan assigned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from selenium.webdriver.common.keys import Keys

from learning_paths import api
from learning_paths.data import LicenseCode
from learning_paths.models import LearningPath, License, SubscriptionPlan
from sandbox.courses.models import CourseEnrollment, CourseEnrollmentAllowed, CourseRun
from sandbox.mails import latest_mails
from tests.browser.axe import violations
from tests.browser.bulk import WEB, Desk, enrolled, eventually, invited, the_job
from tests.browser.test_bulk_access import keys, tab_to
from tests.factories import make_path, make_plan, make_user
from tests.worker import StartWorker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PYTHON, STATISTICS, HTML = (f"course-v1:DemoX+{number}+2026" for number in ("PY", "STAT", "HTML"))

UNLICENSED = "The address has no valid license of the subscription."
PENDING = "Will be enrolled as soon as an account with this address is activated."


@pytest.fixture
def plan(data_science: LearningPath) -> SubscriptionPlan:
    """A plan that covers a path with its course, and another course; not the other path, nor the course of that."""
    for key, name in ((PYTHON, "Python"), (STATISTICS, "Statistics"), (HTML, "HTML")):
        CourseRun.objects.create(course_key=key, display_name=name)
    data_science.steps.create(course_key=PYTHON)
    make_path(WEB, display_name="Web Basics").steps.create(course_key=HTML)
    for username in ("ana", "ben", "chloe", "eve"):
        make_user(username)
    plan = make_plan("Data team", num_licenses=6)
    plan.learning_paths.add(data_science)
    plan.courses.create(course_key=STATISTICS)
    holders = "ana@example.com ben@example.com chloe@example.com dan@example.com"
    api.assign_licenses(plan, holders, acting_user=None)
    return plan


def in_course(key: str) -> set[str]:
    active = CourseEnrollment.objects.filter(course_run__course_key=key, is_active=True)
    return set(active.values_list("user__username", flat=True))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="A worker needs a database that it can reach.")
def test_holders_of_a_license_are_enrolled_by_a_worker_in_what_it_covers_and_told(
    desk: Desk,
    data_science: LearningPath,
    plan: SubscriptionPlan,
    start_worker: StartWorker,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    monkeypatch.setenv("EMAIL_FILE_PATH", str(tmp_path))
    start_worker()
    desk.visit_form(data_science, LearningPath.objects.get(key=WEB))
    desk.fill_in(emails="Eve <eve@example.com>", reason="Autumn intake", role="Learner")
    desk.one("[name=notify]").click()
    desk.choose_subscription(plan.title)
    typed = {name: desk.value(name) for name in ("emails", "reason", "role")}
    assert typed == {"emails": "Eve <eve@example.com>", "reason": "Autumn intake", "role": "Learner"}
    assert desk.one("[name=notify]").is_selected()

    path, python, statistics = str(data_science), f"Python ({PYTHON})", f"Statistics ({STATISTICS})"
    assert desk.offered("learning_paths") == {path: True}
    assert desk.offered("course_keys") == {python: False, statistics: False}
    desk.tick("course_keys", statistics)

    listed = ["ana@example.com", "ben@example.com", "chloe@example.com", "dan@example.com"]
    assert desk.texts("#id_holders_from option") == listed
    assert desk.filter_holders("an") == ["ana@example.com", "dan@example.com"]
    desk.one("#id_holders_add_all").click()
    assert desk.texts("#id_holders_to option") == ["ana@example.com", "dan@example.com"]
    desk.press("Show the preview")

    assert desk.step() == "2 Preview"
    assert [row[::2] for row in desk.rows()[:1]] == [("eve@example.com", UNLICENSED)]
    assert desk.rows()[1:] == [
        ("ana@example.com", "Data Science", "Will be enrolled."),
        ("dan@example.com", "Data Science", PENDING),
        ("ana@example.com", STATISTICS, "Will be enrolled."),
        ("dan@example.com", STATISTICS, PENDING),
    ]
    assert desk.texts(".lp-notice") == ["2 learners will get an e-mail."]
    assert not enrolled(data_science)
    desk.press("Enroll 2, invite 2")
    desk.await_state("finished")

    assert desk.step() == "4 Result"
    assert (enrolled(data_science), invited(data_science)) == ({"ana"}, {"dan@example.com"})
    assert in_course(STATISTICS) == {"ana"}
    waiting = CourseEnrollmentAllowed.objects.filter(course_run__course_key=STATISTICS)
    assert [invitation.email for invitation in waiting] == ["dan@example.com"]
    assert not CourseEnrollment.objects.filter(user__username="eve").exists()
    assert the_job().notify
    assert eventually(lambda: sorted(mail.to for mail in latest_mails()) == ["ana@example.com", "dan@example.com"])
    assert eventually(lambda: the_job().notices_left == 0)
    desk.visit_job(the_job())
    assert desk.texts(".lp-notice") == ["E-mails to learners: 2 sent."]


def test_everybody_with_a_valid_license_is_enrolled_and_nobody_told_unless_that_is_ticked(
    desk: Desk, data_science: LearningPath, plan: SubscriptionPlan, mailoutbox: list[EmailMessage]
) -> None:
    api.revoke_license(plan, "chloe@example.com", acting_user=None)
    desk.visit_form()
    desk.fill_in(reason="Autumn intake")
    desk.choose_subscription(plan.title)
    assert desk.one("label[for=id_everybody]").text == "Everybody with a valid license (3)"
    desk.one("[name=everybody]").click()
    desk.tick("learning_paths", str(data_science))
    desk.press("Show the preview")
    assert desk.tiles() == {"all rows": 3, "will be enrolled": 2, "pending until they register": 1}
    desk.press("Enroll 2, invite 1")
    assert desk.tiles() == {"all rows": 3, "enrolled": 2, "pending until they register": 1}
    assert (enrolled(data_science), invited(data_science)) == ({"ana", "ben"}, {"dan@example.com"})
    assert not desk.all(".lp-notice")
    assert not mailoutbox


def usage(desk: Desk, plan: SubscriptionPlan) -> tuple[str, str | None, str | None]:
    """Return what the page of the plan says of the licenses in use, and where the bar beside it is and ends."""
    desk.visit("subscriptionplan_change", plan.pk)
    bar = desk.one(".field-usage meter")
    text = str(desk.browser.execute_script("return arguments[0].nextSibling.textContent", bar))
    return text.strip().replace("\N{NO-BREAK SPACE}", " "), bar.get_attribute("value"), bar.get_attribute("max")


def test_licenses_are_assigned_by_paste_and_by_file_until_there_are_none(
    desk: Desk, plan: SubscriptionPlan, tmp_path: Path
) -> None:
    make_user("twin1", email="twin@example.com")
    make_user("twin2", email="Twin@Example.com")
    assert usage(desk, plan) == ("4 of 6", "4", "6")

    desk.press("Assign licenses")
    assert desk.one(".lp-lead").text == "4 of 6 licenses are in use. 2 are free."
    desk.fill_in(emails="Eve <eve@example.com>, ana@example.com\ntwin@example.com nobody")
    desk.press("Assign licenses")
    assert desk.tiles() == {"activated at once": 1, "had a license already": 1, "without a license": 2}
    assert refused(desk) == [
        ("twin@example.com", str(LicenseCode.AMBIGUOUS.label)),
        ("nobody", "Line 2: not a valid e-mail address."),
    ]
    assert usage(desk, plan) == ("5 of 6", "5", "6")

    file = tmp_path / "newcomers.csv"
    file.write_text("name,email\nFarah,farah@example.com\nGiulia,giulia@example.com\nHiro,hiro@example.com\n")
    desk.press("Assign licenses")
    desk.one("input[type=file]").send_keys(str(file))
    desk.press("Assign licenses")
    assert desk.tiles() == {"assigned, wait for an account": 1, "without a license": 2}
    assert refused(desk) == [
        (address, str(LicenseCode.NO_SEAT_LEFT.label)) for address in ("giulia@example.com", "hiro@example.com")
    ]
    assert usage(desk, plan) == ("6 of 6", "6", "6")
    got = License.objects.seated().filter(subscription_plan=plan).values_list("email", flat=True)
    names = ("ana", "ben", "chloe", "dan", "eve", "farah")
    assert sorted(got) == [f"{name}@example.com" for name in names]


def refused(desk: Desk) -> list[tuple[str, str]]:
    """Return who got no license, and why, as the result of assigning says."""
    cells = desk.texts(".lp-rows tbody td")
    return list(zip(cells[::2], cells[1::2], strict=True))


def skip_to_content(desk: Desk) -> None:
    """Take the way past the navigation that the admin has for the keyboard."""
    tab_to(desk, ".skip-to-content-link")
    keys(desk, Keys.ENTER)


def test_the_keyboard_is_enough(desk: Desk, data_science: LearningPath, plan: SubscriptionPlan) -> None:
    make_plan("Web team")
    desk.visit_form()
    skip_to_content(desk)
    tab_to(desk, "[name=subscription]")
    keys(desk, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    tab_to(desk, "[name=_choose_subscription]")
    assert not desk.all("#id_holders_from"), "An arrow key was enough for another page."
    with desk.next_page():
        keys(desk, Keys.ENTER)
    skip_to_content(desk)
    tab_to(desk, "#id_learning_paths input")
    keys(desk, Keys.SPACE)
    tab_to(desk, "#id_holders_input")
    keys(desk, "ben")
    tab_to(desk, "#id_holders_add_all")
    keys(desk, Keys.SPACE)
    tab_to(desk, "[name=reason]")
    keys(desk, "Autumn intake")
    tab_to(desk, "[type=submit][value='Show the preview']")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    assert desk.rows() == [("ben@example.com", "Data Science", "Will be enrolled.")]

    desk.visit("subscriptionplan_change", plan.pk)
    skip_to_content(desk)
    tab_to(desk, ".object-tools a[href$='/assign/']")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    skip_to_content(desk)
    tab_to(desk, "[name=emails]")
    keys(desk, "eve@example.com")
    tab_to(desk, "[type=submit][value='Assign licenses']")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    assert desk.tiles() == {"activated at once": 1}


def pages(desk: Desk, plan: SubscriptionPlan) -> Iterator[str]:
    """Open the screens of subscriptions one after the other."""
    desk.visit_form()
    desk.choose_subscription(plan.title)
    desk.one("#id_holders_add_all")
    yield "form"
    desk.press("Show the preview")
    desk.one("#id_holders_add_all")
    yield "form with errors"
    desk.visit("subscriptionplan_change", plan.pk)
    desk.one(".select2-selection")
    yield "plan"
    desk.press("Assign licenses")
    yield "assigning"
    desk.press("Assign licenses")
    yield "assigning nobody"
    desk.fill_in(emails="eve@example.com nobody")
    desk.press("Assign licenses")
    yield "assigned"


def test_nothing_scrolls_sideways_on_a_phone(desk: Desk, plan: SubscriptionPlan) -> None:
    phone = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    desk.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    for page in pages(desk, plan):
        wide = desk.browser.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
        assert wide == [375, 375], f"{page} is {wide[1]} pixels wide"


AT_ONCE = "document.head.appendChild(document.createElement('style')).textContent = '* {transition: none !important}'"
"""The admin lets the color of links pass slowly into another, which is no time to measure contrast."""

STOCK = (
    "search-label-icon",  # the magnifying glass beside a filter of two lists has a name, but no role
    'class="vDateField"',  # the labels of a date and a time are text beside them
    'class="vTimeField"',
    "select2-",  # its search has no label, and its list holds the search
    "-DELETE",  # the label of the box that removes a row is the head of the column
)
"""What the stock admin does not do: not on the screens of the plugin alone, and not for it to mend."""


def test_nothing_keeps_anybody_out(desk: Desk, plan: SubscriptionPlan) -> None:
    found = []
    for page in pages(desk, plan):
        desk.browser.execute_script(AT_ONCE)
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            desk.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            found += [f"{page}, {scheme}: {violation}" for violation in violations(desk.browser, within="#content")]
    found = [violation for violation in found if not any(stock in violation for stock in STOCK)]
    assert not found, "\n".join(found)
