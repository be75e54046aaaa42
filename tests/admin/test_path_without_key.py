"""A path without a key, which an older site may have, breaks no page, and can be given one."""

from __future__ import annotations

import ddt
from django.urls import reverse

from learning_paths import api
from learning_paths.models import LearningPath
from tests.admin.base import AdminTestCase, admin_url, errors
from tests.admin.test_learning_path_admin import path_form
from tests.factories import make_path, make_user
from tests.models.test_key_fields import without_key


@ddt.ddt
class PathWithoutKeyTests(AdminTestCase):
    """It stands beside one with a key."""

    def setUp(self) -> None:
        super().setUp()
        self.path = without_key(display_name="Keyless")
        self.other = make_path(display_name="Other")
        self.ana = make_user("ana")

    def test_the_list_shows_both_and_filters(self) -> None:
        for query in ("", "?org=demox", "?q=keyless", "?org="):
            assert self.client.get(admin_url("learningpath", "changelist") + query).status_code == 200
        page = self.client.get(admin_url("learningpath", "changelist"))
        self.assertContains(page, "Keyless")
        self.assertContains(page, "Other")

    @ddt.data("change", "history", "delete", "duplicate")
    def test_its_own_pages(self, name: str) -> None:
        assert self.client.get(admin_url("learningpath", name, self.path.pk)).status_code == 200

    def test_it_can_be_given_a_key_and_then_keeps_it(self) -> None:
        change = admin_url("learningpath", "change", self.path.pk)
        response = self.client.post(change, path_form(key=""))
        assert list(errors(response)) == ["key"]
        assert self.client.post(change, path_form(key="path-v1:DemoX+NEW+2026")).status_code == 302
        assert str(LearningPath.objects.get(pk=self.path.pk).key) == "path-v1:DemoX+NEW+2026"
        assert self.client.post(change, path_form(key="path-v1:DemoX+OTHER+2026")).status_code == 302
        assert str(LearningPath.objects.get(pk=self.path.pk).key) == "path-v1:DemoX+NEW+2026"

    def test_learners_of_it_are_listed(self) -> None:
        api.enroll(self.ana, self.path, acting_user=self.sam)
        for name in ("learningpathenrollment", "manualenrollmentaudit", "learningpathenrollmentallowed"):
            assert self.client.get(admin_url(name, "changelist")).status_code == 200
        assert self.client.get(reverse("learning_paths:enrollment-list")).status_code == 200

    @ddt.data("ana", "sam")
    def test_the_catalog_and_the_pages_of_learners(self, username: str) -> None:
        api.enroll(self.ana, self.path, acting_user=self.sam)
        self.client.force_login(self.ana if username == "ana" else self.sam)
        for address in (
            "/api/learning_paths/v1/learning-paths/",
            "/api/learning_paths/v1/programs/",
            "/api/learning_paths/v1/enrollments/",
            "/api/v1/enrollment/",
            "/learning_paths/",
        ):
            response = self.client.get(address)
            assert response.status_code == 200, address
            if "enrollment" not in address:
                self.assertContains(response, "Other")
                self.assertNotContains(response, "Keyless")

    def test_choosing_it(self) -> None:
        autocomplete = reverse("admin:autocomplete")
        query = {"app_label": "learning_paths", "model_name": "learningpathenrollment", "field_name": "learning_path"}
        assert self.client.get(autocomplete, {**query, "term": "Keyless"}).status_code == 200

    @ddt.data(
        "key=junk", "key__exact=junk", "key__in=junk,x", "key__iexact=%00", "key__gt=5", "learning_path__key=junk"
    )
    def test_junk_in_the_address(self, query: str) -> None:
        for name in ("learningpath", "learningpathenrollment", "learningpathenrollmentallowed", "bulkenrollmentjob"):
            response = self.client.get(f"{admin_url(name, 'changelist')}?{query}")
            assert response.status_code in (200, 302, 400), (name, query)
