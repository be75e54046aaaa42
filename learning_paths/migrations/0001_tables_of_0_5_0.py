"""The tables of learning-paths-plugin 0.5.0, whose migrations this one replaces (ADR 0002)."""

import uuid

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
import opaque_keys.edx.django.models
from django.conf import settings
from django.db import migrations, models

import learning_paths.keys


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("learning_paths", "0001_initial"),
        ("learning_paths", "0002_learningpath_uuid"),
        ("learning_paths", "0003_learningpath_subtitle"),
        ("learning_paths", "0004_auto_20240207_1633"),
        ("learning_paths", "0005_learningpathstep_weight_learningpathgradingcriteria"),
        ("learning_paths", "0006_enrollment_models"),
        ("learning_paths", "0007_replace_uuid_with_learningpathkey"),
        ("learning_paths", "0008_remove_learningpathstep_relative_due_date_in_days"),
        ("learning_paths", "0009_remove_learningpath_slug"),
        ("learning_paths", "0010_learningpath_invite_only"),
        ("learning_paths", "0011_replace_learningpath_image_url_with_image"),
        ("learning_paths", "0012_alter_learningpath_subtitle"),
        ("learning_paths", "0013_enrollment_audit"),
        ("learning_paths", "0014_remove_learningpath_duration_in_days_and_more"),
        ("learning_paths", "0015_make_skill_level_optional"),
        ("learning_paths", "0016_alter_learningpathstep_options"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LearningPath",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                (
                    "key",
                    learning_paths.keys.LearningPathKeyField(
                        help_text="Such as path-v1:Org+Number+Run or path-v1:Org+Number+Run+Group. It can't be changed later.",
                        max_length=255,
                        unique=True,
                        verbose_name="key",
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID")),
                ("display_name", models.CharField(max_length=255, verbose_name="name")),
                ("subtitle", models.TextField(blank=True, verbose_name="subtitle")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("image", models.ImageField(blank=True, null=True, upload_to="learning_paths/", verbose_name="image")),
                (
                    "level",
                    models.CharField(
                        blank=True,
                        choices=[("beginner", "Beginner"), ("intermediate", "Intermediate"), ("advanced", "Advanced")],
                        max_length=255,
                        verbose_name="level",
                    ),
                ),
                (
                    "duration",
                    models.CharField(
                        blank=True, help_text="In words, such as “10 weeks”.", max_length=255, verbose_name="duration"
                    ),
                ),
                (
                    "time_commitment",
                    models.CharField(
                        blank=True,
                        help_text="In words, such as “4 to 6 hours a week”.",
                        max_length=255,
                        verbose_name="time commitment",
                    ),
                ),
                (
                    "sequential",
                    models.BooleanField(
                        default=False,
                        help_text="The steps are meant to be taken in their order.",
                        verbose_name="sequential",
                    ),
                ),
                (
                    "invite_only",
                    models.BooleanField(
                        default=False,
                        help_text="Only staff and the people whom staff enrolled or invited see the path and can enroll.",
                        verbose_name="invite only",
                    ),
                ),
            ],
            options={
                "verbose_name": "learning path",
                "verbose_name_plural": "learning paths",
            },
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("display_name", models.CharField(max_length=255, verbose_name="name")),
            ],
            options={
                "verbose_name": "skill",
                "verbose_name_plural": "skills",
            },
        ),
        migrations.CreateModel(
            name="LearningPathEnrollment",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "learning_path",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="learning_paths.learningpath",
                        verbose_name="learning path",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL, verbose_name="learner"
                    ),
                ),
            ],
            options={
                "verbose_name": "enrollment",
                "verbose_name_plural": "enrollments",
                "unique_together": {("user", "learning_path")},
            },
        ),
        migrations.AddField(
            model_name="learningpath",
            name="enrolled_users",
            field=models.ManyToManyField(
                through="learning_paths.LearningPathEnrollment",
                to=settings.AUTH_USER_MODEL,
                verbose_name="enrolled users",
            ),
        ),
        migrations.CreateModel(
            name="LearningPathEnrollmentAllowed",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("email", models.EmailField(db_index=True, max_length=254, verbose_name="e-mail address")),
                ("is_active", models.BooleanField(db_index=True, default=True, verbose_name="active")),
                (
                    "learning_path",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="learning_paths.learningpath",
                        verbose_name="learning path",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="claimed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "unique_together": {("email", "learning_path")},
            },
        ),
        migrations.CreateModel(
            name="LearningPathGradingCriteria",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("required_completion", models.FloatField(default=0.8, verbose_name="required completion")),
                ("required_grade", models.FloatField(default=0.75, verbose_name="required grade")),
                (
                    "learning_path",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grading_criteria",
                        to="learning_paths.learningpath",
                    ),
                ),
            ],
            options={
                "verbose_name": "grading criteria",
                "verbose_name_plural": "grading criteria",
            },
        ),
        migrations.CreateModel(
            name="LearningPathEnrollmentAudit",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("role", models.CharField(blank=True, max_length=255, verbose_name="role")),
                (
                    "state_transition",
                    models.CharField(
                        choices=[
                            ("from unenrolled to allowed to enroll", "from unenrolled to allowed to enroll"),
                            ("from allowed to enroll to enrolled", "from allowed to enroll to enrolled"),
                            ("from enrolled to enrolled", "from enrolled to enrolled"),
                            ("from enrolled to unenrolled", "from enrolled to unenrolled"),
                            ("from unenrolled to enrolled", "from unenrolled to enrolled"),
                            ("from allowed to enroll to unenrolled", "from allowed to enroll to unenrolled"),
                            ("from unenrolled to unenrolled", "from unenrolled to unenrolled"),
                            ("N/A", "N/A"),
                        ],
                        default="N/A",
                        max_length=255,
                        verbose_name="change",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("org", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="organization")),
                (
                    "enrolled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="audit",
                        to="learning_paths.learningpathenrollment",
                        verbose_name="enrollment",
                    ),
                ),
                (
                    "enrollment_allowed",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="audit",
                        to="learning_paths.learningpathenrollmentallowed",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "manual enrollment audit",
                "verbose_name_plural": "manual enrollment audits",
            },
        ),
        migrations.CreateModel(
            name="LearningPathStep",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("course_key", opaque_keys.edx.django.models.CourseKeyField(max_length=255, verbose_name="course run")),
                ("order", models.PositiveIntegerField(blank=True, null=True, verbose_name="order")),
                (
                    "weight",
                    models.FloatField(
                        default=1.0,
                        help_text="How much the step counts in the grade of the path.",
                        verbose_name="weight",
                    ),
                ),
                (
                    "learning_path",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="learning_paths.learningpath",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "ordering": [models.OrderBy(models.F("order"), nulls_last=True), "id"],
                "unique_together": {("learning_path", "course_key")},
            },
        ),
        migrations.CreateModel(
            name="RequiredSkill",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("level", models.PositiveIntegerField(blank=True, null=True, verbose_name="level")),
                (
                    "learning_path",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="learning_paths.learningpath"),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="learning_paths.skill", verbose_name="skill"
                    ),
                ),
            ],
            options={
                "verbose_name": "required skill",
                "verbose_name_plural": "required skills",
                "abstract": False,
                "unique_together": {("learning_path", "skill")},
            },
        ),
        migrations.CreateModel(
            name="AcquiredSkill",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "created",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "modified",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="modified"
                    ),
                ),
                ("level", models.PositiveIntegerField(blank=True, null=True, verbose_name="level")),
                (
                    "learning_path",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="learning_paths.learningpath"),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="learning_paths.skill", verbose_name="skill"
                    ),
                ),
            ],
            options={
                "verbose_name": "acquired skill",
                "verbose_name_plural": "acquired skills",
                "abstract": False,
                "unique_together": {("learning_path", "skill")},
            },
        ),
    ]
