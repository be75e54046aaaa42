"""What became of the e-mails that tell learners of a bulk job."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0008_courses_of_paths"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notices_failed",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notices_sent",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notices_total",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notices_withheld",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notified_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notified_to",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name="bulkenrollmentrow",
            name="notice",
            field=models.CharField(
                choices=[("sent", "sent"), ("withheld", "withheld by the site's policies"), ("failed", "failed")],
                max_length=16,
                null=True,
            ),
        ),
    ]
