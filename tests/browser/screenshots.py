"""
The pictures of bulk enrollment and of the learners' pages, which ``scripts/screenshots.sh`` takes anew.

The browser walks through the demo as staff and learners do, so that no picture shows what the screens do not.
"""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from learning_paths import api
from learning_paths.data import BulkOperation
from learning_paths.models import BulkEnrollmentJob, LearningPath, LearningPathEnrollment
from sandbox.demo.content import DATA_SCIENCE, FIRST_NAMES, LAST_NAMES, WEB
from sandbox.demo.seed import seed
from tests.browser.bulk import Desk
from tests.browser.test_bulk_jobs import held
from tests.factories import make_staff
from tests.pages.base import learn
from tests.worker import StartWorker

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DIRECTORY = Path(__file__).parents[2] / "docs/screenshots"
WIDTH, HEIGHT = 1280, 1000
COLORS = 256


def shoot(desk: Desk, name: str, *, height: int = HEIGHT) -> None:
    """Save the page down to its end, or to the last row of its table that fits, or as much as fits."""
    bottom = desk.browser.execute_script(
        """
        document.activeElement.blur();
        const bottom = (element) => Math.ceil(element.getBoundingClientRect().bottom + window.scrollY);
        const rows = [...document.querySelectorAll("#content tr")].map(bottom).filter((y) => y <= arguments[0]);
        const end = bottom(document.querySelector("#content"));
        return end <= arguments[0] ? end : Math.max(...rows, rows.length ? 0 : arguments[0]);
        """,
        height,
    )
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom, "scale": 1}
    taken = desk.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    with Image.open(io.BytesIO(base64.b64decode(taken["data"]))) as picture:
        few = picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
        few.save(DIRECTORY / f"{name}.png", optimize=True)


def addresses(usernames: list[str]) -> list[str]:
    return [f"{username}@example.com" for username in usernames]


def run(author: User, path: str, usernames: list[str], reason: str, operation: BulkOperation) -> BulkEnrollmentJob:
    """Run a job of some days ago, for the list."""
    work = api.prepare_bulk(addresses(usernames), [path])
    job = api.queue_bulk_job(work, operation=operation, reason=reason, acting_user=author)
    api.run_bulk_job(job.pk)
    return job


def make_past(crowd: list[str]) -> None:
    """Let two of the staff have done this and that in bulk."""
    maria = make_staff("maria", is_superuser=True)
    staff = User.objects.get(username="staff")
    run(maria, WEB, crowd[200:240], "Spring intake", BulkOperation.ENROLL)
    run(staff, DATA_SCIENCE, crowd[100:112], "Have left the company", BulkOperation.UNENROLL)
    drafted = api.prepare_bulk(addresses(crowd[:25]), [DATA_SCIENCE, WEB])
    api.draft_bulk_job(drafted, reason="Winter intake", acting_user=staff)
    for days, job in enumerate(BulkEnrollmentJob.objects.order_by("-pk"), start=1):
        created = timezone.now() - timedelta(days=3 * days, hours=2 * days)
        BulkEnrollmentJob.objects.filter(pk=job.pk).update(created=created)


def make_employees() -> list[User]:
    """Return the accounts of a large company."""
    names = [f"{first}.{last}{number}".lower() for number, first, last in product(range(2, 9), FIRST_NAMES, LAST_NAMES)]
    User.objects.bulk_create(User(username=name, email=f"{name}@example.com") for name in names)
    return list(User.objects.filter(username__in=names).order_by("pk"))


def set_up(browser: Chrome) -> None:
    """Give the window the size of the pictures."""
    screen = {"width": WIDTH, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})


def test_take_the_pictures_of_learners(browser: Chrome, live_server: LiveServer) -> None:
    seed()
    ana = User.objects.get(username="ana")
    path = LearningPath.objects.get(key=DATA_SCIENCE)
    for step, completion, grade in zip(path.steps.all(), (1, 0.4), (0.92, 0.35), strict=False):
        api.enroll_user_in_course(ana, step.course_key, acting_user=ana)
        learn(ana, step.course_key, completion, grade)
    set_up(browser)
    desk = Desk(browser, live_server.url)
    desk.log_in(ana)
    browser.get(f"{live_server.url}/learning_paths/")
    desk.press(f"Enroll: {path.display_name}")
    browser.get(f"{live_server.url}/learning_paths/")
    shoot(desk, "learner-paths")
    desk.press(path.display_name)
    shoot(desk, "learner-path")
    browser.get(live_server.url)
    shoot(desk, "front-page")


def test_take_the_pictures_of_the_admin(browser: Chrome, live_server: LiveServer) -> None:
    seed()
    path = LearningPath.objects.get(key=DATA_SCIENCE)
    set_up(browser)
    desk = Desk(browser, live_server.url)
    desk.log_in(User.objects.get(username="staff"))
    browser.execute_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
    desk.visit("learningpath_change", path.pk)
    shoot(desk, "admin-path", height=2400)
    desk.visit("learningpathenrollment_changelist")
    shoot(desk, "admin-enrollments")
    browser.execute_script("localStorage.clear()")


def test_take_the_pictures(browser: Chrome, live_server: LiveServer, start_worker: StartWorker, tmp_path: Path) -> None:
    seed()
    crowd = list(User.objects.filter(username__contains=".").order_by("pk").values_list("username", flat=True))
    make_past(crowd)
    web = LearningPath.objects.get(key=WEB)
    enrollments = LearningPathEnrollment.objects.filter(learning_path=web)
    there = set(enrollments.values_list("user__username", flat=True))
    set_up(browser)
    desk = Desk(browser, live_server.url)
    desk.log_in(User.objects.get(username="staff"))
    browser.execute_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")

    desk.visit_form(web)
    wanted = addresses([name for name in crowd if name not in there][:28])
    wanted[5:5] = addresses([name for name in crowd if name in there][:4])
    wanted[3:3] = ["noor.haddad@example.com", "lena.brandt@example.com", "Yusuf Demir <yusuf.demir@example.com>"]
    wanted += ["tomas.novak@example.com", "priya.kumar@example", "aisha.bello@example.com"]
    desk.fill_in(emails="\n".join(wanted), reason="Autumn intake, as agreed with the team leads", role="Learner")
    desk.await_texts("#bulk-form .help[role=status]", [f"Addresses typed so far: {len(wanted)}"])
    browser.execute_script("arguments[0].scrollTop = 0", desk.one("[name=emails]"))
    shoot(desk, "bulk-1-form")
    desk.press("Show the preview")
    shoot(desk, "bulk-2-preview")
    with desk.next_page():
        desk.one(".lp-buttons .default").click()
    shoot(desk, "bulk-4-result")

    employees = make_employees()
    file = tmp_path / "employees.csv"
    file.write_text("\n".join(["email", *(employee.email for employee in employees)]))
    desk.visit_form(web)
    desk.one("input[type=file]").send_keys(str(file))
    desk.fill_in(reason="Web skills for everybody")
    desk.press("Show the preview")
    start_worker()
    with held(employees[1300]):
        with desk.next_page():
            desk.one(".lp-buttons .default").click()
        desk.await_progress("1,200 of 2,100 rows")
        desk.await_texts(".lp-rows tbody tr:first-child .lp-mark", ["Enrolled."])
        shoot(desk, "bulk-3-running")
        desk.visit("bulkenrollmentjob_changelist")
        shoot(desk, "bulk-jobs")
    desk.press(str(BulkEnrollmentJob.objects.latest("pk")))
    desk.await_state("finished")
    browser.execute_script("localStorage.clear()")
