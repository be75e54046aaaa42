"""What the front page offers, and to whom."""

from __future__ import annotations

from html.parser import HTMLParser

from django.contrib.auth.models import AnonymousUser, User
from django.test import TestCase
from django.urls import reverse

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathStep
from sandbox.demo.content import DATA_SCIENCE, SECURITY, WEB
from sandbox.demo.seed import seed
from sandbox.views import path_cards


def keys(user: User | AnonymousUser) -> list[str]:
    return [str(card.path.key) for card in path_cards(user)]


class TestFrontPage(TestCase):
    ana: User
    chloe: User
    staff: User

    @classmethod
    def setUpTestData(cls) -> None:
        seed(crowd=False)
        cls.ana = User.objects.get(username="ana")
        cls.chloe = User.objects.get(username="chloe")
        cls.staff = User.objects.get(username="staff")

    def test_everyone_sees_the_open_paths_and_some_see_more(self) -> None:
        assert keys(AnonymousUser()) == [DATA_SCIENCE, WEB]
        assert keys(self.ana) == [DATA_SCIENCE, WEB]
        assert keys(self.chloe) == [DATA_SCIENCE, WEB, SECURITY]
        assert keys(self.staff) == [DATA_SCIENCE, WEB, SECURITY]

    def test_it_tells_how_the_visitor_stands_with_each_path(self) -> None:
        path = api.get_learning_path(DATA_SCIENCE)
        self.client.force_login(self.ana)
        for badge, change in (("Not enrolled", api.enroll), ("Enrolled", api.unenroll), ("Unenrolled", None)):
            with self.subTest(badge=badge):
                self.assertContains(self.client.get("/"), badge)
                if change is not None:
                    change(self.ana, path, acting_user=self.ana)

    def test_it_names_the_steps_and_those_that_the_platform_lost(self) -> None:
        path = api.get_learning_path(WEB)
        LearningPathStep.objects.create(learning_path=path, course_key="course-v1:DemoX+GONE+2026", order=3)
        page = self.client.get("/")
        self.assertContains(page, "HTML and CSS from Scratch")
        self.assertContains(page, "course-v1:DemoX+GONE+2026")

    def test_it_lists_the_accounts_and_the_walk_through(self) -> None:
        page = self.client.get("/")
        for username in ("staff", "ana", "ben", "chloe"):
            self.assertContains(page, f"<code>{username}</code>")
        self.assertContains(page, f"{reverse('register')}?email=dan%40example.com")

    def test_every_link_leads_somewhere(self) -> None:
        self.client.force_login(self.staff)
        api.enroll(self.staff, api.get_learning_path(DATA_SCIENCE), acting_user=self.staff)
        links = _links(self.client.get("/").content.decode())
        assert "/api/v1/learning-path-enrollment/path-v1:DemoX+DS101+2026" in links
        for link in links:
            with self.subTest(link=link):
                status = self.client.get(link, follow=True).status_code
                # The staff are enrolled in one path; of the others the API lists everyone.
                assert status == 200

    def test_the_number_of_queries_does_not_grow_with_the_paths(self) -> None:
        self.client.force_login(self.ana)
        self.client.get("/")
        # the session, the user, the paths, their steps, their skills, the runs, own enrollments; two for the savepoint
        with self.assertNumQueries(9):
            self.client.get("/")
        for number in range(20):
            path = LearningPath.objects.create(key=f"path-v1:DemoX+P{number}+2026", display_name=f"Path {number}")
            LearningPathStep.objects.create(learning_path=path, course_key="course-v1:DemoX+PY101+2026")
            api.enroll(self.ana, path, acting_user=self.ana)
        with self.assertNumQueries(9):
            self.client.get("/")


class TestEmptySandbox(TestCase):
    def test_it_says_how_to_fill_it(self) -> None:
        self.assertContains(self.client.get("/"), "python manage.py seed_demo")


class _LinkCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or ""
        if tag == "a" and href.startswith("/"):
            self.links.append(href)


def _links(html: str) -> list[str]:
    collector = _LinkCollector()
    collector.feed(html)
    return collector.links
