"""Where the links of the e-mails to learners lead."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import ddt
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import SimpleTestCase, override_settings
from django.urls import reverse

from learning_paths import api
from learning_paths.actions.notice_links import path_url
from learning_paths.keys import LearningPathKey
from learning_paths.models import LearningPath
from tests.actions.test_notices import PY101, NoticesTestCase, html_of

LMS = "https://lms.example.com"
MFE = "https://apps.example.com/learning-paths"
PATH = "path-v1:DemoX+WEB+2026"


@ddt.ddt
@override_settings(LMS_ROOT_URL=LMS)
class LinkTests(NoticesTestCase):
    """What Ana, who was enrolled, and somebody new, who was invited, can click on."""

    def links(self, email: str, *paths: LearningPath, courses: list[Any] | None = None) -> list[str]:
        """Enroll or invite, and return the links of the message in their order, which both of its forms have."""
        api.send_notices(api.notices_of(self.enroll(email, *paths, courses=courses)))
        message = cast(EmailMultiAlternatives, mail.outbox.pop())
        links = re.findall(r"https?://\S+", str(message.body))
        in_html = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]*)"', html_of(message))]
        assert in_html == [f"{LMS}/", *links]
        return links

    def test_a_path_leads_to_its_page_and_the_rest_to_the_learners_paths(self) -> None:
        assert self.links("ana@example.com", self.web) == [f"{LMS}/learning_paths/{PATH}/", f"{LMS}/learning_paths/"]

    @override_settings(LEARNING_PATHS_MICROFRONTEND_URL=f"{MFE}/")
    def test_to_those_of_the_micro_frontend_where_there_is_one(self) -> None:
        assert self.links("ana@example.com", self.web) == [f"{MFE}/learningpath/{PATH}", f"{MFE}/"]

    @override_settings(LEARNING_PATHS_MICROFRONTEND_URL=MFE, LEARNING_PATHS_LEARNER_PAGES=False)
    def test_also_where_the_pages_are_switched_off(self) -> None:
        assert self.links("ana@example.com", self.web) == [f"{MFE}/learningpath/{PATH}", f"{MFE}/"]

    @override_settings(LEARNING_PATHS_LEARNER_PAGES=False)
    def test_without_any_page_of_paths_there_are_the_learners_courses(self) -> None:
        assert self.links("ana@example.com", self.web) == [f"{LMS}/dashboard"]
        assert self.links("new@example.com", self.web) == [f"{LMS}/register"]

    def test_courses_alone_are_on_the_dashboard(self) -> None:
        assert self.links("ana@example.com", courses=[PY101]) == [
            f"{LMS}/courses/{PY101}/course/",
            f"{LMS}/dashboard",
        ]

    def test_courses_beside_paths(self) -> None:
        assert self.links("ana@example.com", self.web, courses=[PY101]) == [
            f"{LMS}/learning_paths/{PATH}/",
            f"{LMS}/courses/{PY101}/course/",
            f"{LMS}/learning_paths/",
        ]

    @ddt.data((None, "/learning_paths/"), (MFE, f"{MFE}/"))
    @ddt.unpack
    def test_who_registers_comes_to_the_paths_afterwards(self, microfrontend: str | None, expected: str) -> None:
        with override_settings(LEARNING_PATHS_MICROFRONTEND_URL=microfrontend):
            *items, register = self.links("new@example.com", self.web)
        parts = urlsplit(register)
        assert (parts.netloc, parts.path) == ("lms.example.com", "/register")
        assert parse_qs(parts.query) == {"next": [expected]}
        assert len(items) == 1
        assert PATH in items[0]

    def test_who_was_invited_to_a_course_alone_registers_for_that(self) -> None:
        assert self.links("new@example.com", courses=[PY101]) == [f"{LMS}/courses/{PY101}/about", f"{LMS}/register"]

    @override_settings(LMS_ROOT_URL=None, LEARNING_PATHS_MICROFRONTEND_URL=MFE)
    def test_a_site_that_does_not_know_its_own_address_knows_the_micro_frontend(self) -> None:
        api.send_notices(api.notices_of(self.enroll("ana@example.com", self.web)))
        text = str(mail.outbox[0].body)
        assert re.findall(r"https?://\S+", text) == [f"{MFE}/learningpath/{PATH}", f"{MFE}/"]

    def test_each_link_of_ours_is_answered(self) -> None:
        self.client.force_login(self.ana)
        for link in self.links("ana@example.com", self.web):
            answer = self.client.get(link.removeprefix(LMS))
            self.assertContains(answer, "Web")

    def test_the_queries_are_as_many_as_before(self) -> None:
        found = api.notices_of(self.enroll("ana@example.com, new@example.com", self.web, self.science))
        with self.assertNumQueries(2):  # accounts and paths; the sandbox has no languages
            api.send_notices(found)


@ddt.ddt
@override_settings(LMS_ROOT_URL=LMS)
class KeyTests(SimpleTestCase):
    """Keys of 0.5.0 may hold what an address may not."""

    @ddt.data("path-v1:A+B+C", "path-v1:A+B+C+D", "path-v1:Ä b+c%2F+d#e+f", "path-v1:a@b+c&d+e?f=1+g/h")
    def test_a_key_in_an_address(self, text: str) -> None:
        key = LearningPathKey.from_string(text)
        assert path_url(key) == LMS + reverse("learning_paths:learner-path", args=[text])
        with override_settings(LEARNING_PATHS_MICROFRONTEND_URL=MFE):
            link = urlsplit(path_url(key))
        assert link.path.startswith("/learning-paths/learningpath/path-v1:")
        assert (link.query, link.fragment) == ("", "")
