"""What is around the learners' pages: the LMS, the sandbox, a theme, or nothing."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from django.test import override_settings

from tests.pages.base import LIST, PageTestCase, told, url
from tests.pages.chrome import LMS, OWN, THEME, templates_from

STYLES = '<link rel="stylesheet" href="/static/learning_paths/pages.css">'


class ChromeTests(PageTestCase):
    """Where Ana finds the pages."""

    def addresses(self) -> list[str]:
        self.enroll()
        return [LIST, url("path", self.path), url("unenroll", self.path)]

    @override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)
    def test_in_the_lms_they_are_inside_of_its_own_page(self) -> None:
        with templates_from(LMS, OWN):
            for address in self.addresses():
                with self.subTest(address=address):
                    page = self.client.get(address)
                    self.assertContains(page, "Header of the LMS")
                    self.assertContains(page, "Footer of the LMS")
                    self.assertContains(page, STYLES)
                    self.assertContains(page, '<meta name="viewport"')
                    self.assertContains(page, "/static/js/header/header.js")
                    self.assertContains(page, '<main id="main" class="learning-paths" tabindex="-1">')
                    self.assertContains(page, " | Stand-in University</title>")
                    self.assertContains(page, '<body class="learning-paths-page lang_')
                    self.assertNotContains(page, "learning-paths-standalone")

    def test_the_lms_shows_no_messages_so_the_pages_do(self) -> None:
        with templates_from(LMS, OWN):
            page = self.post("enroll")
            self.assertContains(page, '<p class="lp-message lp-success" role="status">You are enrolled in Data Science')
            page = self.post("enroll")
            self.assertContains(page, '<p class="lp-message lp-error" role="alert">You are already enrolled in Data')

    @override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)
    def test_where_there_is_no_lms_they_are_whole_pages(self) -> None:
        with templates_from(OWN):
            for address in self.addresses():
                with self.subTest(address=address):
                    page = self.client.get(address)
                    self.assertContains(page, '<html lang="en" dir="ltr" class="learning-paths-standalone">')
                    self.assertContains(page, STYLES)
                    self.assertContains(page, " | Learning</title>")
                    self.assertContains(page, "<h1>", 1)
                    self.assertNotContains(page, "header.js")

    def test_in_the_sandbox_they_are_part_of_it(self) -> None:
        page = self.client.get(LIST)
        self.assertContains(page, '<a class="brand" href="/">')
        self.assertContains(page, STYLES)
        self.assertContains(page, "<main", 1)
        assert told(self.post("enroll")) == ["You are enrolled in Data Science."]
        self.assertContains(self.post("enroll"), "You are already enrolled", 1)

    def test_a_theme_replaces_a_template_by_one_of_the_same_name(self) -> None:
        with templates_from(THEME, LMS, OWN):
            page = self.client.get(LIST)
            self.assertContains(page, "<p>The theme's own card of Data Science</p>")
            self.assertContains(page, "Header of the LMS")
        self.assertNotContains(self.client.get(LIST), "The theme's own card")

    def test_the_styles_are_there(self) -> None:
        assert finders.find("learning_paths/pages.css") is not None

    def test_other_languages(self) -> None:
        with templates_from(OWN):
            page = self.client.get(LIST, headers={"accept-language": "ar"})
            self.assertContains(page, '<html lang="en" dir="ltr"')
            with override_settings(LANGUAGE_CODE="ar"):
                page = self.client.get(LIST)
                self.assertContains(page, '<html lang="ar" dir="rtl"')
