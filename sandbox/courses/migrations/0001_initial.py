import django.db.models.deletion
import django.utils.timezone
import opaque_keys.edx.django.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CourseRun",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "course_key",
                    opaque_keys.edx.django.models.CourseKeyField(
                        max_length=255, unique=True, verbose_name="course key"
                    ),
                ),
                ("display_name", models.CharField(blank=True, max_length=255, verbose_name="name")),
                ("start", models.DateTimeField(blank=True, null=True, verbose_name="start")),
                ("end", models.DateTimeField(blank=True, null=True, verbose_name="end")),
            ],
            options={
                "verbose_name": "course run",
                "verbose_name_plural": "course runs",
            },
        ),
        migrations.CreateModel(
            name="CourseEnrollment",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("mode", models.CharField(default="audit", max_length=100, verbose_name="mode")),
                (
                    "created",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL, verbose_name="learner"
                    ),
                ),
                (
                    "course_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="courses.courserun", verbose_name="course run"
                    ),
                ),
            ],
            options={
                "verbose_name": "course enrollment",
                "verbose_name_plural": "course enrollments",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "course_run"), name="one_enrollment_per_user_and_run")
                ],
            },
        ),
    ]
