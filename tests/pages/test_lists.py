"""The page with the learner's paths and those that are open."""

from __future__ import annotations

import ddt
from django.test import SimpleTestCase, override_settings
from django.utils import translation

from learning_paths import api
from learning_paths.models import AcquiredSkill, Skill
from learning_paths.pages.content import Measure, percent
from tests.factories import make_path, make_user
from tests.pages.base import LIST, PageTestCase, learn, make_course, make_steps, names, text, url


@ddt.ddt
class ListTests(PageTestCase):
    """What Ana finds there."""

    def test_her_own_paths_are_apart_from_the_others(self) -> None:
        make_path("path-v1:DemoX+WEB+2026", display_name="Web Basics")
        self.enroll()
        page = self.client.get(LIST).context["page"]
        assert (names(page.own), names(page.more)) == (["Data Science"], ["Web Basics"])

    def test_invite_only_paths_are_seen_by_who_was_invited_and_by_staff(self) -> None:
        assert names(self.client.get(LIST).context["page"].more) == ["Data Science"]
        api.invite(make_user("ben", is_active=False).email, self.invite_only, acting_user=self.sam)
        dan = make_user("dan", email="dan@example.org", is_active=False)
        api.invite("dan@example.org", self.invite_only, acting_user=self.sam)
        self.client.force_login(dan)
        assert names(self.client.get(LIST).context["page"].more) == ["Data Science"], "Dan's address is not confirmed"
        dan.is_active = True
        with self.captureOnCommitCallbacks(execute=True):
            dan.save()
        page = self.client.get(LIST).context["page"]
        assert (names(page.own), names(page.more)) == (["Web Security"], ["Data Science"])
        self.client.force_login(self.sam)
        assert names(self.client.get(LIST).context["page"].more) == ["Data Science", "Web Security"]

    def test_progress_and_the_next_course(self) -> None:
        self.enroll()
        learn(self.ana, self.python, 1)
        learn(self.ana, self.statistics, 0.2)
        page = self.client.get(LIST)
        [card] = page.context["page"].own
        assert (card.next_step.name, card.next_step.is_enrolled) == ("Statistics", False)
        self.assertContains(page, '<progress max="100" value="40" aria-label="Progress in Data Science">40%</progress>')
        assert "40% completed, 80% required Enrolled on" in text(page)
        assert "Next course: Statistics Start : Statistics" in text(page)

    def test_who_is_in_the_next_course_goes_on_with_it(self) -> None:
        self.enroll()
        api.enroll_user_in_course(self.ana, self.python, acting_user=None)
        page = self.client.get(LIST)
        self.assertContains(page, f'href="/courses/{self.python}/course/">Continue')
        assert "Start" not in text(page)

    def test_what_is_nearly_enough_does_not_look_like_it(self) -> None:
        self.enroll()
        for key in (self.python, self.statistics, self.learning):
            learn(self.ana, key, 0.799)
        assert "79% completed, 80% required Enrolled on" in text(self.client.get(LIST))

    def test_completed(self) -> None:
        self.enroll()
        for key, completion in ((self.python, 1), (self.statistics, 0.9), (self.learning, 0.5)):
            learn(self.ana, key, completion)
        page = self.client.get(LIST)
        assert "80% completed, 80% required Completed Enrolled on" in text(page)
        assert "Next course" not in text(page)

    def test_the_next_course_is_unknown_to_the_platform(self) -> None:
        path = make_path("path-v1:DemoX+OLD+2026", display_name="Old")
        path.steps.create(course_key="course-v1:DemoX+GONE+2026")
        self.enroll(path=path)
        page = self.client.get(LIST)
        assert "Next course: course-v1:DemoX+GONE+2026 This course is not available at the moment." in text(page)

    @ddt.data(
        ("science", ["Data Science"]),
        ("  SCIENCE   data ", ["Data Science"]),
        ("pandas", ["Data Science"]),
        ("DemoX web", ["Web Basics"]),
        ("science web", []),
        ("security", []),
        ("%", []),
    )
    @ddt.unpack
    def test_search(self, words: str, found: list[str]) -> None:
        make_path("path-v1:DemoX+WEB+2026", display_name="Web Basics")
        AcquiredSkill.objects.create(learning_path=self.path, skill=Skill.objects.create(display_name="Pandas"))
        page = self.client.get(LIST, {"search": words})
        assert names(page.context["page"].more) == found
        if not found:
            assert "No other learning path has" in text(page)

    def test_search_looks_at_her_own_paths_too(self) -> None:
        self.enroll()
        assert names(self.client.get(LIST, {"search": "data"}).context["page"].own) == ["Data Science"]
        assert names(self.client.get(LIST, {"search": "web"}).context["page"].own) == []

    @ddt.data({"search": "a " * 5000}, {"search": "\x00"}, {"search": "\ud800".encode("utf-8", "surrogatepass")})
    def test_any_words_will_do(self, query: dict[str, str]) -> None:
        assert self.client.get(LIST, query).status_code == 200

    @ddt.data("0", "-1", "x", "", "9" * 40, "1.5", "²")
    def test_a_page_that_is_no_number_is_the_first(self, number: str) -> None:
        page = self.client.get(LIST, {"page": number})
        assert names(page.context["page"].more) == ["Data Science"]

    def test_pages_of_twenty(self) -> None:
        for number in range(40):
            make_path(f"path-v1:DemoX+P{number:02}+2026", display_name=f"A path {number:02}")
        first = self.client.get(LIST, {"search": "path-v1"})
        assert names(first.context["page"].more) == [f"A path {number:02}" for number in range(20)]
        self.assertContains(first, 'rel="next" href="?search=path-v1&amp;page=2#lp-more"')
        self.assertNotContains(first, 'rel="prev"')
        second = self.client.get(LIST, {"search": "path-v1", "page": "2"})
        assert len(second.context["page"].more) == 20
        self.assertContains(second, 'rel="prev" href="?search=path-v1&amp;page=1#lp-more"')
        third = self.client.get(LIST, {"page": "3"})
        assert names(third.context["page"].more) == ["Data Science"]
        self.assertNotContains(third, 'rel="next"')
        beyond = self.client.get(LIST, {"page": "4"})
        assert "There are no learning paths on this page. Go to the first page" in text(beyond)

    def test_nothing_there(self) -> None:
        assert "not enrolled in any learning path yet. Choose one below" in text(self.client.get(LIST))
        self.path.delete()
        assert "none is open at the moment" in text(self.client.get(LIST))
        path = make_path("path-v1:DemoX+WEB+2026", display_name="Web Basics")
        self.enroll(path=path)
        assert "You are enrolled in every learning path that is open to you." in text(self.client.get(LIST))

    def test_the_number_of_queries_does_not_grow(self) -> None:
        def add(count: int, prefix: str) -> None:
            for number in range(count):
                own = make_path(f"path-v1:DemoX+{prefix}OWN{number}+2026")
                make_steps(own, make_course(f"{prefix}{number}"), self.python)
                self.enroll(path=own)
                make_steps(make_path(f"path-v1:DemoX+{prefix}MORE{number}+2026"), self.statistics, self.learning)

        add(1, "A")
        # the session, the user, two for the savepoint; her paths, the others, their steps; completions, runs, courses
        assert self.count_queries(LIST) == 10
        add(29, "B")
        assert self.count_queries(LIST) == 10
        assert len(self.client.get(LIST).context["page"].own) == 30


class EscapingTests(PageTestCase):
    """Whatever anybody wrote is text."""

    def test_names_descriptions_and_words(self) -> None:
        nasty = "<script>alert('x')</script><img src=x onerror=alert(1)>"
        make_course("XSS", nasty)
        path = make_path(
            "path-v1:DemoX+XSS+2026",
            display_name=nasty,
            subtitle=nasty,
            description=f"{nasty}\n\nhttp://example.com",
            duration=nasty,
            time_commitment=nasty,
        )
        make_steps(path, make_course("XSS2", nasty))
        skill = Skill.objects.create(display_name=nasty)
        AcquiredSkill.objects.create(learning_path=path, skill=skill)
        path.requiredskill_set.create(skill=skill)
        for enrolled in (False, True):
            if enrolled:
                self.post("enroll", path)
            with override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True):
                addresses = [LIST, f"{LIST}?search=%3Cscript%3E", url("path", path), url("unenroll", path)]
                for address in addresses:
                    page = self.client.get(address, follow=True)
                    assert page.status_code == 200
                    self.assertNotContains(page, "<script>")
                    self.assertNotContains(page, "<img")

    def test_paragraphs_of_a_description(self) -> None:
        self.path.description = "First one.\nStill the first.\n\nThe second & last."
        self.path.save()
        page = self.client.get(url("path", self.path))
        self.assertContains(page, "<p>First one.<br>Still the first.</p>\n\n<p>The second &amp; last.</p>")


class PercentTests(SimpleTestCase):
    """Percentages as the reader writes them."""

    def test_languages(self) -> None:
        assert (percent(0), percent(0.4), percent(0.075), percent(1)) == ("0%", "40%", "7.5%", "100%")
        with translation.override("de"):
            assert percent(0.075) == "7,5%"

    def test_tenths_do_not_lose_anything(self) -> None:
        assert Measure(0.29, 0.58, is_enough=False).reached == "29%"
        assert Measure(0.1 + 0.7 - 0.5, 0.58, is_enough=False).reached == "30%"
        assert Measure(0.5, 0.58, is_enough=False).asked_for == "58%"
