"""The permission to enroll in bulk without a subscription, where there are subscriptions."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0006_courses_in_bulk_jobs"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="bulkenrollmentjob",
            options={
                "permissions": [("enroll_without_subscription", "Can enroll in bulk without a subscription")],
                "verbose_name": "bulk enrollment job",
                "verbose_name_plural": "bulk enrollment jobs",
            },
        ),
    ]
