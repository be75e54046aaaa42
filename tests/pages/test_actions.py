"""Enrolling, unenrolling and starting a course from the pages, and who is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import ddt
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from learning_paths import api
from learning_paths.models import LearningPathEnrollment
from sandbox.courses.models import CourseEnrollment, CourseRun
from tests.factories import make_path, make_user
from tests.pages.base import LIST, PageTestCase, make_course, make_steps, text, told, url

ACTIONS = ("enroll", "unenroll", "start")
unenrollment_allowed = override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)


class EnrollTests(PageTestCase):
    """Ana enrolls."""

    def test_she_is_enrolled_and_sees_the_path(self) -> None:
        page = self.post("enroll")
        self.assertRedirects(page, url("path", self.path))
        assert told(page) == ["You are enrolled in Data Science."]
        assert self.is_enrolled(self.ana, self.path)
        history = LearningPathEnrollment.history.get()
        assert history.history_user == self.ana

    def test_a_second_click_is_told_so(self) -> None:
        self.post("enroll")
        page = self.post("enroll")
        self.assertRedirects(page, url("path", self.path))
        assert told(page) == ["You are already enrolled in Data Science."]
        self.assertContains(page, 'role="alert"')

    def test_a_path_by_invitation_is_not_there_for_her_but_for_who_was_invited(self) -> None:
        assert self.post("enroll", self.invite_only).status_code == 404
        assert not self.is_enrolled(self.ana, self.invite_only)
        api.invite(self.ana.email, self.invite_only, acting_user=self.sam)
        assert self.is_enrolled(self.ana, self.invite_only)
        self.client.force_login(self.sam)
        assert told(self.post("enroll", self.invite_only)) == ["You are enrolled in Web Security."]

    def test_an_account_that_is_not_active_enrolls_in_an_open_path_only(self) -> None:
        ida = make_user("ida", is_active=False)
        self.client.force_login(ida)
        assert told(self.post("enroll")) == ["You are enrolled in Data Science."]
        api.invite(ida.email, self.invite_only, acting_user=self.sam)
        assert self.post("enroll", self.invite_only).status_code == 404
        assert not self.is_enrolled(ida, self.invite_only)

    def test_a_path_that_moved_here_with_a_slash_in_its_key(self) -> None:
        odd = make_path("path-v1:DemoX+A/B <i>+2026+All", display_name="Odd")
        make_steps(odd, self.python)
        page = self.post("enroll", odd)
        self.assertRedirects(page, url("path", odd))
        assert told(page) == ["You are enrolled in Odd."]
        self.assertContains(self.client.get(LIST), url("path", odd))

    def test_again_after_leaving(self) -> None:
        self.enroll()
        api.unenroll(self.ana, self.path, acting_user=None)
        self.post("enroll")
        assert self.is_enrolled(self.ana, self.path)
        assert LearningPathEnrollment.objects.count() == 1


class UnenrollTests(PageTestCase):
    """Ana unenrolls."""

    def test_the_site_does_not_allow_it(self) -> None:
        self.enroll()
        assert "Unenroll" not in text(self.client.get(url("path", self.path)))
        assert self.client.get(url("unenroll", self.path)).status_code == 403
        assert self.post("unenroll").status_code == 403
        assert self.is_enrolled(self.ana, self.path)

    @unenrollment_allowed
    def test_she_is_asked_before(self) -> None:
        self.enroll()
        self.assertContains(self.client.get(url("path", self.path)), f'href="{url("unenroll", self.path)}"')
        question = self.client.get(url("unenroll", self.path))
        assert "Unenroll from Data Science?" in text(question)
        assert "you can't enroll again by yourself" not in text(question)
        assert self.is_enrolled(self.ana, self.path)
        page = self.post("unenroll")
        self.assertRedirects(page, LIST)
        assert told(page) == ["You are not enrolled in Data Science any more."]
        assert not self.is_enrolled(self.ana, self.path)

    @unenrollment_allowed
    def test_a_path_by_invitation_warns_and_is_not_seen_afterwards(self) -> None:
        self.enroll(path=self.invite_only)
        question = self.client.get(url("unenroll", self.invite_only))
        assert "you can't enroll again by yourself" in text(question)
        self.assertRedirects(self.post("unenroll", self.invite_only), LIST)
        assert self.client.get(url("path", self.invite_only)).status_code == 404

    @unenrollment_allowed
    def test_who_is_not_enrolled_is_told_so(self) -> None:
        for page in (self.client.get(url("unenroll", self.path), follow=True), self.post("unenroll")):
            self.assertRedirects(page, url("path", self.path))
            assert told(page) == ["You are not enrolled in Data Science."]

    @unenrollment_allowed
    def test_a_path_by_invitation_is_not_there_for_her(self) -> None:
        assert self.client.get(url("unenroll", self.invite_only)).status_code == 404
        assert self.post("unenroll", self.invite_only).status_code == 404


@ddt.ddt
class StartTests(PageTestCase):
    """Ana starts a course."""

    def start(self, key: object) -> Any:
        return self.client.post(url("start", self.path), {"course_key": str(key)})

    def test_she_is_enrolled_in_the_course_and_led_there(self) -> None:
        self.enroll()
        for _click in range(2):
            page = self.start(self.python)
            self.assertRedirects(page, f"/courses/{self.python}/course/", fetch_redirect_response=False)
        assert self.is_in_course(self.ana, self.python)
        assert not self.is_in_course(self.ana, self.statistics)

    def test_only_who_is_enrolled_in_the_path(self) -> None:
        page = self.post("start", course_key=str(self.python))
        self.assertRedirects(page, url("path", self.path))
        assert told(page) == ["You are not enrolled in Data Science."]
        assert not self.is_in_course(self.ana, self.python)

    @ddt.data(
        ("course-v1:DemoX+OTHER+2026", "This course is not a step of this learning path."),
        ("course-v1:demox+py101+2026", "This course is not a step of this learning path."),
        ("", "There is no such course."),
        ("nonsense", "There is no such course."),
        ("//example.com", "There is no such course."),
    )
    @ddt.unpack
    def test_only_a_step_of_the_path(self, key: str, message: str) -> None:
        self.enroll()
        make_course("OTHER")
        page = self.post("start", course_key=key)
        self.assertRedirects(page, url("path", self.path))
        assert told(page) == [message]
        assert not CourseEnrollment.objects.exists()

    @ddt.data(
        ({"enrollment_end": timezone.now() - timedelta(days=1)}, "This course is not open for enrollment."),
        ({"max_enrollments": 0}, "This course is full."),
    )
    @ddt.unpack
    def test_what_the_platform_refuses_is_told(self, change: dict[str, Any], message: str) -> None:
        self.enroll()
        CourseRun.objects.filter(course_key=self.python).update(**change)
        page = self.post("start", course_key=str(self.python))
        self.assertRedirects(page, url("path", self.path))
        assert told(page) == [message]
        assert not self.is_in_course(self.ana, self.python)

    def test_a_course_that_the_platform_does_not_know(self) -> None:
        self.enroll()
        self.path.steps.create(course_key="course-v1:DemoX+GONE+2026")
        assert told(self.post("start", course_key="course-v1:DemoX+GONE+2026")) == ["There is no such course."]


@ddt.ddt
class AccessTests(PageTestCase):
    """Who gets in, and how."""

    def pages(self) -> list[str]:
        return [LIST, url("path", self.path), *(url(action, self.path) for action in ACTIONS)]

    def test_anonymous_visitors_log_in_first_and_come_to_the_path(self) -> None:
        self.client.logout()
        for page in self.pages():
            for ask in (self.client.get, self.client.post):
                if page == LIST and ask == self.client.post:
                    continue
                self.assertRedirects(ask(page), f"{reverse('login')}?{urlencode({'next': page}, safe='/')}")
        self.client.force_login(self.ana)
        for action in ("enroll", "start"):
            self.assertRedirects(self.client.get(url(action, self.path)), url("path", self.path))
        assert not self.is_enrolled(self.ana, self.path)

    def test_a_site_that_switched_the_pages_off(self) -> None:
        for user in (None, self.ana, self.sam):
            if user is None:
                self.client.logout()
            else:
                self.client.force_login(user)
            with override_settings(LEARNING_PATHS_LEARNER_PAGES=False, LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True):
                for page in self.pages():
                    assert self.client.get(page).status_code == 404
                    assert self.client.post(page).status_code == 404
        assert not self.is_enrolled(self.ana, self.path)

    def test_other_methods(self) -> None:
        for page in self.pages():
            assert self.client.put(page).status_code == 405
        assert self.client.post(LIST).status_code == 405
        assert self.client.post(url("path", self.path)).status_code == 405

    @unenrollment_allowed
    def test_forgeries_are_refused(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.ana)
        for action in ACTIONS:
            assert strict.post(url(action, self.path), {"course_key": str(self.python)}).status_code == 403
        assert not self.is_enrolled(self.ana, self.path)
        strict.get(LIST)
        token = strict.cookies["csrftoken"].value
        assert strict.post(url("enroll", self.path), {"csrfmiddlewaretoken": token}).status_code == 302
        assert self.is_enrolled(self.ana, self.path)

    @unenrollment_allowed
    @ddt.data("next", "return_to", "redirect_url")
    def test_nobody_is_led_to_another_site(self, name: str) -> None:
        away = "https://example.com/"
        for action in ACTIONS:
            response = self.client.post(f"{url(action, self.path)}?{name}={away}", {name: away, "course_key": away})
            assert response["Location"] in (LIST, url("path", self.path))

    def test_the_pages_are_nobody_elses(self) -> None:
        for page in (LIST, url("path", self.path)):
            assert "private" in self.client.get(page)["Cache-Control"]
