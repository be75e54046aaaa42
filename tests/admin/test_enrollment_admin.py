"""Enrolling and unenrolling by hand, one learner at a time."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learning_paths import api
from learning_paths.data import StateTransition
from learning_paths.exceptions import LearningPathNotFound, UserNotFound
from learning_paths.models import LearningPath, LearningPathEnrollment, LearningPathEnrollmentAllowed
from tests.admin.base import AdminTestCase, admin_url, errors, texts
from tests.factories import make_path, make_user

LIST = "/admin/learning_paths/learningpathenrollment/"
ADD = f"{LIST}add/"


class EnrollmentTestCase(AdminTestCase):
    ana: User
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.ana = make_user("ana")
        cls.path = make_path(display_name="Data Science")

    @property
    def enrollment(self) -> LearningPathEnrollment:
        return LearningPathEnrollment.objects.get(user=self.ana)

    def change_url(self, page: str = "change", *args: Any) -> str:
        return admin_url("learningpathenrollment", page, self.enrollment.pk, *args)

    def enroll_ana(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.ana)


@ddt.ddt
class AddEnrollmentTest(EnrollmentTestCase):
    def add(self, **fields: Any) -> Any:
        data = {"user": self.ana.pk, "learning_path": self.path.pk, "reason": "Won a scholarship", **fields}
        return self.client.post(ADD, data, follow=True)

    def test_adding_enrolls_with_history_and_audit(self) -> None:
        response = self.add(role="scholar", org="DemoX")
        self.assertRedirects(response, LIST)
        assert self.enrollment.is_active
        assert self.enrollment.history.get().history_user == self.sam
        audit = self.enrollment.audit.get()
        assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (
            self.sam,
            "Won a scholarship",
            "scholar",
            "DemoX",
        )
        assert audit.state_transition == StateTransition.UNENROLLED_TO_ENROLLED
        assert LogEntry.objects.get().object_id == str(self.enrollment.pk)

    def test_an_inactive_enrollment_is_switched_on_again(self) -> None:
        self.enroll_ana()
        before = self.enrollment
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        assert texts(self.add()) == ["ana is enrolled in path-v1:DemoX+DS101+2026 again."]
        assert (self.enrollment.pk, self.enrollment.is_active) == (before.pk, True)
        assert self.enrollment.enrolled_at > before.enrolled_at
        assert self.enrollment.audit.count() == 1

    def test_an_active_enrollment_is_an_error_that_keeps_what_was_typed(self) -> None:
        self.enroll_ana()
        response = self.add(role="scholar")
        assert errors(response) == {"user": ["The learner is already enrolled in this learning path."]}
        self.assertContains(response, "Won a scholarship")
        self.assertContains(response, 'value="scholar"')
        assert self.enrollment.history.count() == 1
        assert not LogEntry.objects.exists()

    def test_a_pending_invitation_is_bound(self) -> None:
        api.invite("dan@example.com", self.path, acting_user=self.sam)
        dan = make_user("dan", is_active=False)
        User.objects.filter(pk=dan.pk).update(is_active=True)
        self.add(user=dan.pk)
        assert LearningPathEnrollmentAllowed.objects.get().user == dan

    def test_who_enrolls_oneself_leaves_no_audit(self) -> None:
        self.add(user=self.sam.pk)
        enrollment = LearningPathEnrollment.objects.get(user=self.sam)
        assert not enrollment.audit.exists()
        assert enrollment.history.get().history_user == self.sam

    def test_what_can_not_be_is_an_error_of_its_field(self) -> None:
        for name, values in {
            "user": ("", "999999", "ana"),
            "learning_path": ("", "999999"),
            "role": ("x" * 256,),
            "org": ("x" * 256,),
        }.items():
            for value in values:
                assert list(errors(self.add(**{name: value}))) == [name], value
        assert not LearningPathEnrollment.objects.exists()

    @ddt.data((UserNotFound, "user"), (LearningPathNotFound, "learning_path"))
    @ddt.unpack
    def test_what_vanished_meanwhile_is_an_error(self, refusal: type[Exception], name: str) -> None:
        with mock.patch.object(api, "enroll", side_effect=refusal):
            response = self.add()
        assert list(errors(response)) == [name]
        self.assertContains(response, "Won a scholarship")

    def test_of_two_who_add_at_once_the_second_is_told(self) -> None:
        def lose_the_race(*args: Any, **kwargs: Any) -> Any:
            enroll(*args, **kwargs)
            return enroll(*args, **kwargs)

        enroll = api.enroll
        with mock.patch.object(api, "enroll", lose_the_race):
            response = self.add()
        assert errors(response) == {"user": ["The learner is already enrolled in this learning path."]}

    def test_continuing_leads_to_the_enrollment(self) -> None:
        self.assertRedirects(self.add(_continue="1"), self.change_url())
        self.assertRedirects(self.add(user=self.sam.pk, _addanother="1"), ADD)


@ddt.ddt
class ChangeEnrollmentTest(EnrollmentTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enroll_ana()

    def change(self, is_active: str, **fields: Any) -> Any:
        data = {"is_active": is_active, "reason": "Asked for it", "role": "guest", "org": "DemoX", **fields}
        return self.client.post(self.change_url(), data, follow=True)

    def test_switching_off_unenrolls_with_history_and_audit(self) -> None:
        self.assertRedirects(self.change("False"), LIST)
        assert not self.enrollment.is_active
        latest = self.enrollment.history.latest()
        assert (latest.history_user, latest.is_active) == (self.sam, False)
        audit = self.enrollment.audit.get()
        assert (audit.enrolled_by, audit.reason, audit.role, audit.org) == (
            self.sam,
            "Asked for it",
            "guest",
            "DemoX",
        )
        assert audit.state_transition == StateTransition.ENROLLED_TO_UNENROLLED

    def test_switching_on_enrolls_again(self) -> None:
        before = self.enrollment.enrolled_at
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        self.change("True")
        assert self.enrollment.is_active
        assert self.enrollment.enrolled_at > before
        assert self.enrollment.audit.get().state_transition == StateTransition.UNENROLLED_TO_ENROLLED

    @ddt.data(True, False)
    def test_the_same_choice_changes_nothing(self, is_active: bool) -> None:
        if not is_active:
            api.unenroll(self.ana, self.path, acting_user=self.ana)
        before = self.enrollment
        response = self.change(str(is_active))
        assert texts(response) == ["Nothing was changed: the enrollment is what it was before."]
        assert (self.enrollment.is_active, self.enrollment.modified) == (is_active, before.modified)
        assert not self.enrollment.audit.exists()
        assert not LogEntry.objects.exists()

    def test_nobody_else_s_change_is_taken_back_unawares(self) -> None:
        """Sam's page shows an active enrollment; Ana leaves; Sam, who did not touch the choice, saves."""
        shown = self.client.get(self.change_url())
        self.assertContains(shown, '<input type="hidden" name="initial-is_active" value="True" ', count=1)
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        self.change("True", **{"initial-is_active": "True"})
        assert not self.enrollment.is_active

    def test_who_comes_second_is_told_and_may_send_the_form_again(self) -> None:
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        response = self.change("False", **{"initial-is_active": "True"})
        assert errors(response) == {"is_active": ["The learner is not enrolled in this learning path."]}
        self.assertContains(response, "Asked for it")
        self.assertContains(response, '<input type="hidden" name="initial-is_active" value="False" ', count=1)
        assert texts(self.change("False", **{"initial-is_active": "False"})) == [
            "Nothing was changed: the enrollment is what it was before."
        ]

    @ddt.data("", "maybe")
    def test_any_other_choice_is_an_error(self, choice: str) -> None:
        assert list(errors(self.change(choice))) == ["is_active"]
        assert self.enrollment.is_active

    def test_learner_and_path_stay(self) -> None:
        ben, other = make_user("ben"), make_path("path-v1:DemoX+WEB+2026")
        self.change("False", user=ben.pk, learning_path=other.pk)
        assert (self.enrollment.user, self.enrollment.learning_path) == (self.ana, self.path)

    def test_there_is_a_way_to_the_audit_and_none_to_delete(self) -> None:
        self.change("False")
        page = self.client.get(self.change_url())
        address = f"/admin/learning_paths/manualenrollmentaudit/?enrollment__id__exact={self.enrollment.pk}"
        self.assertContains(page, f'<a href="{address}">1 manual change</a>', html=True)
        assert len(self.client.get(address).context["cl"].result_list) == 1
        self.assertNotContains(page, "deletelink")
        assert self.client.post(self.change_url("delete"), {"post": "yes"}).status_code == 403
        assert "delete_selected" not in str(self.client.get(LIST).content)


@ddt.ddt
class EnrollmentHistoryTest(EnrollmentTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enroll_ana()
        api.unenroll(self.ana, self.path, acting_user=self.sam)

    def test_history_tells_who_did_what(self) -> None:
        self.assertContains(self.client.get(self.change_url()), self.change_url("history"))
        page = self.client.get(self.change_url("history"))
        self.assertContains(page, f'/admin/auth/user/{self.ana.pk}/change/">ana</a>')
        self.assertContains(page, f'/admin/auth/user/{self.sam.pk}/change/">sam</a>')
        self.assertContains(page, "<strong>Active:</strong>")
        self.assertNotContains(page, "revert")

    @ddt.data({}, {"SIMPLE_HISTORY_REVERT_DISABLED": False})
    def test_a_past_state_is_shown_and_never_brought_back(self, host: dict[str, Any]) -> None:
        first = self.enrollment.history.earliest()
        past = self.change_url("simple_history", first.pk)
        with self.settings(**host):
            page = self.client.get(past)
            self.assertContains(page, "Data Science")
            self.assertNotContains(page, 'type="submit" value')
            self.assertNotContains(page, 'name="is_active"')
            assert self.client.post(past, {"is_active": "True"}).status_code == 403
        assert not self.enrollment.is_active
        assert self.enrollment.history.count() == 2

    @ddt.data("abc/history/", "abc/history/1/", "{pk}/history/abc/", "{pk}/history/0/", "999/history/")
    def test_what_is_not_there_is_not_found(self, address: str) -> None:
        assert self.client.get(LIST + address.format(pk=self.enrollment.pk)).status_code == 404


class EnrollmentListTest(EnrollmentTestCase):
    def test_the_list_costs_the_same_for_few_and_for_many(self) -> None:
        addresses = [LIST, f"{LIST}?org=demox", f"{LIST}?q=learner&is_active__exact=1"]
        for number in range(30):
            if number == 5:
                few = [self.count_queries(address) for address in addresses]
            path = make_path(f"path-v1:DemoX+N{number}+2026")
            api.enroll(make_user(f"learner{number}"), path, acting_user=self.sam)
        assert [self.count_queries(address) for address in addresses] == few

    def test_no_join_is_ordered_and_cut_to_a_page(self) -> None:
        """MariaDB would begin with the paths and sort the enrollments of all of them."""
        self.enroll_ana()
        for query in ("", "?org=demox", f"?learning_path__id__exact={self.path.pk}&is_active__exact=1"):
            with CaptureQueriesContext(connection) as queries:
                self.client.get(LIST + query)
            statements = [found["sql"].replace("`", '"') for found in queries]
            lists = [sql for sql in statements if f'FROM "{LearningPathEnrollment._meta.db_table}"' in sql]
            assert lists
            assert not [sql for sql in lists if "JOIN" in sql or f'"{LearningPath._meta.db_table}"' in sql]

    def test_enrollments_are_found_by_learner_and_path(self) -> None:
        self.enroll_ana()
        web = make_path("path-v1:DemoX+WEB+2026", display_name="Web Development")
        api.enroll(make_user("ben", email="Ben@Example.org"), web, acting_user=self.sam)
        api.unenroll(self.ana, self.path, acting_user=self.ana)
        for query, usernames in {
            "q=ana": ["ana"],
            "q=ben@example.org": ["ben"],
            "q=web+dev": ["ben"],
            "q=ds101": ["ana"],
            "is_active__exact=0": ["ana"],
            f"learning_path__id__exact={web.pk}": ["ben"],
            "org=demox": ["ben", "ana"],
            "org=other": [],
            "org=demo%25": [],
            "enrolled_at__gte=2100-01-01+00:00:00%2B00:00": [],
            "enrolled_at__gte=2020-01-01+00:00:00%2B00:00&org=DemoX&is_active__exact=1": ["ben"],
            "q=chloe": [],
        }.items():
            found = self.client.get(f"{LIST}?{query}").context["cl"].result_list
            assert [row.user.username for row in found] == usernames, query

    def test_enrollments_are_narrowed_to_an_organization_that_has_paths(self) -> None:
        self.enroll_ana()
        make_path("path-v1:Other_X+WEB+2026")
        page = self.client.get(LIST)
        for title in ("organization", "active", "enrolled at", "learning path"):
            self.assertContains(page, f"By {title}")
        (organizations,) = [spec for spec in page.context["cl"].filter_specs if spec.title == "organization"]
        assert organizations.lookup_choices == [("demox", "DemoX"), ("other_x", "Other_X")]

    def test_audit_and_history_are_one_click_away(self) -> None:
        self.enroll_ana()
        api.unenroll(self.ana, self.path, acting_user=self.sam)
        name = "ana: Data Science (path-v1:DemoX+DS101+2026)"
        audit = f"/admin/learning_paths/manualenrollmentaudit/?enrollment__id__exact={self.enrollment.pk}"
        history = self.change_url("history")
        page = self.client.get(LIST)
        self.assertContains(page, f'<a href="{audit}" aria-label="Audit: {name}">Audit</a>', html=True)
        self.assertContains(page, f'<a href="{history}" aria-label="History: {name}">History</a>', html=True)
        assert len(self.client.get(audit).context["cl"].result_list) == 1
        assert self.client.get(history).status_code == 200

    def test_what_stands_beside_the_links_is_text(self) -> None:
        self.path.display_name = '"><script>alert(1)</script>'
        self.path.save()
        self.enroll_ana()
        self.assertNotContains(self.client.get(LIST), "<script>alert")


class EnrollmentPermissionTest(EnrollmentTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enroll_ana()

    def test_who_may_only_view_sees_no_form(self) -> None:
        self.log_in_with("view_learningpathenrollment")
        page = self.client.get(self.change_url())
        self.assertContains(page, "Data Science")
        for name in ("_save", "is_active", "reason"):
            self.assertNotContains(page, f'name="{name}"')
        self.assertNotContains(page, "manual change")
        assert self.client.post(self.change_url(), {"is_active": "False"}).status_code == 403
        assert self.client.get(ADD).status_code == 403
        assert self.client.get(self.change_url("history")).status_code == 200
        assert self.enrollment.is_active

    def test_only_who_may_see_the_audit_is_led_there(self) -> None:
        self.log_in_with("view_learningpathenrollment")
        page = self.client.get(LIST)
        self.assertContains(page, self.change_url("history"))
        self.assertNotContains(page, "manualenrollmentaudit")
        self.client.logout()
        User.objects.filter(username="vera").delete()
        self.log_in_with("view_learningpathenrollment", "view_manualenrollmentaudit")
        self.assertContains(self.client.get(LIST), "manualenrollmentaudit/?enrollment__id__exact")

    def test_who_may_change_may_not_add(self) -> None:
        vera = self.log_in_with("change_learningpathenrollment")
        self.client.post(self.change_url(), {"is_active": "False"})
        assert not self.enrollment.is_active
        assert self.enrollment.history.latest().history_user == vera
        assert self.client.post(ADD, {"user": self.ana.pk, "learning_path": self.path.pk}).status_code == 403

    def test_who_may_add_may_not_look(self) -> None:
        self.log_in_with("add_learningpathenrollment")
        ben = make_user("ben")
        self.client.post(ADD, {"user": ben.pk, "learning_path": self.path.pk})
        assert LearningPathEnrollment.objects.get(user=ben).is_active
        assert self.client.get(LIST).status_code == 403

    def test_even_who_has_the_permission_to_delete_does_not(self) -> None:
        self.log_in_with("view_learningpathenrollment", "delete_learningpathenrollment")
        assert self.client.post(self.change_url("delete"), {"post": "yes"}).status_code == 403
