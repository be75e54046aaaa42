"""Fills a database with the demo. Whatever is there already stays as people have left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import product

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from learning_paths import api
from learning_paths.models import (
    AcquiredSkill,
    LearningPath,
    LearningPathEnrollment,
    LearningPathEnrollmentAllowed,
    LearningPathGradingCriteria,
    LearningPathStep,
    License,
    ManualEnrollmentAudit,
    RequiredSkill,
    Skill,
    SubscriptionPlan,
)
from sandbox.courses.models import CourseEnrollment, CourseProgress, CourseRun
from sandbox.demo import content, images


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is after seeding."""

    users: int
    course_runs: int
    paths: int
    enrollments: int
    invitations: int
    audits: int
    licenses: int


@transaction.atomic
def seed(*, crowd: bool = True) -> Counts:
    """
    Add what the demo lacks, and count what is there. Twice in a row changes nothing the second time.

    ``crowd`` adds some hundred learners, which takes a few seconds the first time.
    """
    staff = _staff()
    for account in content.LEARNERS:
        _learner(account)
    for run in content.RUNS:
        defaults = {"display_name": run.name, "start": run.start, "end": run.end}
        CourseRun.objects.get_or_create(course_key=run.key, defaults=defaults)
    paths = {path.key: _path(path) for path in content.PATHS}
    _invite(staff, paths)
    _enroll_chloe(staff, paths)
    for progress in content.PROGRESS:
        _advance(progress)
    if crowd:
        _enroll_crowd(_crowd(), staff, paths)
    _subscribe(staff, paths)
    return Counts(
        users=User.objects.count(),
        course_runs=CourseRun.objects.count(),
        paths=LearningPath.objects.count(),
        enrollments=LearningPathEnrollment.objects.count(),
        invitations=LearningPathEnrollmentAllowed.objects.count(),
        audits=ManualEnrollmentAudit.objects.count(),
        licenses=License.objects.seated().count(),
    )


def _staff() -> User:
    account = content.STAFF
    found = User.objects.filter(username=account.username).first()
    return found or User.objects.create_superuser(account.username, account.email, account.password)


def _learner(account: content.Account) -> User:
    found = User.objects.filter(username=account.username).first()
    return found or User.objects.create_user(account.username, account.email, account.password)


def _path(path: content.Path) -> LearningPath:
    picture = f"learning_paths/{path.picture}"  # without a random part, so that the next run knows it
    defaults = {
        "image": picture,
        "display_name": path.name,
        "subtitle": path.subtitle,
        "description": path.description,
        "level": path.level,
        "duration": path.duration,
        "time_commitment": path.time_commitment,
        "sequential": path.sequential,
        "invite_only": path.invite_only,
    }
    saved, created = LearningPath.objects.get_or_create(key=path.key, defaults=defaults)
    if created:
        _fill(saved, path)
    if saved.image.name == picture and not saved.image.storage.exists(picture):
        saved.image.storage.save(picture, ContentFile(images.PICTURES[path.picture]()))
    return saved


def _fill(saved: LearningPath, path: content.Path) -> None:
    for order, number in enumerate(path.steps, start=1):
        LearningPathStep.objects.create(learning_path=saved, course_key=content.RUN_KEYS[number], order=order)
    for name in path.requires:
        RequiredSkill.objects.create(learning_path=saved, skill=_skill(name), level=1)
    for name in path.teaches:
        AcquiredSkill.objects.create(learning_path=saved, skill=_skill(name), level=2)
    LearningPathGradingCriteria.objects.update_or_create(
        learning_path=saved,
        defaults={"required_completion": path.required_completion, "required_grade": path.required_grade},
    )


def _skill(name: str) -> Skill:
    # A name is not unique by the schema; a person may have made a second one.
    return Skill.objects.filter(display_name=name).first() or Skill.objects.create(display_name=name)


def _invite(staff: User, paths: dict[str, LearningPath]) -> None:
    invitation = content.INVITATION
    path = paths[invitation.path_key]
    email = invitation.account.email
    if not LearningPathEnrollmentAllowed.objects.filter(email=email, learning_path=path).exists():
        api.invite(email, path, reason=invitation.reason, acting_user=staff)


def _enroll_chloe(staff: User, paths: dict[str, LearningPath]) -> None:
    """Let one of the learners with a password see the path that only those see whom staff enrolled."""
    chloe = User.objects.get(username="chloe")
    path = paths[content.SECURITY]
    if not LearningPathEnrollment.objects.filter(user=chloe, learning_path=path).exists():
        api.enroll(chloe, path, reason="Member of the security team", role="Learner", acting_user=staff)


def _advance(progress: content.Progress) -> None:
    """Let one of the learners with a password have done something in a course, so that there is progress to see."""
    learner = User.objects.get(username=progress.username)
    run = CourseRun.objects.get(course_key=content.RUN_KEYS[progress.number])
    CourseEnrollment.objects.get_or_create(user=learner, course_run=run, defaults={"is_active": progress.enrolled})
    shares = {"completion": progress.completion, "grade": progress.grade}
    CourseProgress.objects.get_or_create(user=learner, course_run=run, defaults=shares)


def _crowd() -> list[User]:
    """Make the learners who fill the lists, and return those who are new. Nobody can log in as one of them."""
    names = {
        f"{first}.{last}".lower(): (first, last) for first, last in product(content.FIRST_NAMES, content.LAST_NAMES)
    }
    present = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    missing = [username for username in names if username not in present]
    users = []
    for username in missing:
        first, last = names[username]
        user = User(username=username, email=f"{username}@example.com", first_name=first, last_name=last)
        user.set_unusable_password()
        users.append(user)
    User.objects.bulk_create(users)
    return list(User.objects.filter(username__in=missing).order_by("pk"))


def _enroll_crowd(learners: list[User], staff: User, paths: dict[str, LearningPath]) -> None:
    """Enroll themselves or let staff do it, in a pattern that gives each list something of everything."""
    data_science, web, security = (paths[key] for key in (content.DATA_SCIENCE, content.WEB, content.SECURITY))
    for number, learner in enumerate(learners):
        if number % 10 < 6:
            api.enroll(learner, data_science, acting_user=learner)
        if number % 10 in (4, 5, 6, 7):
            api.enroll(learner, web, reason="Semester project", role="Instructor", acting_user=staff)
        if number % 10 == 8:
            api.enroll(learner, security, reason="Member of the security team", acting_user=staff)
        if number % 20 == 3:
            api.unenroll(learner, data_science, acting_user=learner)
        if number % 20 == 7:
            api.unenroll(learner, web, reason="Changed to another group", role="Instructor", acting_user=staff)


def _subscribe(staff: User, paths: dict[str, LearningPath]) -> None:
    """Make a plan with licenses in every state. Without the crowd, those of its people wait as the others do."""
    subscription = content.SUBSCRIPTION
    now = timezone.now()
    defaults = {
        "uuid": subscription.uuid,
        "start_date": now,
        "expiration_date": now + timedelta(days=365),
        "num_licenses": subscription.num_licenses,
    }
    plan, created = SubscriptionPlan.objects.get_or_create(title=subscription.title, org=content.ORG, defaults=defaults)
    if not created:
        return
    plan.learning_paths.add(paths[subscription.path_key])
    api.assign_licenses(plan, [*subscription.emails, *subscription.leavers], acting_user=staff)
    for email in subscription.leavers:
        api.revoke_license(plan, email, acting_user=staff)
