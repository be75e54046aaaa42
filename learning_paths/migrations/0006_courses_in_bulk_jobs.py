"""Course runs, subscriptions and the wish to tell the learners, in bulk jobs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0005_no_reverse_accessor_of_the_audit"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="course_keys",
            field=models.JSONField(default=list, verbose_name="course runs"),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="notify",
            field=models.BooleanField(default=False, verbose_name="tell the learners"),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="subscription",
            field=models.UUIDField(null=True, verbose_name="subscription"),
        ),
        migrations.AddField(
            model_name="bulkenrollmentrow",
            name="course_key",
            field=models.CharField(blank=True, max_length=255, verbose_name="course run"),
        ),
    ]
