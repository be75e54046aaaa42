"""What the list of enrollments does with the selected."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from unittest import mock

import ddt
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.exceptions import LearningPathNotFound, NotEnrolled
from learning_paths.models import LearningPath, LearningPathEnrollment, ManualEnrollmentAudit
from tests.admin.base import AdminTestCase, errors, texts
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/learningpathenrollment/"
OFF, ON, DOWNLOAD = "unenroll_selected", "enroll_selected_again", "download_selected"


class SelectionTestCase(AdminTestCase):
    """Ana and Ben are enrolled in Data Science; Chloe was."""

    path: LearningPath
    people: dict[str, User]

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.path = make_path(display_name="Data Science")
        cls.people = {}
        for name in ("ana", "ben", "chloe"):
            cls.enroll(name)
        api.unenroll(cls.people["chloe"], cls.path, acting_user=None)

    @classmethod
    def enroll(cls, name: str, **fields: Any) -> LearningPathEnrollment:
        cls.people[name] = make_user(name, **fields)
        api.enroll(cls.people[name], cls.path, acting_user=None)
        return cls.enrollment(name)

    @staticmethod
    def enrollment(name: str) -> LearningPathEnrollment:
        return LearningPathEnrollment.objects.get(user__username=name)

    def select(self, action: str, *names: str, query: str = "", **fields: Any) -> Any:
        """Choose an action for the selected, as the list sends it."""
        ids = [self.enrollment(name).pk for name in names]
        data = {"action": action, "_selected_action": ids, "select_across": "0", **fields}
        return self.client.post(f"{LIST}{query}", data, follow=True)

    def confirm(self, page: Any, **fields: Any) -> Any:
        """Send the form of the page between, with everything that is hidden in it."""
        context = page.context
        data = {
            "action": context["switch"].action,
            "_selected_action": context["selected"],
            "shown": context["shown"],
            "post": "yes",
            "reason": "The term is over",
            **({"select_across": "1"} if context["is_across"] else {}),
            **fields,
        }
        for name in ("action", "shown", "post"):
            self.assertContains(page, f'name="{name}"')
        for pk in context["selected"]:
            self.assertContains(page, f'<input type="hidden" name="_selected_action" value="{pk}">', html=True)
        return self.client.post(context["address"], data, follow=True)

    def active(self) -> list[str]:
        enrollments = LearningPathEnrollment.objects.filter(is_active=True)
        return list(enrollments.order_by("user__username").values_list("user__username", flat=True))


@ddt.ddt
class SwitchTest(SelectionTestCase):
    def test_the_page_between_tells_whom_it_concerns_and_changes_nothing(self) -> None:
        page = self.select(OFF, "ana", "chloe")
        self.assertContains(page, "<h2>1 enrollment</h2>", html=True)
        self.assertContains(page, "<li>ana: Data Science (path-v1:DemoX+DS101+2026)</li>", html=True)
        self.assertContains(page, "1 of the selected has nothing to change.")
        self.assertNotContains(page, "ben")
        self.assertContains(page, 'novalidate><input type="hidden" name="csrfmiddlewaretoken"', count=1)
        assert self.active() == ["ana", "ben"]
        assert not ManualEnrollmentAudit.objects.exists()

    def test_unenrolling_the_selected_is_audited_and_logged(self) -> None:
        response = self.confirm(self.select(OFF, "ana", "ben", "chloe"), role="guest", org="DemoX")
        self.assertRedirects(response, LIST)
        assert texts(response) == ["2 enrollments were ended.", "1 of the selected had nothing to change."]
        assert self.active() == []
        assert self.enrollment("ana").history.latest().history_user == self.sam
        for name in ("ana", "ben"):
            audit = self.enrollment(name).audit.get()
            assert (audit.enrolled_by, audit.enrolled_email) == (self.sam, f"{name}@example.com")
            assert (audit.reason, audit.role, audit.org) == ("The term is over", "guest", "DemoX")
            assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED
        assert not self.enrollment("chloe").audit.exists()
        logged = {entry.object_id: entry.get_change_message() for entry in LogEntry.objects.all()}
        assert logged == {str(self.enrollment(name).pk): "Changed Enrollment." for name in ("ana", "ben")}

    def test_enrolling_the_selected_again_is_audited_too(self) -> None:
        before = self.enrollment("chloe").enrolled_at
        response = self.confirm(self.select(ON, "ana", "chloe"))
        assert texts(response) == ["1 enrollment is active again.", "1 of the selected had nothing to change."]
        assert self.active() == ["ana", "ben", "chloe"]
        assert self.enrollment("chloe").enrolled_at > before
        audit = ManualEnrollmentAudit.objects.get()
        assert (audit.enrollment, audit.reason) == (self.enrollment("chloe"), "The term is over")
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED

    @ddt.data((OFF, "chloe"), (ON, "ana"))
    @ddt.unpack
    def test_where_nothing_has_to_change_nothing_is_asked(self, action: str, name: str) -> None:
        assert texts(self.select(action, name)) == ["1 of the selected had nothing to change."]

    @ddt.data("", " \n ")
    def test_without_a_reason_nothing_is_done_and_what_was_typed_stays(self, reason: str) -> None:
        page = self.confirm(self.select(OFF, "ana"), reason=reason, role="guest", org="x" * 256)
        assert list(errors(page)) == ["reason", "org"]
        self.assertContains(page, "Please correct the errors below.")
        self.assertContains(page, 'value="guest"')
        assert self.active() == ["ana", "ben"]
        assert texts(self.confirm(page)) == ["1 enrollment was ended."]

    def test_a_site_may_do_without_reasons(self) -> None:
        with override_settings(LEARNING_PATHS_BULK_REASON_REQUIRED=False):
            self.confirm(self.select(OFF, "ana"), reason="")
        assert self.active() == ["ben"]
        assert self.enrollment("ana").audit.get().reason == ""

    def unenroll_while_ana_fails(self, failure: Exception) -> None:
        def fail_for_ana(user: User, *args: Any, **kwargs: Any) -> Any:
            outcome = unenroll(user, *args, **kwargs)
            if user.username == "ana":
                raise failure
            return outcome

        unenroll = api.unenroll
        with mock.patch.object(api, "unenroll", fail_for_ana):
            done, refused = texts(self.confirm(self.select(OFF, "ana", "ben")))
        assert done == "1 enrollment was ended."
        name = "ana: Data Science (path-v1:DemoX+DS101+2026)"
        assert refused.startswith(f"1 of the selected could not be changed: {name}: ")
        assert self.active() == ["ana"]
        assert ManualEnrollmentAudit.objects.get().enrollment == self.enrollment("ben")
        assert LogEntry.objects.get().object_id == str(self.enrollment("ben").pk)

    def test_what_one_learner_is_refused_does_not_stop_the_others(self) -> None:
        self.unenroll_while_ana_fails(LearningPathNotFound())

    def test_nor_does_an_error_of_the_database(self) -> None:
        with self.assertLogs("learning_paths.admin.enrollment_actions", "ERROR"):
            self.unenroll_while_ana_fails(DatabaseError("Deadlock found"))

    def test_who_was_quicker_leaves_nothing_to_change(self) -> None:
        page = self.select(OFF, "ana", "ben")
        with mock.patch.object(api, "unenroll", side_effect=NotEnrolled):
            response = self.confirm(page)
        assert texts(response) == ["2 of the selected had nothing to change."]
        assert not LogEntry.objects.exists()

    def test_what_changed_since_the_page_was_shown_is_left_alone(self) -> None:
        """Sam is about to enroll Ben and Chloe again; Ben, in the meantime, comes back and leaves once more."""
        api.unenroll(self.people["ben"], self.path, acting_user=self.sam)
        page = self.select(ON, "ben", "chloe")
        api.enroll(self.people["ben"], self.path, acting_user=self.people["ben"])
        api.unenroll(self.people["ben"], self.path, acting_user=self.people["ben"])
        assert texts(self.confirm(page)) == [
            "1 enrollment is active again.",
            "1 of the selected was changed by somebody else meanwhile, and was left alone.",
        ]
        assert self.active() == ["ana", "chloe"]

    def test_a_clock_that_was_set_back_makes_nothing_look_changed(self) -> None:
        """What was changed before bears a moment that is still to come, and that is not since the page was shown."""
        LearningPathEnrollment.objects.update(modified=timezone.now() + timedelta(hours=3))
        assert texts(self.confirm(self.select(OFF, "ana"))) == ["1 enrollment was ended."]

    @ddt.data("", "yesterday", "2020-01-01")
    def test_a_moment_that_the_page_never_showed_harms_nobody(self, shown: str) -> None:
        assert self.confirm(self.select(OFF, "ana"), shown=shown).status_code == 200

    def test_each_change_is_kept_for_itself(self) -> None:
        """Also in the LMS, which begins a transaction for every request: what breaks later takes nothing back."""

        def break_at_ben(user: User, *args: Any, **kwargs: Any) -> Any:
            if user.username == "ben":
                raise RuntimeError
            return unenroll(user, *args, **kwargs)

        page = self.select(OFF, "ana", "ben")
        unenroll = api.unenroll
        with mock.patch.object(api, "unenroll", break_at_ben), self.assertRaises(RuntimeError):
            self.confirm(page)
        assert self.active() == ["ben"]

    def test_names_are_shown_as_text(self) -> None:
        self.path.display_name = "<b>Bold</b>"
        self.path.save()
        page = self.select(OFF, "ana", query="?q=a&p=%22%3E%3Cscript%3E")
        self.assertContains(page, "&lt;b&gt;Bold&lt;/b&gt;")
        self.assertNotContains(page, "<b>Bold")
        page = self.confirm(page, reason="", role='"><script>alert(1)</script>')
        self.assertNotContains(page, "<script>alert")

    def test_of_many_some_are_listed(self) -> None:
        names = [f"learner{number:02}" for number in range(25)]
        for name in names:
            self.enroll(name)
        page = self.select(OFF, *names)
        self.assertContains(page, "<h2>25 enrollments</h2>", html=True)
        self.assertContains(page, "<li>and 15 more</li>", html=True)

    @override_settings(LEARNING_PATHS_BULK_SYNC_LIMIT=2)
    def test_more_than_a_request_can_do_is_refused(self) -> None:
        assert self.select(OFF, "ana", "ben").context["changing"] == 2
        self.enroll("dan")
        page = self.select(OFF, "ana", "ben", "dan", post="yes", reason="The term is over")
        (text,) = texts(page)
        assert text.startswith(
            "Nothing was changed: these are 3 enrollments, and at most 2 are changed in one go here."
        )
        assert self.active() == ["ana", "ben", "dan"]

    def test_nothing_selected_is_told(self) -> None:
        (text,) = texts(self.select(OFF, index="0"))
        assert text.startswith("Items must be selected")


class SelectAcrossTest(SelectionTestCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(105):
            self.enroll(f"learner{number:03}")
        self.other = make_path("path-v1:Other+WEB+2026", display_name="Web Development")
        api.enroll(self.people["ana"], self.other, acting_user=None)

    def test_all_that_a_filter_finds_are_unenrolled_and_no_others(self) -> None:
        query = f"?learning_path__id__exact={self.path.pk}&is_active__exact=1"
        shown = self.client.get(f"{LIST}{query}").context["cl"].result_list
        assert len(shown) == 100
        page = self.client.post(
            f"{LIST}{query}",
            {"action": OFF, "_selected_action": [row.pk for row in shown], "select_across": "1", "index": "0"},
        )
        assert (page.context["changing"], page.context["selected"]) == (107, [str(shown[0].pk)])
        self.assertContains(page, '<input type="hidden" name="select_across" value="1">', html=True)
        page = self.confirm(page, reason="")
        assert page.context["changing"] == 107
        response = self.confirm(page)
        self.assertRedirects(response, f"{LIST}{query}")
        assert texts(response) == ["107 enrollments were ended."]
        assert LearningPathEnrollment.objects.get(is_active=True).learning_path == self.other
        assert ManualEnrollmentAudit.objects.filter(reason="The term is over").count() == 107

    def test_who_enrolls_while_the_page_is_read_is_not_among_them(self) -> None:
        page = self.client.post(LIST, {"action": OFF, "_selected_action": ["0"], "select_across": "1"})
        self.enroll("dan")
        self.confirm(page)
        assert self.active() == ["dan"]

    def test_the_page_between_costs_the_same_for_few_and_for_many(self) -> None:
        costs = []
        for across in ("0", "1"):
            data = {"action": OFF, "_selected_action": [self.enrollment("ben").pk], "select_across": across}
            with CaptureQueriesContext(connection) as queries:
                page = self.client.post(LIST, data)
            costs.append((len(queries), page.context["changing"]))
        (few, one), (many, all_of_them) = costs
        assert (one, all_of_them) == (1, 108)
        assert many == few


class DownloadTest(SelectionTestCase):
    def rows(self, response: Any) -> list[list[str]]:
        return list(csv.reader(io.StringIO(response.getvalue().decode(), newline="")))

    def test_the_selected_are_a_file(self) -> None:
        response = self.select(DOWNLOAD, "ana", "chloe")
        assert response.streaming
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="enrollments.csv"'
        header, ana, chloe = self.rows(response)
        assert header == ["username", "email", "learning path", "state", "enrolled at", "created"]
        assert ana[:4] == ["ana", "ana@example.com", "path-v1:DemoX+DS101+2026", "active"]
        enrollment = self.enrollment("ana")
        assert ana[4:] == [enrollment.enrolled_at.isoformat(), enrollment.created.isoformat()]
        assert ana[4].endswith("+00:00")
        assert chloe[:4] == ["chloe", "chloe@example.com", "path-v1:DemoX+DS101+2026", "inactive"]

    def test_no_cell_is_a_formula(self) -> None:
        self.enroll("=1+1", email="@SUM(A1)@example.com")
        (_, row) = self.rows(self.select(DOWNLOAD, "=1+1"))
        assert row[:2] == ["'=1+1", "'@SUM(A1)@example.com"]

    def test_all_across_pages_cost_one_query_as_one_does(self) -> None:
        costs = []
        for number in range(120):
            self.enroll(f"learner{number:03}")
        for across in ("0", "1"):
            response = self.select(DOWNLOAD, "ana", query="?is_active__exact=1", select_across=across)
            with CaptureQueriesContext(connection) as queries:
                rows = self.rows(response)
            costs.append((len(queries), len(rows)))
        assert costs == [(1, 2), (1, 123)]


@ddt.ddt
class ActionPermissionTest(SelectionTestCase):
    def offered(self) -> list[str]:
        form = self.client.get(LIST).context["action_form"]
        return [name for name, _ in form.fields["action"].choices if name]

    def test_who_may_change_is_offered_all_of_them(self) -> None:
        vera = self.log_in_with("change_learningpathenrollment")
        assert self.offered() == [OFF, ON, DOWNLOAD]
        self.confirm(self.select(OFF, "ana"))
        assert self.enrollment("ana").audit.get().enrolled_by == vera

    @ddt.data(OFF, ON)
    def test_who_may_view_may_only_download(self, action: str) -> None:
        self.log_in_with("view_learningpathenrollment")
        assert self.offered() == [DOWNLOAD]
        response = self.select(action, "ana", "chloe", post="yes", reason="Because")
        assert texts(response) == ["No action selected."]
        assert self.active() == ["ana", "ben"]
        assert self.select(DOWNLOAD, "ana").streaming

    @ddt.data((), ("add_learningpathenrollment", "delete_learningpathenrollment", "view_learningpath"))
    def test_who_may_neither_gets_nothing(self, codenames: tuple[str, ...]) -> None:
        self.log_in_with(*codenames)
        for action in (OFF, ON, DOWNLOAD):
            assert self.select(action, "ana", post="yes", reason="Because").status_code == 403
        assert self.active() == ["ana", "ben"]

    def test_a_form_of_another_site_is_refused(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.sam)
        data = {"action": OFF, "_selected_action": [self.enrollment("ana").pk], "post": "yes", "reason": "Because"}
        assert client.post(LIST, data).status_code == 403
        assert self.active() == ["ana", "ben"]

    def test_who_is_not_logged_in_is_sent_to_log_in(self) -> None:
        self.client.logout()
        data = {"action": OFF, "_selected_action": [self.enrollment("ana").pk], "post": "yes", "reason": "Because"}
        assert self.client.post(LIST, data).status_code == 302
        assert self.active() == ["ana", "ben"]
