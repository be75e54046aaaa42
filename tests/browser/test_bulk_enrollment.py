"""Bulk enrollment as staff does it: what the pages say, and what the database holds then."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from learning_paths import api
from learning_paths.data import JobState, StateTransition
from learning_paths.models import BulkEnrollmentJob, LearningPath
from tests.browser.bulk import DS, WEB, Desk, audits, enrolled, invited, the_job
from tests.factories import make_path, make_staff, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ENROLLED, INVITED = StateTransition.UNENROLLED_TO_ENROLLED, StateTransition.UNENROLLED_TO_ALLOWED
NONE = "\N{EN DASH}"
LEFT = StateTransition.ENROLLED_TO_UNENROLLED


@pytest.fixture
def web() -> LearningPath:
    return make_path(WEB, display_name="Web Basics")


def someone_with(*codenames: str) -> User:
    """Return Vera, who is staff and has these permissions only."""
    vera = make_staff("vera")
    permissions = Permission.objects.filter(content_type__app_label="learning_paths", codename__in=codenames)
    assert len(permissions) == len(codenames)
    vera.user_permissions.set(permissions)
    return vera


def test_addresses_are_pasted_on_the_page_of_a_path_looked_at_and_enrolled(
    desk: Desk, data_science: LearningPath, sam: User
) -> None:
    api.enroll(make_user("ana"), data_science, acting_user=None)
    make_user("ben")
    desk.visit("learningpath_change", data_science.pk)
    desk.press("Bulk enroll")
    assert desk.step() == "1 Whom and where"
    assert desk.chosen_paths() == [str(data_science)]

    desk.fill_in(emails="\nben#example.com")
    desk.press("Show the preview")
    assert desk.errors() == {
        "emails": ["Line 2: “ben#example.com” is not a valid e-mail address."],
        "reason": ["This field is required."],
    }
    assert desk.value("emails").strip() == "ben#example.com"
    assert desk.chosen_paths() == [str(data_science)]
    assert not BulkEnrollmentJob.objects.exists()

    pasted = "Ana <ana@example.com>; ben@example.com\nBEN@example.com\nben#example.com\ndan@example.com"
    desk.fill_in(emails=pasted, reason="Autumn intake")
    desk.press("Show the preview")
    assert desk.step() == "2 Preview"
    assert desk.tiles() == {
        "all rows": 4,
        "will be enrolled": 1,
        "enrolled already": 1,
        "pending until they register": 1,
        "not valid": 1,
    }
    assert desk.rows() == [
        ("ben#example.com", NONE, "Line 3: This is not a valid e-mail address."),
        ("ana@example.com", "Data Science", "Is enrolled already."),
        ("ben@example.com", "Data Science", "Will be enrolled."),
        (
            "dan@example.com",
            "Data Science",
            "Will be enrolled as soon as an account with this address is activated.",
        ),
    ]
    assert the_job().state == JobState.DRAFT
    assert (enrolled(data_science), invited(data_science), audits(data_science)) == ({"ana"}, set(), [])

    desk.press("Back to the form")
    assert desk.value("emails").replace("\r\n", "\n") == pasted
    assert desk.value("reason") == "Autumn intake"
    assert desk.chosen_paths() == [str(data_science)]
    desk.press("Show the preview")

    desk.press("Enroll 1, invite 1")
    assert desk.step() == "4 Result"
    assert desk.state() == "finished"
    assert desk.tiles() == {
        "all rows": 4,
        "enrolled": 1,
        "enrolled before": 1,
        "pending until they register": 1,
        "not valid": 1,
    }
    assert [words for _, _, words in desk.rows()] == [
        "Line 3: This is not a valid e-mail address.",
        "Was enrolled already.",
        "Enrolled.",
        "Will be enrolled as soon as an account with this address is activated.",
    ]
    assert (enrolled(data_science), invited(data_science)) == ({"ana", "ben"}, {"dan@example.com"})
    assert audits(data_science) == [
        ("ben@example.com", ENROLLED, "Autumn intake"),
        ("dan@example.com", INVITED, "Autumn intake"),
    ]
    job = the_job()
    assert (job.state, job.author, job.typed) == (JobState.FINISHED, sam, "")


def test_learners_leave_the_paths_that_were_selected_in_the_list(
    desk: Desk, data_science: LearningPath, web: LearningPath
) -> None:
    other = make_path("path-v1:DemoX+SEC+2026", display_name="Security")
    ana = make_user("ana")
    for path in (data_science, web, other):
        api.enroll(ana, path, acting_user=None)
    desk.visit("learningpath_changelist")
    for path in (data_science, web):
        desk.one(f"input[name=_selected_action][value='{path.pk}']").click()
    Select(desk.one("select[name=action]")).select_by_value("bulk_unenroll")
    with desk.next_page():
        desk.one(".actions button[name=index]").click()

    assert desk.texts("h1") == ["Bulk unenroll"]
    assert sorted(desk.chosen_paths()) == sorted(map(str, (data_science, web)))
    desk.fill_in(emails="ana@example.com", reason="Has left the company")
    desk.press("Show the preview")
    assert desk.rows() == [
        ("ana@example.com", "Data Science", "Will be unenrolled."),
        ("ana@example.com", "Web Basics", "Will be unenrolled."),
    ]
    desk.press("Unenroll 2")
    assert desk.tiles() == {"all rows": 2, "unenrolled": 2}
    assert [enrolled(path) for path in (data_science, web, other)] == [set(), set(), {"ana"}]
    assert audits(web) == [("ana@example.com", LEFT, "Has left the company")]


def test_a_file_and_all_else_is_kept_through_errors_and_logging_out(
    desk: Desk, data_science: LearningPath, sam: User, tmp_path: Path
) -> None:
    sam.set_password("secret")
    sam.save()
    desk.log_in(sam)
    make_user("ana")
    make_user("ben")
    file = tmp_path / "learners.csv"
    file.write_text("name,email\nAna,ana@example.com\n")
    desk.visit_form(data_science)
    desk.fill_in(emails="ben@example.com", role="scholar")
    desk.one("input[type=file]").send_keys(str(file))
    desk.press("Show the preview")
    assert desk.errors() == {"reason": ["This field is required."]}
    assert desk.one(".field-keep_file label").text == "Keep the file learners.csv"
    assert desk.one("[name=keep_file]").is_selected()
    assert (desk.value("emails"), desk.value("role")) == ("ben@example.com", "scholar")
    assert desk.chosen_paths() == [str(data_science)]

    log_out_and_in(desk, "secret")
    desk.visit("bulkenrollmentjob_changelist")
    desk.press(str(the_job()))
    assert desk.step() == "1 Whom and where"
    assert desk.one("[name=keep_file]").is_selected()
    assert (desk.value("emails"), desk.value("role")) == ("ben@example.com", "scholar")
    assert desk.chosen_paths() == [str(data_science)]

    desk.fill_in(reason="Autumn intake")
    desk.press("Show the preview")
    log_out_and_in(desk, "secret")
    desk.visit("bulkenrollmentjob_changelist")
    desk.press(str(the_job()))
    assert desk.step() == "2 Preview"
    assert enrolled(data_science) == set()
    desk.press("Enroll 2")
    assert enrolled(data_science) == {"ana", "ben"}
    job = the_job()
    assert (job.file_name, bytes(job.file_content)) == ("learners.csv", b"")
    assert BulkEnrollmentJob.objects.count() == 1


def log_out_and_in(desk: Desk, password: str) -> None:
    desk.press("Log out")
    desk.browser.get(f"{desk.site}/admin/login/")
    desk.fill_in(username="sam", password=password)
    with desk.next_page():
        desk.one("input[type=submit]").click()
    assert "SAM" in desk.one("#user-tools").text.upper()


def test_a_draft_that_is_discarded_leaves_no_trace(desk: Desk, data_science: LearningPath) -> None:
    make_user("ana")
    desk.visit_form(data_science)
    desk.fill_in(emails="ana@example.com", reason="By mistake")
    desk.press("Show the preview")
    desk.press("Discard this draft")
    assert desk.texts(".messagelist li") == ["The draft was discarded. Nobody was enrolled or unenrolled."]
    assert not BulkEnrollmentJob.objects.exists()
    assert enrolled(data_science) == set()


def test_staff_without_the_permission_find_no_way_in(desk: Desk, data_science: LearningPath) -> None:
    desk.log_in(someone_with("view_learningpath"))
    desk.visit("learningpath_change", data_science.pk)
    assert "Bulk enroll" not in desk.one("#content").text
    desk.visit("learningpath_changelist")
    assert "Bulk enroll" not in desk.one("#content").text
    assert not desk.all("select[name=action]")
    for page in ("add", "changelist"):
        desk.visit(f"bulkenrollmentjob_{page}")
        assert desk.texts("h1") == ["403 Forbidden"]


def test_staff_who_may_only_look_see_jobs_without_buttons_and_no_draft(
    desk: Desk, data_science: LearningPath, sam: User
) -> None:
    make_user("ana")
    desk.visit_form(data_science)
    desk.fill_in(emails="ana@example.com", reason="Autumn intake")
    desk.press("Show the preview")
    desk.press("Enroll 1")
    job = the_job()
    draft = api.draft_bulk_job(api.prepare_bulk("ben@example.com", [DS]), acting_user=sam)

    desk.log_in(someone_with("view_bulkenrollmentjob"))
    desk.visit("bulkenrollmentjob_changelist")
    assert desk.texts("#result_list tbody th") == [str(job)]
    assert not desk.browser.find_elements(By.LINK_TEXT, "Bulk enroll")
    desk.press(str(job))
    assert desk.tiles() == {"all rows": 1, "enrolled": 1}
    assert desk.buttons() == []
    desk.visit_job(draft)
    assert not desk.all(".lp-rows")
    assert "Not Found" in desk.browser.title or "404" in desk.browser.title
