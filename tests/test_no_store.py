"""No cache may keep what names people: neither a proxy, nor the browser of a computer that several share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ddt
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from learning_paths import api
from learning_paths.models import LearningPath, LearningPathEnrollment, Skill, StepEnrollment
from sandbox.accounts.tokens import activation_url
from tests.factories import make_path, make_plan, make_staff, make_user
from tests.pages.base import make_course

ALIKE_FOR_EVERYBODY = {"schema", "/register", "/dashboard", "/courses", "/media"}
"""What names nobody and may be kept. Those with a slash have no name; they lead on, or are pictures."""
Route = tuple[str, str, list[str]]


def routes(resolver: URLResolver, prefix: str = "", namespace: str = "") -> Iterator[Route]:
    """Yield each route of the site: its name, a template of its address, and what that is to be filled with."""
    for pattern in resolver.url_patterns:
        template, names = normalize(pattern.pattern.regex.pattern)[0]
        if isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or '/' + template.split('/')[0]}", prefix + template, names
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern, prefix + template, inner)


def is_ours(name: str) -> bool:
    """Return whether the route is one of the plugin or the sandbox, rather than of Django, DRF or the users' admin."""
    if name.startswith(("admin:", "rest_framework:")):
        return name.startswith("admin:learning_paths_")
    return name != "logout"


ROUTES = {
    f"{name} {template}": (name, template, names) for name, template, names in routes(get_resolver()) if is_ours(name)
}


@ddt.ddt
class NoStoreTests(TestCase):
    """Each route of the plugin, of its admin and of the sandbox, as a superuser sees it."""

    sam: User
    path: LearningPath

    @classmethod
    def setUpTestData(cls) -> None:
        cls.sam, ana = make_staff("sam", is_superuser=True), make_user("ana")
        cls.path = make_path()
        cls.path.steps.create(course_key=make_course("PY101"), order=1)
        Skill.objects.create(display_name="Python")
        api.enroll(ana, cls.path, acting_user=cls.sam)
        api.enroll(cls.sam, cls.path, acting_user=cls.sam)
        enrollment = LearningPathEnrollment.objects.get(user=ana)
        StepEnrollment.objects.get_or_create(enrollment=enrollment, course_key=make_course("ML101"))
        api.invite("new@example.com", cls.path, acting_user=cls.sam)
        api.assign_licenses(make_plan(), api.parse_text("ana@example.com"), acting_user=cls.sam)
        api.draft_bulk_job(api.prepare_bulk("ana@example.com", [cls.path.key]), acting_user=cls.sam)

    def setUp(self) -> None:
        self.client.force_login(self.sam)

    @override_settings(LEARNING_PATHS_ALLOW_SELF_UNENROLLMENT=True)
    @ddt.data(*ROUTES)
    def test_the_answer_is_not_to_be_kept(self, route: str) -> None:
        name, template, names = ROUTES[route]
        address = "/" + template % {parameter: self._value(name, parameter) for parameter in names}
        for method in ("get", "post", "delete"):
            with self.subTest(address=address, method=method):
                with transaction.atomic():
                    self.client.force_login(self.sam)
                    response: Any = getattr(self.client, method)(address)
                kept = response.headers.get("Cache-Control", "")
                if response.status_code in (403, 404) and b"<title>" in response.content:
                    continue  # Django's own page for it, which names nobody
                if name.removeprefix("learning_paths:") in ALIKE_FOR_EVERYBODY:
                    assert "no-store" not in kept, "Take it from the list."
                else:
                    assert {"no-store", "private"} <= set(kept.split(", ")), (response.status_code, kept)

    @ddt.data(
        "/api/v1/enrollment/",
        "/api/v1/bulk-enrollment-jobs/",
        "/api/learning_paths/v1/enrollments/",
        "/api/learning_paths/v1/learning-paths/",
        "/learning_paths/",
        "/admin/learning_paths/learningpathenrollment/",
    )
    def test_neither_is_what_others_are_refused(self, address: str) -> None:
        self.client.logout()
        for user in (None, make_user("ben")):
            if user is not None:
                self.client.force_login(user)
            with transaction.atomic():
                response = self.client.get(address)
            assert "no-store" in response["Cache-Control"]

    def test_nor_a_download_that_is_sent_bit_by_bit(self) -> None:
        job = self._first("bulkenrollmentjob")
        for address in (
            f"/api/v1/bulk-enrollment-jobs/{job.uuid}/results.csv/",
            f"/admin/learning_paths/bulkenrollmentjob/{job.pk}/results.csv",
            f"/admin/learning_paths/bulkenrollmentjob/{job.pk}/undelivered.csv",
        ):
            response = self.client.get(address)
            assert response.streaming
            assert "no-store" in response["Cache-Control"]

    def _value(self, route: str, parameter: str) -> Any:
        """Return what stands in the address for a parameter, so that as much as possible is found."""
        if parameter in ("object_id", "_0", "_1"):
            found = self._first(route.split("_")[2])
            return found.history.first().pk if parameter == "_1" else found.pk
        if parameter in ("uid", "token"):
            uid, token = activation_url(make_user(f"ida-{parameter}", is_active=False)).split("/")[-3:-1]
            return {"uid": uid, "token": token}[parameter]
        values = {
            "learning_path_key": self.path.key,
            "uuid": self._first("bulkenrollmentjob").uuid,
            "course_key": "course-v1:DemoX+PY101+2026",
            "pk": self.path.pk,
        }
        return values.get(parameter, "x")

    def _first(self, model: str) -> Any:
        return apps.get_model("learning_paths", model)._default_manager.first()
