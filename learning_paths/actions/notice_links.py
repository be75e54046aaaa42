"""
Where the links of the e-mails to learners lead: whole addresses, or nothing where the site does not know them.

They are put together as text. The addresses of the LMS and of the micro-frontend are known in no other way here, and to
look ours up would have each worker load all addresses of the LMS.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from learning_paths.keys import LearningPathKey

PATHS_PAGE = "/learning_paths/"

IN_A_SEGMENT = "!$&'()*+,;=~:@/"
"""What may stand in the path of an address as it is."""


def lms_url(path: str) -> str:
    """Return the address of a page of the LMS; nothing where the site does not say where its LMS is."""
    root: str = getattr(settings, "LMS_ROOT_URL", None) or ""
    return f"{root.rstrip('/')}{path}" if root else ""


def item_url(key: LearningPathKey | CourseKey, *, is_in: bool) -> str:
    """
    Return the page of a path or course run.

    Who is not enrolled in a course run is led to the page about it, which is public. The page of a path asks to log in.
    """
    if isinstance(key, CourseKey):
        return lms_url(f"/courses/{key}/{'course/' if is_in else 'about'}")
    return path_url(key)


def path_url(key: LearningPathKey) -> str:
    """Return the page of a path: the micro-frontend's, or ours; nothing where there is neither."""
    quoted = quote(str(key), safe=IN_A_SEGMENT)
    if microfrontend := _microfrontend():
        return f"{microfrontend}/learningpath/{quoted}"
    return lms_url(f"{PATHS_PAGE}{quoted}/") if settings.LEARNING_PATHS_LEARNER_PAGES else ""


def paths_url() -> str:
    """Return the page with the learner's paths, in the same way."""
    if microfrontend := _microfrontend():
        return f"{microfrontend}/"
    return lms_url(PATHS_PAGE) if settings.LEARNING_PATHS_LEARNER_PAGES else ""


def register_url(*, for_paths: bool) -> str:
    """
    Return where to register.

    Arguments:
        for_paths: whether to go on to the learner's paths, from where each is found once the account is activated. The
            page of an invite-only path is not there for anybody before.
    """
    url = lms_url("/register")
    goal = (_microfrontend() and paths_url()) or (settings.LEARNING_PATHS_LEARNER_PAGES and PATHS_PAGE)
    return f"{url}?{urlencode({'next': goal})}" if url and for_paths and goal else url


def _microfrontend() -> str:
    url: str | None = settings.LEARNING_PATHS_MICROFRONTEND_URL
    return url.rstrip("/") if url else ""
