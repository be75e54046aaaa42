"""How the LMS finds and configures the plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from edx_django_utils.plugins import PluginSettings, PluginSignals, PluginURLs


class LearningPathsConfig(AppConfig):
    """The plugin as a Django app. The receivers are connected through ``plugin_app``, as the LMS does it."""

    name = "learning_paths"
    verbose_name = _("Learning paths")
    default_auto_field = "django.db.models.AutoField"

    plugin_app: ClassVar[dict[str, Any]] = {
        PluginURLs.CONFIG: {
            "lms.djangoapp": {
                PluginURLs.NAMESPACE: "learning_paths",
                PluginURLs.REGEX: "",
                PluginURLs.RELATIVE_PATH: "urls",
            },
        },
        PluginSettings.CONFIG: {
            "lms.djangoapp": {
                "common": {PluginSettings.RELATIVE_PATH: "settings"},
            },
        },
        PluginSignals.CONFIG: {
            "lms.djangoapp": {
                PluginSignals.RELATIVE_PATH: "receivers",
                PluginSignals.RECEIVERS: [
                    {
                        PluginSignals.RECEIVER_FUNC_NAME: "claim_invitations_of_saved_user",
                        PluginSignals.SIGNAL_PATH: "django.db.models.signals.post_save",
                        PluginSignals.SENDER_PATH: "django.contrib.auth.models.User",
                    },
                    {
                        PluginSignals.RECEIVER_FUNC_NAME: "keep_rows_of_deleted_path",
                        PluginSignals.SIGNAL_PATH: "django.db.models.signals.pre_delete",
                        PluginSignals.SENDER_PATH: "learning_paths.models.LearningPath",
                    },
                    {
                        PluginSignals.RECEIVER_FUNC_NAME: "enroll_in_waiting_steps",
                        PluginSignals.SIGNAL_PATH: "learning_paths.signals.step_enrollments_waiting",
                    },
                ],
            },
        },
    }

    def ready(self) -> None:
        """Register the system checks."""
        from learning_paths import checks  # noqa: F401 - importing it registers the checks
