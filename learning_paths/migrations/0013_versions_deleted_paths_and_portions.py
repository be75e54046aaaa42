"""
Versions of drafts, rows of bulk jobs that outlive their learning paths, and e-mails in portions.

Rows of paths that were deleted before this are gone. The jobs that still count them are counted anew.
"""

from collections import Counter
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Left, Length

INVALID = ["invalid_email", "learning_path_not_found", "invalid_course_key", "unlicensed", "uncovered"]
DELETED, UNKNOWN = "path_deleted", "learning_path_not_found"
AT_ONCE = 500


def count_anew(apps: Any, schema_editor: Any) -> None:
    """Let each job that is over count the rows that it has."""
    alias = schema_editor.connection.alias
    jobs = apps.get_model("learning_paths", "BulkEnrollmentJob").objects.using(alias)
    rows = apps.get_model("learning_paths", "BulkEnrollmentRow").objects.using(alias)
    over = jobs.filter(state__in=["finished", "cancelled", "failed"]).only("counts", "total").order_by("pk")
    last = 0
    while some := list(over.filter(pk__gt=last)[:AT_ONCE]):
        last = some[-1].pk
        found: dict[int, Counter[str]] = {job.pk: Counter() for job in some}
        counted = rows.filter(job__in=list(found)).order_by().values_list("job", "code")
        for pk, code, count in counted.annotate(count=models.Count("pk")):
            found[pk][code] = count
        wrong = []
        for job in some:
            counts = {code: count for code, count in found[job.pk].items() if code}
            total = sum(count for code, count in found[job.pk].items() if code not in INVALID)
            if (job.counts, job.total) != (counts, total):
                job.counts, job.total = counts, total
                wrong.append(job)
        jobs.bulk_update(wrong, ["counts", "total"])


def forget_deleted_paths(apps: Any, schema_editor: Any) -> None:
    """Let rows that were not done when their path was deleted be rows of an unknown path, which was known before."""
    alias = schema_editor.connection.alias
    jobs = apps.get_model("learning_paths", "BulkEnrollmentJob").objects.using(alias)
    rows = apps.get_model("learning_paths", "BulkEnrollmentRow").objects.using(alias)
    rows.annotate(length=Length("unknown_path")).filter(length__gt=254).update(unknown_path=Left("unknown_path", 254))
    rows.filter(code=DELETED).update(code=UNKNOWN)
    rows.filter(planned=DELETED).update(planned=UNKNOWN)
    last = 0
    while some := list(jobs.only("counts", "total").filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = some[-1].pk
        changed = [job for job in some if DELETED in job.counts]
        for job in changed:
            count = job.counts.pop(DELETED)
            job.counts[UNKNOWN] = job.counts.get(UNKNOWN, 0) + count
            job.total -= count
        jobs.bulk_update(changed, ["counts", "total"])


class Migration(migrations.Migration):
    dependencies = [
        ("learning_paths", "0012_waiting_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="deleted_paths",
            field=models.JSONField(default=list, verbose_name="deleted learning paths"),
        ),
        migrations.AddField(
            model_name="bulkenrollmentjob",
            name="version",
            field=models.PositiveIntegerField(default=1, verbose_name="version"),
        ),
        migrations.AlterField(
            model_name="bulkenrollmentrow",
            name="learning_path",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="learning_paths.learningpath",
                verbose_name="learning path",
            ),
        ),
        migrations.AlterField(
            model_name="bulkenrollmentrow",
            name="unknown_path",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AlterField(
            model_name="bulkenrollmentrow",
            name="notice",
            field=models.CharField(
                choices=[("sent", "sent"), ("withheld", "withheld"), ("failed", "failed")], max_length=16, null=True
            ),
        ),
        migrations.AddIndex(
            model_name="bulkenrollmentrow",
            index=models.Index(fields=["job", "email"], name="learning_paths_row_email"),
        ),
        migrations.RunPython(count_anew, forget_deleted_paths),
    ]
