"""The plugin is found and wired by the machinery that the LMS uses."""

from __future__ import annotations

from importlib.metadata import entry_points

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.signals import post_save
from django.test import SimpleTestCase
from django.urls import reverse
from edx_django_utils.plugins import get_plugin_apps
from opaque_keys.edx.keys import LearningContextKey

from learning_paths.keys import LearningPathKey


class PluginTests(SimpleTestCase):
    """Entry points, URLs and the receiver."""

    def test_entry_points(self) -> None:
        [app] = entry_points(group="lms.djangoapp", name="learning_paths")
        assert app.value == "learning_paths.apps:LearningPathsConfig"
        [key] = entry_points(group="context_key", name="path-v1")
        assert key.load() is LearningPathKey
        assert issubclass(LearningPathKey, LearningContextKey)

    def test_the_app_comes_from_the_plugin_machinery(self) -> None:
        assert "learning_paths.apps.LearningPathsConfig" in get_plugin_apps("lms.djangoapp")

    def test_urls(self) -> None:
        assert reverse("learning_paths:schema") == "/api/learning_paths/schema"
        assert (
            reverse("learning_paths:learning-path-enrollment", args=["path-v1:DemoX+DS101+2026"])
            == "/api/v1/learning-path-enrollment/path-v1:DemoX+DS101+2026"
        )
        assert reverse("learning_paths:learner-paths") == "/learning_paths/"
        path = "/learning_paths/path-v1:DemoX+DS101+2026/"
        assert reverse("learning_paths:learner-path", args=["path-v1:DemoX+DS101+2026"]) == path

    def test_the_receiver_is_connected_once_to_the_user_model(self) -> None:
        uid = "learning_paths.receivers.claim_invitations_of_saved_user"
        connected = [lookup_key for lookup_key, *_ in post_save.receivers if lookup_key[0] == uid]
        assert connected == [(uid, id(User))]


class UserTests(SimpleTestCase):
    """What the plugin adds to the platform's users."""

    def test_no_name_is_taken_that_a_model_of_the_platform_has(self) -> None:
        """Django refuses to start where two models have the same reverse accessor, by default that of their name."""
        ours = list(apps.get_app_config("learning_paths").get_models())
        relations = [field for field in User._meta.get_fields() if isinstance(field, ForeignObjectRel)]
        assert {relation.get_accessor_name() for relation in relations if relation.related_model in ours} == {
            "learningpath_set",
            "learningpathenrollment_set",
            "learningpathenrollmentallowed_set",
        }
