"""Subscription plans, what they cover, and the licenses of addresses in them."""

import uuid

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
import opaque_keys.edx.django.models
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0003_bulk_jobs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalSubscriptionPlan",
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
                ("uuid", models.UUIDField(db_index=True, default=uuid.uuid4, editable=False, verbose_name="UUID")),
                ("title", models.CharField(max_length=255, verbose_name="title")),
                ("org", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="organization")),
                ("start_date", models.DateTimeField(verbose_name="begins")),
                ("expiration_date", models.DateTimeField(verbose_name="expires")),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Switch a plan off to suspend all of its licenses, whatever its dates.",
                        verbose_name="active",
                    ),
                ),
                ("num_licenses", models.PositiveIntegerField(verbose_name="licenses")),
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
            ],
            options={
                "verbose_name": "historical subscription plan",
                "verbose_name_plural": "historical subscription plans",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="SubscriptionPlan",
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
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID")),
                ("title", models.CharField(max_length=255, verbose_name="title")),
                ("org", models.CharField(blank=True, db_index=True, max_length=255, verbose_name="organization")),
                ("start_date", models.DateTimeField(verbose_name="begins")),
                ("expiration_date", models.DateTimeField(verbose_name="expires")),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Switch a plan off to suspend all of its licenses, whatever its dates.",
                        verbose_name="active",
                    ),
                ),
                ("num_licenses", models.PositiveIntegerField(verbose_name="licenses")),
                (
                    "learning_paths",
                    models.ManyToManyField(
                        blank=True,
                        help_text="With a learning path, its course runs are covered too.",
                        related_name="subscription_plans",
                        to="learning_paths.learningpath",
                        verbose_name="learning paths",
                    ),
                ),
            ],
            options={
                "verbose_name": "subscription plan",
                "verbose_name_plural": "subscription plans",
            },
        ),
        migrations.CreateModel(
            name="HistoricalLicense",
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
                ("uuid", models.UUIDField(db_index=True, default=uuid.uuid4, editable=False, verbose_name="UUID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unassigned", "unassigned"),
                            ("assigned", "assigned"),
                            ("activated", "activated"),
                            ("revoked", "revoked"),
                        ],
                        default="unassigned",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("assigned_date", models.DateTimeField(blank=True, null=True, verbose_name="assigned")),
                ("activated_date", models.DateTimeField(blank=True, null=True, verbose_name="activated")),
                ("revoked_date", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
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
                        verbose_name="user",
                    ),
                ),
                (
                    "subscription_plan",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="learning_paths.subscriptionplan",
                        verbose_name="subscription plan",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical license",
                "verbose_name_plural": "historical licenses",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="License",
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
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="UUID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unassigned", "unassigned"),
                            ("assigned", "assigned"),
                            ("activated", "activated"),
                            ("revoked", "revoked"),
                        ],
                        default="unassigned",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("assigned_date", models.DateTimeField(blank=True, null=True, verbose_name="assigned")),
                ("activated_date", models.DateTimeField(blank=True, null=True, verbose_name="activated")),
                ("revoked_date", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "subscription_plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="licenses",
                        to="learning_paths.subscriptionplan",
                        verbose_name="subscription plan",
                    ),
                ),
            ],
            options={
                "verbose_name": "license",
                "verbose_name_plural": "licenses",
                "unique_together": {("email", "subscription_plan")},
            },
        ),
        migrations.CreateModel(
            name="SubscriptionPlanCourse",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("course_key", opaque_keys.edx.django.models.CourseKeyField(max_length=255, verbose_name="course run")),
                (
                    "subscription_plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="courses",
                        to="learning_paths.subscriptionplan",
                    ),
                ),
            ],
            options={
                "verbose_name": "course run of a subscription plan",
                "verbose_name_plural": "course runs of subscription plans",
                "unique_together": {("subscription_plan", "course_key")},
            },
        ),
    ]
