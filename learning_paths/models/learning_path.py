"""The learning path and what it is made of."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from learning_paths.keys import LearningPathKey, LearningPathKeyField, StoredCourseKeyField
from learning_paths.models.enrollment import LearningPathEnrollment, LearningPathEnrollmentAllowed
from learning_paths.models.image import OwnedImageField, random_name
from learning_paths.models.job import BulkEnrollmentJob

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class LearningPathQuerySet(models.QuerySet["LearningPath"]):
    """Reads over learning paths, and their deletion."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the paths as ``LearningPath.delete`` does each."""
        with transaction.atomic(using=self.db):
            hold_for_deletion(list(self.order_by().values_list("pk", flat=True)))
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]  # as Django marks its own
    delete.queryset_only = True  # type: ignore[attr-defined]  # or the manager would have it, and delete all

    def open_to(self, user: User, *, email: str | None) -> LearningPathQuerySet:
        """
        Return the paths that ``user``, who is not staff, may see.

        Those are the paths that are not invite-only, those in which the user is enrolled, and those to which
        ``email`` has a pending invitation (None: no invitation counts).
        """
        visible = models.Q(invite_only=False) | models.Q(
            models.Exists(
                LearningPathEnrollment.objects.filter(learning_path=models.OuterRef("pk"), user=user, is_active=True)
            )
        )
        if email:
            visible |= models.Q(
                models.Exists(
                    LearningPathEnrollmentAllowed.objects.pending_for(email).filter(learning_path=models.OuterRef("pk"))
                )
            )
        return self.filter(visible)

    def of_org(self, org: str) -> LearningPathQuerySet:
        """Return the paths whose key begins with this organization. Case does not matter, as for unique keys."""
        return self.filter(key__istartswith=f"{LearningPathKey.CANONICAL_NAMESPACE}:{org}{LearningPathKey.SEPARATOR}")

    def with_words(self, text: str) -> LearningPathQuerySet:
        """Return the paths that have each of the words in a text field, the key or an acquired skill. Ignores case."""
        paths = self
        for word in text.split():
            skills = AcquiredSkill.objects.filter(learning_path=models.OuterRef("pk"))
            found = models.Q(models.Exists(skills.filter(skill__display_name__icontains=word)))
            for field in ("display_name", "subtitle", "description", "key"):
                found |= models.Q(**{f"{field}__icontains": word})
            paths = paths.filter(found)
        return paths

    def with_enrollment_of(self, user: User | None) -> LearningPathQuerySet:
        """Let each path know in ``enrollment_date`` since when ``user`` is enrolled: None where that is not so."""
        enrollments = LearningPathEnrollment.objects.filter(
            learning_path=models.OuterRef("pk"), user=user, is_active=True
        )
        return self.annotate(enrollment_date=models.Subquery(enrollments.values("enrolled_at")))


class LearningPath(TimeStampedModel):
    """
    An ordered set of course runs that learners enroll in as one.

    .. no_pii:
    """

    class Level(models.TextChoices):
        """How much a path asks of its learners."""

        BEGINNER = "beginner", _("Beginner")
        INTERMEDIATE = "intermediate", _("Intermediate")
        ADVANCED = "advanced", _("Advanced")

    class CourseEnrollment(models.TextChoices):
        """In which of its course runs a path enrolls those who enroll in it."""

        NONE = "none", _("No course: learners enroll themselves")
        FIRST = "first", _("The first step")
        ALL = "all", _("All steps")

    key = LearningPathKeyField(
        max_length=255,
        unique=True,
        verbose_name=_("key"),
        help_text=_("Such as path-v1:Org+Number+Run or path-v1:Org+Number+Run+Group. It can't be changed later."),
    )
    uuid = models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name=_("UUID"))
    display_name = models.CharField(max_length=255, verbose_name=_("name"))
    subtitle = models.TextField(blank=True, verbose_name=_("subtitle"))
    description = models.TextField(blank=True, verbose_name=_("description"))
    image = OwnedImageField(
        upload_to=random_name,
        blank=True,
        null=True,  # the column of learning-paths-plugin 0.5.0 is nullable
        verbose_name=_("image"),
    )
    level = models.CharField(max_length=255, blank=True, choices=Level.choices, verbose_name=_("level"))
    duration = models.CharField(
        max_length=255, blank=True, verbose_name=_("duration"), help_text=_("In words, such as “10 weeks”.")
    )
    time_commitment = models.CharField(
        max_length=255,
        blank=True,
        verbose_name=_("time commitment"),
        help_text=_("In words, such as “4 to 6 hours a week”."),
    )
    sequential = models.BooleanField(
        default=False, verbose_name=_("sequential"), help_text=_("The steps are meant to be taken in their order.")
    )
    invite_only = models.BooleanField(
        default=False,
        verbose_name=_("invite only"),
        help_text=_("Only staff and the people whom staff enrolled or invited see the path and can enroll."),
    )
    course_enrollment = models.CharField(
        max_length=8,
        choices=CourseEnrollment.choices,
        default=CourseEnrollment.NONE,
        verbose_name=_("enroll in courses"),
        help_text=_(
            "Whoever enrolls in this learning path from now on, or is enrolled, is enrolled in these courses too. "
            "Steps that are added later do not count for those who are enrolled by then. Whoever leaves the learning "
            "path stays in the courses."
        ),
    )
    enrolled_users = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="LearningPathEnrollment", verbose_name=_("enrolled users")
    )

    objects = LearningPathQuerySet.as_manager()

    class Meta:
        verbose_name = _("learning path")
        verbose_name_plural = _("learning paths")

    def __str__(self) -> str:
        return f"{self.display_name} ({self.key})"

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """
        Delete the path with its enrollments and invitations. Rows of bulk jobs about it stay (ADR 0010).

        What is deleted along is looked up first. So that nobody enrolls anybody between that and the deletion, which
        would then fail, the path is held from the beginning.
        """
        with transaction.atomic(using=kwargs.get("using")):
            hold_for_deletion([self.pk])
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]  # as Django marks its own

    @property
    def criteria(self) -> LearningPathGradingCriteria:
        """The grading criteria; the defaults where nobody set any. One query, unless they were selected along."""
        try:
            return self.grading_criteria
        except LearningPathGradingCriteria.DoesNotExist:
            return LearningPathGradingCriteria()


def hold_for_deletion(ids: Collection[int]) -> None:
    """Lock the bulk jobs about these paths, which workers lock first too, then the paths, until the commit."""
    about = BulkEnrollmentJob.learning_paths.through.objects.filter(learningpath__in=ids)
    jobs = set(about.values_list("bulkenrollmentjob", flat=True))
    for model, keys in ((BulkEnrollmentJob, jobs), (LearningPath, ids)):
        list(model._default_manager.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


class LearningPathStep(TimeStampedModel):
    """
    A course run of a path. Steps without an ``order`` come last.

    .. no_pii:
    """

    learning_path = models.ForeignKey(LearningPath, on_delete=models.CASCADE, related_name="steps")
    course_key = StoredCourseKeyField(max_length=255, verbose_name=_("course run"))
    order = models.PositiveIntegerField(blank=True, null=True, verbose_name=_("order"))
    weight = models.FloatField(
        default=1.0, verbose_name=_("weight"), help_text=_("How much the step counts in the grade of the path.")
    )

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        unique_together = [("learning_path", "course_key")]
        ordering = [F("order").asc(nulls_last=True), "id"]

    def __str__(self) -> str:
        return str(self.course_key)


class Skill(TimeStampedModel):
    """
    Something that a path asks for or teaches.

    .. no_pii:
    """

    display_name = models.CharField(max_length=255, verbose_name=_("name"))

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")

    def __str__(self) -> str:
        return self.display_name


class PathSkill(TimeStampedModel):
    """A skill of a path, at a level."""

    learning_path = models.ForeignKey(LearningPath, on_delete=models.CASCADE)
    skill = models.ForeignKey(Skill, on_delete=models.CASCADE, verbose_name=_("skill"))
    level = models.PositiveIntegerField(blank=True, null=True, verbose_name=_("level"))

    class Meta:
        abstract = True
        unique_together = [("learning_path", "skill")]

    def __str__(self) -> str:
        return f"{self.skill} ({self.level})" if self.level is not None else str(self.skill)


class RequiredSkill(PathSkill):
    """
    A skill that learners should have before they begin the path.

    .. no_pii:
    """

    class Meta(PathSkill.Meta):
        verbose_name = _("required skill")
        verbose_name_plural = _("required skills")


class AcquiredSkill(PathSkill):
    """
    A skill that learners have once they finished the path.

    .. no_pii:
    """

    class Meta(PathSkill.Meta):
        verbose_name = _("acquired skill")
        verbose_name_plural = _("acquired skills")


class LearningPathGradingCriteria(models.Model):
    """
    What it takes to complete and to pass a path, each as a share from 0 to 1.

    .. no_pii:
    """

    learning_path = models.OneToOneField(LearningPath, on_delete=models.CASCADE, related_name="grading_criteria")
    required_completion = models.FloatField(default=0.80, verbose_name=_("required completion"))
    required_grade = models.FloatField(default=0.75, verbose_name=_("required grade"))

    class Meta:
        verbose_name = _("grading criteria")
        verbose_name_plural = _("grading criteria")

    def __str__(self) -> str:
        return str(
            _("completion %(completion).0f %%, grade %(grade).0f %%")
            % {"completion": self.required_completion * 100, "grade": self.required_grade * 100}
        )
