"""Bulk jobs and their rows."""

import uuid

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0002_enrolled_at_audit_and_history"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkEnrollmentJob",
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
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "operation",
                    models.CharField(
                        choices=[("enroll", "enroll"), ("unenroll", "unenroll"), ("undo", "undo")],
                        max_length=16,
                        verbose_name="operation",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("queued", "queued"),
                            ("running", "running"),
                            ("finished", "finished"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                        ],
                        db_index=True,
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("role", models.CharField(blank=True, max_length=255, verbose_name="role")),
                ("org", models.CharField(blank=True, max_length=255, verbose_name="organization")),
                ("typed", models.TextField(blank=True)),
                ("file_name", models.CharField(blank=True, max_length=255)),
                ("file_content", models.BinaryField(blank=True, default=b"")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="pairs of address and learning path")),
                ("counts", models.JSONField(default=dict)),
                ("worker", models.CharField(blank=True, max_length=36)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True, verbose_name="confirmed")),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
                (
                    "learning_paths",
                    models.ManyToManyField(to="learning_paths.learningpath", verbose_name="learning paths"),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="successors",
                        to="learning_paths.bulkenrollmentjob",
                        verbose_name="follows",
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk enrollment job",
                "verbose_name_plural": "bulk enrollment jobs",
            },
        ),
        migrations.CreateModel(
            name="BulkEnrollmentRow",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(max_length=254, verbose_name="e-mail address")),
                ("unknown_path", models.CharField(blank=True, max_length=254)),
                ("line", models.PositiveIntegerField(null=True)),
                ("username", models.CharField(blank=True, max_length=150, verbose_name="username")),
                ("planned", models.CharField(blank=True, max_length=32)),
                ("code", models.CharField(blank=True, max_length=32)),
                ("changed_at", models.DateTimeField(null=True)),
                (
                    "enrollment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="learning_paths.learningpathenrollment",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="learning_paths.bulkenrollmentjob",
                    ),
                ),
                (
                    "learning_path",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="learning_paths.learningpath",
                        verbose_name="learning path",
                    ),
                ),
            ],
            options={
                "verbose_name": "row of a bulk enrollment job",
                "verbose_name_plural": "rows of bulk enrollment jobs",
                "indexes": [
                    models.Index(fields=["job", "code"], name="learning_paths_row_code"),
                    models.Index(fields=["job", "planned"], name="learning_paths_row_planned"),
                ],
            },
        ),
    ]
