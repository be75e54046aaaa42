"""How far learners are in courses."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0002_who_may_enroll"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CourseProgress",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "completion",
                    models.FloatField(
                        blank=True,
                        help_text="A share from 0 to 1.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="completed",
                    ),
                ),
                (
                    "grade",
                    models.FloatField(
                        blank=True,
                        help_text="A share from 0 to 1.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="grade",
                    ),
                ),
                (
                    "course_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="courses.courserun", verbose_name="course run"
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
                "verbose_name": "progress in a course",
                "verbose_name_plural": "progress in courses",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "course_run"), name="one_progress_per_user_and_run")
                ],
            },
        ),
    ]
