"""Paths that enroll in their courses, and what became of it."""

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
import opaque_keys.edx.django.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0007_enroll_without_subscription"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="learningpath",
            name="course_enrollment",
            field=models.CharField(
                choices=[
                    ("none", "No course: learners enroll themselves"),
                    ("first", "The first step"),
                    ("all", "All steps"),
                ],
                default="none",
                help_text="Whoever enrolls in this learning path from now on, or is enrolled, is enrolled in these courses too. Steps that are added later do not count for those who are enrolled by then. Whoever leaves the learning path stays in the courses.",
                max_length=8,
                verbose_name="enroll in courses",
            ),
        ),
        migrations.CreateModel(
            name="StepEnrollment",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("skipped", "skipped"),
                        ],
                        default="waiting",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=64, verbose_name="code of the error")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("tried_at", models.DateTimeField(blank=True, null=True, verbose_name="last tried")),
                (
                    "acting_user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="enrolled by",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="step_enrollments",
                        to="learning_paths.learningpathenrollment",
                        verbose_name="enrollment in the learning path",
                    ),
                ),
            ],
            options={
                "verbose_name": "course enrollment of a learning path",
                "verbose_name_plural": "course enrollments of learning paths",
                "indexes": [models.Index(fields=["state", "modified"], name="learning_paths_step_state")],
                "unique_together": {("enrollment", "course_key")},
            },
        ),
    ]
