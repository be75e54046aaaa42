"""The bulk screens for everybody: by keyboard, on a phone, without scripts, with assistive technology, under a CSP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from learning_paths import api
from learning_paths.data import JobState
from learning_paths.models import BulkEnrollmentJob, LearningPath
from sandbox.demo.content import DATA_SCIENCE
from sandbox.demo.seed import seed
from tests.browser.axe import violations
from tests.browser.bulk import DS, WEB, Desk, enrolled, invited, the_job
from tests.browser.strict import sending, served_with
from tests.factories import make_path, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
"""Scripts from the site alone. The stock admin's select2 writes styles into elements."""


def make_job(path: LearningPath, author: User) -> BulkEnrollmentJob:
    """Return a draft with a row of each kind."""
    api.enroll(make_user("ana"), path, acting_user=None)
    for username, email in (("ben", "ben@example.com"), ("eve1", "eve@example.com"), ("eve2", "Eve@example.com")):
        make_user(username, email=email)
    work = api.prepare_bulk("ana@example.com ben@example.com eve@example.com dan@example.com nobody", [DS])
    return api.draft_bulk_job(work, reason="Autumn intake", acting_user=author)


def keys(desk: Desk, *texts: str) -> None:
    ActionChains(desk.browser).send_keys(*texts).perform()


def tab_to(desk: Desk, selector: str) -> None:
    """Press TAB until the element has the focus; each on the way that has it must show it."""
    for _ in range(200):
        keys(desk, Keys.TAB)
        hit, shown, element = desk.browser.execute_script(
            """
            const element = document.activeElement;
            const frames = [element, element.closest(".select2-selection")].filter(Boolean).map(
                (frame) => getComputedStyle(frame));
            const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            const shown = element === document.body || frames.some(outlined);  // the body: once around the page
            return [element.matches(arguments[0]), shown, element.outerHTML.slice(0, 200)];
            """,
            selector,
        )
        assert shown, f"Nobody sees that this has the focus: {element}"
        if hit:
            return
    pytest.fail(f"TAB does not reach {selector}")


def test_the_keyboard_is_enough(desk: Desk, data_science: LearningPath) -> None:
    make_path(WEB, display_name="Web Basics")
    make_user("ana")
    desk.visit_form()
    tab_to(desk, ".select2-search__field")
    keys(desk, "Data")
    desk.await_texts(".select2-results__option", [str(data_science)])
    keys(desk, Keys.ENTER)
    tab_to(desk, "[name=emails]")
    keys(desk, "ana@example.com", Keys.ENTER, "dan@example.com")
    tab_to(desk, "[name=reason]")
    keys(desk, "Autumn intake")
    tab_to(desk, "[type=submit][value='Show the preview']")
    with desk.next_page():
        keys(desk, Keys.ENTER)

    assert desk.step() == "2 Preview"
    tab_to(desk, ".lp-group-pending")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    assert [email for email, _, _ in desk.rows()] == ["dan@example.com"]
    tab_to(desk, "[type=submit][value='Enroll 1, invite 1']")
    with desk.next_page():
        keys(desk, Keys.SPACE)
    assert desk.step() == "4 Result"
    tab_to(desk, ".lp-download")
    assert (enrolled(data_science), invited(data_science)) == ({"ana"}, {"dan@example.com"})


def test_enter_in_a_field_leads_to_the_preview_where_there_are_subscriptions_too(desk: Desk) -> None:
    seed(crowd=False)
    desk.visit_form(LearningPath.objects.get(key=DATA_SCIENCE))
    assert desk.one("[name=_choose_subscription]").is_displayed()
    desk.fill_in(emails="ana@example.com", reason="Autumn intake", role="Learner")
    with desk.next_page():
        keys(desk, Keys.ENTER)
    assert desk.step() == "2 Preview"


def test_nothing_scrolls_sideways_on_a_phone(desk: Desk, data_science: LearningPath, sam: User) -> None:
    phone = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    desk.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    job = make_job(data_science, sam)

    def fits(*buttons: str) -> None:
        wide = desk.browser.execute_script("return [window.innerWidth, document.documentElement.scrollWidth]")
        assert wide == [375, 375], f"{desk.browser.current_url} is {wide[1]} pixels wide"
        for name in buttons:
            box = desk.button(name).rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 375
            assert box["height"] >= 24

    desk.visit_form(data_science)
    fits("Show the preview")
    desk.press("Show the preview")
    fits("Show the preview")
    desk.visit_job(job)
    fits("Back to the form", "Discard this draft", "Download all rows as CSV")
    desk.press("Enroll 1, invite 1")
    fits("Undo this job", "Retry the failed rows")
    BulkEnrollmentJob.objects.update(state=JobState.RUNNING, heartbeat_at=timezone.now(), finished_at=None)
    desk.visit_job(job)
    fits("Cancel the job")


def test_scripts_are_not_needed(
    browser_without_scripts: Chrome, live_server: LiveServer, data_science: LearningPath, sam: User
) -> None:
    make_user("ana")
    desk = Desk(browser_without_scripts, live_server.url)
    desk.log_in(sam)
    desk.visit_form()
    desk.fill_in(path_keys="path-v1:DemoX+Nowhere+2026", emails="ana@example.com", reason="Autumn intake")
    desk.press("Show the preview")
    assert desk.errors() == {"path_keys": ["There is no such learning path: path-v1:DemoX+Nowhere+2026"]}
    desk.fill_in(path_keys=DS)
    desk.press("Show the preview")
    assert desk.rows() == [("ana@example.com", "Data Science", "Will be enrolled.")]
    desk.press("Enroll 1")
    assert desk.state() == "finished"
    assert desk.tiles() == {"all rows": 1, "enrolled": 1}
    assert enrolled(data_science) == {"ana"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(desk: Desk, data_science: LearningPath, sam: User, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    desk.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    found = []

    def look(page: str, within: str = "#main") -> None:
        for violation in violations(desk.browser, within=within):
            if not violation.startswith("list:") or "select2-" not in violation:  # the lists of the admin's select2
                found.append(f"{page}: {violation}")

    desk.visit_form(data_science)
    look("form")
    desk.fill_in(emails="nobody")
    desk.press("Show the preview")
    look("form with errors")
    job = make_job(data_science, sam)
    desk.visit_job(job)
    look("preview")
    desk.press("Enroll 1, invite 1")
    look("result")
    BulkEnrollmentJob.objects.update(state=JobState.RUNNING, heartbeat_at=timezone.now(), finished_at=None)
    desk.visit_job(job)
    assert desk.step() == "3 Run"
    look("running job")
    desk.visit("bulkenrollmentjob_changelist")
    look("list of jobs", "#result_list")
    desk.visit("learningpath_change", data_science.pk)
    look("overview of a path", ".path-overview")
    desk.visit("learningpathenrollment_changelist")
    desk.one("#action-toggle").click()
    Select(desk.one("select[name=action]")).select_by_value("unenroll_selected")
    with desk.next_page():
        desk.one(".actions button[name=index]").click()
    look("unenrolling the selected", "#content")
    assert not found, "\n".join(found)


under_the_policy = sending(POLICY)


@pytest.fixture
def strict_site(transactional_db: None) -> Iterator[str]:
    """Serve the site once more, under the policy."""
    with served_with(f"{__name__}.under_the_policy") as url:
        yield url


def test_no_script_but_those_of_the_site_is_needed(
    browser: Chrome, strict_site: str, data_science: LearningPath, sam: User
) -> None:
    make_user("ana")
    desk = Desk(browser, strict_site)
    desk.log_in(sam)
    browser.get_log("browser")
    desk.visit_form(data_science)
    desk.one(".select2-selection")
    desk.fill_in(emails="ana@example.com", reason="Autumn intake")
    desk.await_texts("#bulk-form .help[role=status]", ["Addresses typed so far: 1"])
    desk.press("Show the preview")
    job = the_job()
    running = {"state": JobState.RUNNING, "heartbeat_at": timezone.now(), "started_at": timezone.now()}
    BulkEnrollmentJob.objects.update(**running)
    desk.visit_job(job)
    desk.await_progress("0 of 1 rows")
    BulkEnrollmentJob.objects.update(state=JobState.FINISHED, finished_at=timezone.now())
    desk.await_state("finished")
    assert desk.step() == "4 Result"
    complaints = [entry["message"] for entry in browser.get_log("browser") if "favicon.ico" not in entry["message"]]
    assert complaints == []
    browser.execute_script("document.body.append(Object.assign(document.createElement('script'), {text: 'let x'}))")
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"], "The policy was not in force."
