"""What this package adds to those tables: when a learner enrolled, whom an audit row was about, and history."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
import simple_history.models
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce, Lower


def fill(apps: Any, schema_editor: Any) -> None:
    """Fill the new columns of rows that learning-paths-plugin 0.5.0 left, two statements in all."""
    db = schema_editor.connection.alias
    enrollments = apps.get_model("learning_paths", "LearningPathEnrollment").objects.using(db)
    invitations = apps.get_model("learning_paths", "LearningPathEnrollmentAllowed").objects.using(db)
    audits = apps.get_model("learning_paths", "ManualEnrollmentAudit").objects.using(db)
    enrollments.update(enrolled_at=F("created"))
    audits.update(
        enrolled_email=Coalesce(
            Subquery(invitations.filter(pk=OuterRef("enrollment_allowed")).values(address=Lower("email"))),
            Subquery(enrollments.filter(pk=OuterRef("enrollment")).values(address=Lower("user__email"))),
            models.Value(""),
        )
    )


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("learning_paths", "0001_tables_of_0_5_0"),
    ]

    operations = [
        migrations.RenameModel("LearningPathEnrollmentAudit", "ManualEnrollmentAudit"),
        migrations.AddField(
            model_name="learningpathenrollment",
            name="enrolled_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="enrolled at"),
        ),
        migrations.AddField(
            model_name="manualenrollmentaudit",
            name="enrolled_email",
            field=models.EmailField(
                blank=True, db_index=True, default="", max_length=254, verbose_name="learner's e-mail address"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.CreateModel(
            name="HistoricalLearningPathEnrollment",
            fields=[
                ("id", models.IntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
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
                ("enrolled_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="enrolled at")),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_id", models.AutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField()),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="learner",
                    ),
                ),
                (
                    "learning_path",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="learning_paths.learningpath",
                        verbose_name="learning path",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical enrollment",
                "verbose_name_plural": "historical enrollments",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalManualEnrollmentAudit",
            fields=[
                ("id", models.IntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
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
                    "enrolled_email",
                    models.EmailField(
                        blank=True, db_index=True, max_length=254, verbose_name="learner's e-mail address"
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
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_id", models.AutoField(editable=False, primary_key=True, serialize=False)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("history_date", models.DateTimeField()),
                (
                    "enrolled_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="changed by",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="learning_paths.learningpathenrollment",
                        verbose_name="enrollment",
                    ),
                ),
                (
                    "enrollment_allowed",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="learning_paths.learningpathenrollmentallowed",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical manual enrollment audit",
                "verbose_name_plural": "historical manual enrollment audits",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
