"""What stands in `lms/envs/production.py`: the operator's settings, and at last the values of the derived ones."""

from __future__ import annotations

from edx_django_utils.plugins import add_plugins

from tests.lms_host.common import *  # noqa: F403
from tests.lms_host.derived import derive_settings

LEARNING_PATHS_BULK_SYNC_LIMIT = 500

add_plugins(__name__, "lms.djangoapp", "production")

derive_settings(__name__)
