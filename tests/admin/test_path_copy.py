"""The page that copies a path, and the buttons on a path's page."""

from __future__ import annotations

from typing import Any
from unittest import mock

import ddt
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.test import override_settings

from learning_paths import api
from learning_paths.exceptions import LearningPathExists, LearningPathNotFound
from learning_paths.models import LearningPath, LearningPathStep
from sandbox import urls as sandbox_urls
from tests.admin.base import AdminTestCase, admin_url, texts
from tests.factories import make_path
from tests.media import MediaTestCase, picture

NEW = "path-v1:DemoX+DS101+2027"


@ddt.ddt
class DuplicatePageTests(MediaTestCase, AdminTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = make_path(display_name="Data Science")
        LearningPathStep.objects.create(learning_path=self.path, course_key="course-v1:DemoX+A+2026")

    @property
    def address(self) -> str:
        return admin_url("learningpath", "duplicate", self.path.pk)

    def send(self, key: str = NEW, name: str = "Spring", **fields: Any) -> Any:
        return self.client.post(self.address, {"key": key, "display_name": name, **fields}, follow=True)

    def errors_of(self, response: Any) -> dict[str, list[str]]:
        assert response.status_code == 200
        assert LearningPath.objects.count() == 1
        return {name: list(map(str, found)) for name, found in response.context["form"].errors.items()}

    def test_the_form_begins_with_what_is_nearly_right(self) -> None:
        page = self.client.get(self.address)
        self.assertContains(page, "Duplicate Data Science (path-v1:DemoX+DS101+2026)")
        self.assertContains(page, 'value="path-v1:DemoX+DS101+2026"')
        self.assertContains(page, 'value="Copy of Data Science"')
        assert page.context["form"]["invite_only"].value() is True

    def test_a_long_name_is_cut_to_what_fits(self) -> None:
        LearningPath.objects.update(display_name="x" * 255)
        name = self.client.get(self.address).context["form"]["display_name"].value()
        assert len(name) == 255
        assert self.send(name=name).redirect_chain

    def test_the_copy_is_made_and_its_form_is_shown(self) -> None:
        page = self.send(invite_only="on")
        copy = LearningPath.objects.get(key=NEW)
        assert page.redirect_chain == [(admin_url("learningpath", "change", copy.pk), 302)]
        (text,) = texts(page)
        assert text.startswith("This is the copy of Data Science (path-v1:DemoX+DS101+2026). Nobody is enrolled in it")
        assert (copy.display_name, copy.invite_only, copy.steps.count()) == ("Spring", True, 1)
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.user, entry.is_addition()) == (str(copy.pk), self.sam, True)
        assert entry.get_change_message() == "Copied from Data Science (path-v1:DemoX+DS101+2026)."

    @ddt.data(True, False)
    def test_whoever_unticks_invite_only_opens_the_copy(self, was: bool) -> None:
        LearningPath.objects.update(invite_only=was)
        self.send()
        assert not LearningPath.objects.get(key=NEW).invite_only

    def test_the_image_is_copied(self) -> None:
        self.path.image.save("cover.png", ContentFile(picture()))
        page = self.send()
        assert len(texts(page)) == 1
        assert len(self.files()) == 2

    def test_an_image_that_the_storage_lost_is_told_of(self) -> None:
        LearningPath.objects.update(image="learning_paths/gone.png")
        with self.assertLogs("learning_paths.actions.learning_paths", "WARNING"):
            page = self.send()
        assert texts(page)[1:] == [
            "The image could not be copied: its file is missing or can't be read. Choose it once more."
        ]
        assert LearningPath.objects.filter(key=NEW).exists()

    @ddt.data("path-v1:DemoX+DS101+2026", "path-v1:demox+DS101+2026")
    def test_a_key_that_is_taken_is_an_error_of_its_field(self, key: str) -> None:
        response = self.send(key)
        assert self.errors_of(response) == {"key": [str(LearningPathExists())]}
        self.assertContains(response, "Error:")
        self.assertContains(response, 'value="Spring"')

    def test_a_malformed_key_is_an_error_of_its_field(self) -> None:
        for key in (
            "",
            "DemoX",
            "course-v1:DemoX+A+2026",
            "path-v1:a+b+c d",
            "path-v1:a+b+c d+e",
            "path-v1:" + "x" * 300,
            "a\0b",
            "🙂",
        ):
            assert list(self.errors_of(self.send(key))) == ["key"], key

    @ddt.data("", " ", "x" * 256, "a\0b")
    def test_a_name_is_asked_for(self, name: str) -> None:
        assert list(self.errors_of(self.send(name=name))) == ["display_name"]

    def test_a_path_that_went_meanwhile_leads_elsewhere(self) -> None:
        with mock.patch.object(api, "duplicate_path", side_effect=LearningPathNotFound):
            response = self.send()
        assert response.redirect_chain[-1][0] == "/admin/"
        (text,) = texts(response)
        assert "Perhaps it was deleted?" in text

    @ddt.data("999", "x", "9" * 30, "1_2F")
    def test_no_path_leads_elsewhere(self, object_id: str) -> None:
        response = self.client.get(f"/admin/learning_paths/learningpath/{object_id}/duplicate/", follow=True)
        assert "Perhaps it was deleted?" in texts(response)[0]


class PathButtonsTests(AdminTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = make_path()
        self.address = admin_url("learningpath", "duplicate", self.path.pk)

    def page(self) -> Any:
        return self.client.get(admin_url("learningpath", "change", self.path.pk))

    def test_who_may_see_and_add_paths_may_copy_one(self) -> None:
        self.log_in_with("view_learningpath", "add_learningpath")
        self.assertContains(self.page(), f'href="{self.address}"')
        assert self.client.get(self.address).status_code == 200
        self.client.post(self.address, {"key": NEW, "display_name": "Spring"})
        assert LearningPath.objects.filter(key=NEW).exists()

    def test_who_may_not_add_paths_may_not_copy_one(self) -> None:
        self.log_in_with("view_learningpath", "change_learningpath")
        self.assertNotContains(self.page(), self.address)
        self.assert_refused()

    def test_who_may_not_see_paths_may_not_copy_one(self) -> None:
        self.log_in_with("add_learningpath")
        self.assert_refused()

    def test_who_is_nobody_is_asked_to_log_in(self) -> None:
        self.client.logout()
        assert self.client.get(self.address).status_code == 302

    def assert_refused(self) -> None:
        assert self.client.get(self.address).status_code == 403
        assert self.client.post(self.address, {"key": NEW, "display_name": "Spring"}).status_code == 403
        assert self.client.get(admin_url("learningpath", "duplicate", 999)).status_code == 403
        assert not LearningPath.objects.filter(key=NEW).exists()

    def test_a_path_that_is_not_there_yet_has_no_buttons(self) -> None:
        self.assertNotContains(self.client.get(admin_url("learningpath", "add")), "duplicate")


class LearnerLinkTests(AdminTestCase):
    """The link to what learners see, on sites that have such a page and on others."""

    def setUp(self) -> None:
        super().setUp()
        self.path = make_path("path-v1:DemoX+DS.101+2026")

    def link(self) -> str | None:
        page = self.client.get(admin_url("learningpath", "change", self.path.pk))
        assert page.status_code == 200
        address: str | None = page.context["learner_page"]
        assert ("View as learner" in page.content.decode()) == (address is not None)
        return address

    def test_it_leads_to_the_page_of_the_path(self) -> None:
        link = self.link()
        assert link is not None
        self.assertContains(self.client.get(link), f"<h1>{self.path.display_name}</h1>")

    @override_settings(LEARNING_PATHS_LEARNER_PAGES=False)
    def test_a_site_that_switched_the_pages_off_has_none(self) -> None:
        assert self.link() is None

    def test_a_site_that_has_them_nowhere_has_none(self) -> None:
        with override_settings(ROOT_URLCONF=tuple(sandbox_urls.urlpatterns[:3])):
            assert self.link() is None
