"""The page of one path."""

from __future__ import annotations

from datetime import timedelta

import ddt
from django.contrib.auth.models import Permission
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from learning_paths import api
from learning_paths.models import AcquiredSkill, LearningPath, RequiredSkill, Skill
from tests.factories import make_path, make_staff
from tests.pages.base import LIST, PageTestCase, learn, make_course, make_steps, text, url


@ddt.ddt
class PathPageTests(PageTestCase):
    """What Ana reads there."""

    def test_what_the_path_is(self) -> None:
        LearningPath.objects.filter(pk=self.path.pk).update(
            subtitle="From Python to models.",
            description="Three courses.",
            level="beginner",
            duration="9 months",
            time_commitment="4 hours a week",
            sequential=True,
        )
        for model, name, level in ((RequiredSkill, "Algebra", None), (AcquiredSkill, "Statistics skills", 2)):
            model.objects.create(learning_path=self.path, skill=Skill.objects.create(display_name=name), level=level)
        page = text(self.client.get(url("path", self.path)))
        for piece in (
            "From Python to models. 3 courses Beginner Duration: 9 months Time commitment: 4 hours a week",
            "About this learning path Three courses.",
            "The courses are meant to be taken in this order.",
            "Skills you learn Statistics skills (level 2)",
            "Skills you should have Algebra",
            "Enroll to start the courses from here",
        ):
            assert piece in page
        assert "Start :" not in page
        assert "completed" not in page

    def test_the_steps_in_their_order_with_their_dates(self) -> None:
        old = make_course("OLD", "Old News", begins=-90, ends=-10)
        open_ended = make_course("OPEN", "Open End", ends=None)
        self.path.steps.create(course_key=old, order=4)
        self.path.steps.create(course_key=open_ended, order=0)
        self.path.steps.create(course_key="course-v1:DemoX+GONE+2026")

        def day(days: int) -> str:
            return date_format(timezone.now() + timedelta(days=days), "DATE_FORMAT")

        page = text(self.client.get(url("path", self.path)))
        assert (
            f"Open End Python Ends on {day(30)} Statistics Ends on {day(30)} Machine Learning Starts on {day(20)} "
            f"Old News Ended on {day(-10)} course-v1:DemoX+GONE+2026"
        ) in page
        assert "meant to be taken" not in page

    def test_progress_grade_and_the_next_course(self) -> None:
        self.enroll()
        learn(self.ana, self.python, 1, grade=0.9)
        api.enroll_user_in_course(self.ana, self.python, acting_user=None)
        learn(self.ana, self.statistics, 0.5)
        page = text(self.client.get(url("path", self.path)))
        for piece in (
            "50% completed, 80% required Grade: 30%, 75% required Next course: Statistics Start : Statistics",
            "100% completed Grade: 90% Completed Continue : Python",
            "50% completed Next Start : Statistics",
            "0% completed Start : Machine Learning",
        ):
            assert piece in page
        assert "Passed" not in page
        assert "Unenroll" not in page

    def test_completed_and_passed(self) -> None:
        self.enroll()
        for key in (self.python, self.statistics, self.learning):
            learn(self.ana, key, 1, grade=0.75)
        page = text(self.client.get(url("path", self.path)))
        assert "100% completed, 80% required Completed Grade: 75%, 75% required Passed Enrolled on" in page

    def test_without_courses(self) -> None:
        empty = make_path("path-v1:DemoX+EMPTY+2026", sequential=True)
        self.enroll(path=empty)
        page = text(self.client.get(url("path", empty)))
        assert "There are no courses in this learning path yet." in page
        assert "0% completed, 80% required Enrolled on" in page
        assert "meant to be taken" not in page

    def test_what_she_may_not_see_is_not_there(self) -> None:
        assert self.client.get(url("path", self.invite_only)).status_code == 404
        self.enroll(path=self.invite_only)
        assert self.client.get(url("path", self.invite_only)).status_code == 200

    @ddt.data("path-v1:DemoX+NONE+2026", "nonsense", "path-v1:demox+ds101+2026", "a/b", "é\n", "%00", "..")
    def test_what_is_not_there(self, key: str) -> None:
        assert self.client.get(reverse("learning_paths:learner-path", args=[key])).status_code == 404

    def test_the_address_without_the_last_slash(self) -> None:
        self.assertRedirects(self.client.get(url("path", self.path)[:-1]), url("path", self.path), 301)
        self.assertRedirects(self.client.get(LIST[:-1]), LIST, 301)

    def test_who_may_edit_it_is_led_to_the_admin(self) -> None:
        edit = reverse("admin:learning_paths_learningpath_change", args=[self.path.pk])
        vera = make_staff("vera")
        vera.user_permissions.add(Permission.objects.get(codename="change_learningpath"))
        una = make_staff("una", is_superuser=True)
        for user, sees in ((self.ana, False), (self.sam, False), (vera, True), (una, True)):
            with self.subTest(user=user.username):
                self.client.force_login(user)
                page = self.client.get(url("path", self.path))
                assert ("Edit in the admin" in text(page), edit in page.content.decode()) == (sees, sees)

    @override_settings(ROOT_URLCONF="tests.pages.urls_without_admin")
    def test_a_site_without_the_admin(self) -> None:
        self.client.force_login(make_staff("una", is_superuser=True))
        page = self.client.get(url("path", self.path))
        assert page.status_code == 200
        assert "Edit in the admin" not in text(page)

    def test_the_number_of_queries_does_not_grow(self) -> None:
        self.enroll()
        one = make_path("path-v1:DemoX+ONE+2026")
        make_steps(one, self.python)
        self.enroll(path=one)
        # the session, the user, two for the savepoint; the path, its steps, its skills twice; runs, courses,
        # completions, grades
        assert self.count_queries(url("path", one)) == 12
        for number in range(29):
            one.steps.create(course_key=make_course(f"N{number}"))
            skill = Skill.objects.create(display_name=f"Skill {number}")
            one.acquiredskill_set.create(skill=skill)
            one.requiredskill_set.create(skill=skill)
        assert self.count_queries(url("path", one)) == 12
        api.unenroll(self.ana, one, acting_user=None)
        assert self.count_queries(url("path", one)) == 10
