"""The boundary to whoever grants licenses: what the plugin asks about them, it asks of `get_license_backend()`."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from learning_paths.licensing.asking import still_asking
from learning_paths.licensing.base import ContentKey, LicenseBackend, LicenseHolder, PlanData

__all__ = ["ContentKey", "LicenseBackend", "LicenseHolder", "PlanData", "get_license_backend", "still_asking"]


def get_license_backend() -> LicenseBackend:
    """
    Return the object that answers for licenses, of the class that `LEARNING_PATHS_LICENSE_BACKEND` names.

    It is made once for each dotted path, so a test may override the setting. That the class keeps to the protocol is
    left to the system check.

    Raises:
        ImportError: the setting names nothing that can be imported.
    """
    return _load(settings.LEARNING_PATHS_LICENSE_BACKEND)


@cache
def _load(dotted_path: str) -> LicenseBackend:
    backend: LicenseBackend = import_string(dotted_path)()
    return backend
