"""Indexes that hold the addresses for which invitations and licenses wait, for the sweep (ADR 0003)."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0011_rows_of_moved_sites"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # The account is not the first column: MySQL would drop the index that it made for the foreign key, and then
        # refuse to drop this one.
        migrations.AddIndex(
            model_name="learningpathenrollmentallowed",
            index=models.Index(fields=["is_active", "user", "email"], name="learning_paths_waiting_emails"),
        ),
        migrations.AddIndex(
            model_name="license",
            index=models.Index(fields=["status", "email"], name="learning_paths_license_emails"),
        ),
    ]
