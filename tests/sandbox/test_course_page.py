"""The page that stands for a course."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import TestCase
from django.urls import reverse
from opaque_keys.edx.keys import CourseKey

from learning_paths import api
from sandbox.courses.models import CourseProgress
from tests.factories import make_path, make_user
from tests.pages.base import DS, make_course, make_steps, url


class CoursePageTests(TestCase):
    ana: User
    key: CourseKey

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ana = make_user("ana")
        cls.key = make_course("PY101", "Python")

    def setUp(self) -> None:
        self.client.force_login(self.ana)
        self.address = f"/courses/{self.key}/course/"

    def test_ana_does_a_part_after_another_and_completes_the_path(self) -> None:
        path = make_path(DS)
        make_steps(path, self.key)
        api.enroll(self.ana, path, acting_user=self.ana)
        self.client.post(url("start", path), {"course_key": str(self.key)})
        for done in ("0%", "25%", "50%", "75%", "100%"):
            self.assertContains(self.client.get(self.address), f"{done} completed")
            self.client.post(self.address)
        self.assertNotContains(self.client.get(self.address), "Do a quarter")
        assert api.progress_in(self.ana, [path])[path.key].completed
        assert api.grades_in(self.ana, [path])[path.key].grade == 1

    def test_who_is_not_enrolled_does_nothing(self) -> None:
        page = self.client.post(self.address, follow=True)
        self.assertContains(page, "You are not enrolled in this course.")
        assert not CourseProgress.objects.exists()
        self.assertNotContains(page, "<progress")

    def test_unknown_courses_and_visitors(self) -> None:
        for key in ("course-v1:DemoX+NONE+2026", "course-v1:demox+py101+2026", "nonsense"):
            assert self.client.get(f"/courses/{key}/course/").status_code == 404
            assert self.client.post(f"/courses/{key}/course/").status_code == 404
        self.client.logout()
        assert self.client.get(self.address)["Location"].startswith(reverse("login"))
