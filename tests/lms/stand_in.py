"""
A stand-in for edx-platform, which cannot be installed here: made-up modules around models with tables of their own.

The models have the columns and the key fields of the real ones, as far as they are touched, so that every query runs in
the database that the tests run on. What they do, and raise, is what ADR 0007 says of the real ones. Whether the real
modules are where they are expected is not tested.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from django.apps.registry import Apps
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import timezone
from edx_django_utils.cache import RequestCache
from opaque_keys.edx.django.models import CourseKeyField
from opaque_keys.edx.keys import CourseKey

REGISTRY = Apps()  # no app of this project has these models
REGISTRY.register_model("auth", User)


class NonExistentCourseError(Exception):
    """Of `common.djangoapps.student.models`, as are the next four."""


class EnrollmentClosedError(Exception):
    """Raised with `check_access` only."""


class CourseFullError(Exception):
    """Raised with `check_access` only."""


class AlreadyEnrolledError(Exception):
    """Raised with `check_access` only."""


class EnrollmentNotAllowed(Exception):
    """A step of the filter `CourseEnrollmentStarted` said no. Raised with and without `check_access`."""


class CourseModeNotFoundError(Exception):
    """Of `openedx.core.djangoapps.enrollments.errors`."""


class CourseNotFoundError(ObjectDoesNotExist):
    """Of `openedx.core.lib.exceptions`."""


class ItemNotFoundError(Exception):
    """Of `xmodule.modulestore.exceptions`: there is no such block, and so no such course."""


class RelatedObjectDoesNotExist(ObjectDoesNotExist, AttributeError):
    """What `user.profile` raises where there is none."""


class Behavior:
    """What a test makes of the platform, and what the platform did. `reset` between tests."""

    modes: ClassVar[dict[CourseKey, list[str]]] = {}
    refused: ClassVar[set[str]] = set()
    without_profile: ClassVar[set[str]] = set()
    events: ClassVar[list[str]] = []

    @classmethod
    def reset(cls) -> None:
        for each in (cls.modes, cls.refused, cls.without_profile, cls.events):
            each.clear()
        RequestCache.clear_all_namespaces()


class CourseOverview(models.Model):
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    display_name = models.TextField(null=True)  # noqa: DJ001 (as in the platform)
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    enrollment_start = models.DateTimeField(null=True)
    enrollment_end = models.DateTimeField(null=True)
    invitation_only = models.BooleanField(default=False)
    max_student_enrollments_allowed = models.IntegerField(null=True)

    objects: ClassVar[models.Manager[CourseOverview]] = models.Manager()

    class Meta:
        app_label = "course_overviews"
        apps = REGISTRY

    def __str__(self) -> str:
        return str(self.id)

    @classmethod
    def get_from_id(cls, course_id: CourseKey) -> CourseOverview:
        """Compare as the database does, and load the course where there is no overview, which may fail."""
        if course_id.course == "BROKEN":
            raise OSError("Error while loading CourseOverview")
        if course_id.course == "GONE":
            raise ItemNotFoundError(course_id)
        return cls.objects.get(id__iexact=course_id)


class CourseMode(models.Model):
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    course_id: CourseKey
    mode_slug = models.CharField(max_length=100)
    currency = models.CharField(default="usd", max_length=8)
    _expiration_datetime = models.DateTimeField(default=None, null=True, blank=True, db_column="expiration_datetime")

    objects: ClassVar[models.Manager[CourseMode]] = models.Manager()

    class Meta:
        app_label = "course_modes"
        apps = REGISTRY
        unique_together = ("course", "mode_slug", "currency")

    def __str__(self) -> str:
        return f"{self.course_id}: {self.mode_slug}"


class CourseEnrollment(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING, related_name="+")
    course_id: CourseKey
    created = models.DateTimeField(auto_now_add=True, null=True)
    is_active = models.BooleanField(default=True)
    mode = models.CharField(default="audit", max_length=100)

    objects: ClassVar[models.Manager[CourseEnrollment]] = models.Manager()

    MODE_CACHE_NAMESPACE = "CourseEnrollment.mode_and_active"

    class Meta:
        app_label = "student"
        apps = REGISTRY
        unique_together = [("user", "course")]
        ordering = ["user", "course"]

    def __str__(self) -> str:
        return f"{self.user}: {self.course_id}"

    @classmethod
    def enroll(
        cls, user: User, course_key: CourseKey, mode: str | None = None, check_access: bool = False, **options: Any
    ) -> CourseEnrollment:
        if user.username in Behavior.refused:
            raise EnrollmentNotAllowed("Not in this organization.")
        overview = CourseOverview.get_from_id(course_key)
        if check_access:
            cls._check(user, overview)
            if cls._is_enrolled(user, course_key):
                raise AlreadyEnrolledError
        enrollment, _ = cls.objects.get_or_create(
            user=user, course_id=course_key, defaults={"mode": "audit", "is_active": False}
        )
        CourseEnrollmentAllowed.objects.filter(email=user.email, course_id=course_key, user=None).update(user=user)
        enrollment.update_enrollment(mode=mode, is_active=True)
        Behavior.events.append("created")
        return enrollment

    def update_enrollment(self, mode: str | None = None, is_active: bool | None = None) -> None:
        RequestCache("get_enrollment").clear()
        before = (self.is_active, self.mode)
        self.is_active = self.is_active if is_active is None else is_active
        self.mode = mode or self.mode
        if before != (self.is_active, self.mode):
            self.save()
            self.remember(self.user, self.course_id, is_active=self.is_active)
            if self.user.username in Behavior.without_profile:
                raise RelatedObjectDoesNotExist("User has no profile.")
            Behavior.events.append("changed")

    @classmethod
    def remember(cls, user: User, course_key: CourseKey, *, is_active: bool) -> None:
        RequestCache(cls.MODE_CACHE_NAMESPACE).set((user.pk, course_key), is_active)

    @classmethod
    def _is_enrolled(cls, user: User, course_key: CourseKey) -> bool:
        remembered = RequestCache(cls.MODE_CACHE_NAMESPACE).get_cached_response((user.pk, course_key))
        if remembered.is_found:
            return bool(remembered.value)
        return cls.objects.filter(user=user, course_id=course_key, is_active=True).exists()

    @classmethod
    def _check(cls, user: User, overview: CourseOverview) -> None:
        now = timezone.now()
        is_open = not overview.invitation_only and (
            (overview.enrollment_start or now) <= now <= (overview.enrollment_end or now)
        )
        if not is_open and not CourseEnrollmentAllowed.for_user(user).filter(course_id=overview.id).exists():
            raise EnrollmentClosedError
        room = overview.max_student_enrollments_allowed
        if room is not None and cls.objects.filter(course=overview, is_active=True).count() >= room:
            raise CourseFullError


class CourseEnrollmentAllowed(models.Model):
    email = models.CharField(max_length=255, db_index=True)
    course_id = CourseKeyField(max_length=255, db_index=True)
    auto_enroll = models.BooleanField(default=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[models.Manager[CourseEnrollmentAllowed]] = models.Manager()

    class Meta:
        app_label = "student"
        apps = REGISTRY
        unique_together = [("email", "course_id")]

    def __str__(self) -> str:
        return f"{self.email}: {self.course_id}"

    @classmethod
    def for_user(cls, user: User) -> models.QuerySet[CourseEnrollmentAllowed]:
        return cls.objects.filter(models.Q(user=None) | models.Q(user=user), email=user.email)


class ManualEnrollmentAudit(models.Model):
    enrollment = models.ForeignKey(CourseEnrollment, null=True, on_delete=models.CASCADE, related_name="+")
    enrolled_by = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    enrolled_email = models.CharField(max_length=255, db_index=True)
    state_transition = models.CharField(max_length=255)
    reason = models.TextField(null=True)  # noqa: DJ001 (as in the platform)

    objects: ClassVar[models.Manager[ManualEnrollmentAudit]] = models.Manager()

    class Meta:
        app_label = "student"
        apps = REGISTRY

    def __str__(self) -> str:
        return f"{self.enrolled_email}: {self.state_transition}"

    @classmethod
    def create_manual_enrollment_audit(
        cls,
        user: User,
        email: str,
        state_transition: str,
        reason: str,
        enrollment: CourseEnrollment | None = None,
        role: str | None = None,
    ) -> ManualEnrollmentAudit:
        return cls.objects.create(
            enrolled_by=user,
            enrolled_email=email,
            state_transition=state_transition,
            reason=reason,
            enrollment=enrollment,
        )


MODELS: list[type[models.Model]] = [
    CourseOverview,
    CourseMode,
    CourseEnrollment,
    CourseEnrollmentAllowed,
    ManualEnrollmentAudit,
]


def default_course_mode(course_id: str) -> str:
    """Audit, or honor where there is honor and no audit; audit where there is neither."""
    modes = Behavior.modes.get(CourseKey.from_string(course_id), ["audit"])
    return "honor" if "honor" in modes and "audit" not in modes else "audit"


def validate_course_mode(
    course_id: str, mode: str, is_active: bool | None = None, include_expired: bool = False
) -> None:
    key = CourseKey.from_string(course_id)
    try:
        CourseOverview.get_from_id(key)
    except CourseOverview.DoesNotExist:
        raise CourseNotFoundError from None
    if mode not in Behavior.modes.get(key, ["audit"]):
        raise CourseModeNotFoundError


class UserPreference(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255, db_index=True)
    value = models.TextField()

    objects: ClassVar[models.Manager[UserPreference]] = models.Manager()

    class Meta:
        app_label = "user_api"
        apps = REGISTRY
        unique_together = ("user", "key")

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


def platform_module(name: str, **attributes: object) -> dict[str, ModuleType]:
    """Return what to put in `sys.modules` for a module of the platform: itself and the packages around it."""
    module = ModuleType(name)
    vars(module).update(attributes)
    modules = {name: module}
    while "." in name:
        name, _, child = name.rpartition(".")
        modules[name] = ModuleType(name)
        setattr(modules[name], child, module)
        module = modules[name]
    return modules


def platform_modules() -> dict[str, ModuleType]:
    """Return what to put in `sys.modules` for everything that courses and enrollments take."""
    student = {
        each.__name__: each
        for each in (
            AlreadyEnrolledError,
            CourseEnrollment,
            CourseEnrollmentAllowed,
            CourseFullError,
            EnrollmentClosedError,
            EnrollmentNotAllowed,
            ManualEnrollmentAudit,
            NonExistentCourseError,
        )
    }
    enrollments = "openedx.core.djangoapps.enrollments"
    return {
        **platform_module("common.djangoapps.student.models", **student),
        **platform_module("common.djangoapps.course_modes.models", CourseMode=CourseMode),
        **platform_module("openedx.core.djangoapps.content.course_overviews.models", CourseOverview=CourseOverview),
        **platform_module(f"{enrollments}.errors", CourseModeNotFoundError=CourseModeNotFoundError),
        **platform_module(
            f"{enrollments}.api", _default_course_mode=default_course_mode, validate_course_mode=validate_course_mode
        ),
        **platform_module("openedx.core.lib.exceptions", CourseNotFoundError=CourseNotFoundError),
        **platform_module("xmodule.modulestore.exceptions", ItemNotFoundError=ItemNotFoundError),
    }
