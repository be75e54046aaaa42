"""
The rows that a site brings along from learning-paths-plugin 0.5.0 become what this package keeps (ADR 0009).

Each step looks for what is left to do, so that a run which was cut short can be repeated. Each goes through its table by
the primary key, some rows at a time and each time in a transaction of its own, so that a million rows take neither much
memory nor long locks. Where nothing came from there, nothing is written.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import IntegrityError, migrations, transaction
from django.db.models import Max
from django.db.models.functions import Lower

from learning_paths.emails import normalize_email
from learning_paths.exceptions import InvalidEmail

log = logging.getLogger(__name__)

ROWS = 500
COPIED = 10_000
REASON = "Taken over from learning-paths-plugin"


def normalize_invitations(apps: Any, schema_editor: Any) -> None:
    """Bring the addresses of invitations into the form that is looked for, and merge those that become the same."""
    invitations = manager(apps, schema_editor, "LearningPathEnrollmentAllowed")
    for chunk in chunks(invitations, "email"):
        addresses = {pk: normalized(email) for pk, email in chunk}
        changed = {pk: address for pk, email in chunk if (address := addresses[pk]) is not None and address != email}
        strange = [pk for pk, email in chunk if addresses[pk] is None and not email.isascii()]
        if changed:
            with transaction.atomic(using=invitations.db):
                rename_and_merge(apps, schema_editor, changed)
        # To MySQL, which ignores accents, one of these is also the address of somebody else, who would claim it.
        pending = list(invitations.filter(pk__in=strange, is_active=True, user=None).values_list("pk", flat=True))
        if pending:
            log.warning("Learning paths: invitations %s are withdrawn, as their addresses are not ASCII", pending)
            invitations.filter(pk__in=pending).update(is_active=False)


def rename_and_merge(apps: Any, schema_editor: Any, addresses: dict[int, str]) -> None:
    """
    Give invitations these addresses. Of several with one address and path, one stays.

    It is the one that an account used, else a pending one, else the oldest; the audit of the others becomes its. Those
    that several accounts used are not the same: one has the address, the others stay as they are, and nobody can claim
    them.
    """
    invitations = manager(apps, schema_editor, "LearningPathEnrollmentAllowed")
    renamed = list(invitations.filter(pk__in=addresses))
    there = invitations.filter(
        email__in=set(addresses.values()), learning_path__in={row.learning_path_id for row in renamed}
    )
    same: defaultdict[tuple[str | None, int], list[Any]] = defaultdict(list)
    for row in renamed:
        same[addresses[row.pk], row.learning_path_id].append(row)
    for row in there.exclude(pk__in=addresses):
        # MySQL ignores case and accents: some of these are of a later chunk, and others are not the same address.
        if (key := (normalized(row.email), row.learning_path_id)) in same:
            same[key].append(row)

    lowered: list[Any] = []
    changed: list[Any] = []
    for (address, _), rows in same.items():
        kept, *others = sorted(
            rows,
            key=lambda row: (
                row.user_id is None,
                row.user_id is not None and row.email != address,
                not row.is_active,
                row.created,
                row.pk,
            ),
        )
        merged = [row for row in others if row.user_id in (None, kept.user_id)]
        if merged:
            merge(apps, schema_editor, merged, kept)
        plain = not merged and kept.email.isascii() and kept.email.lower() == address
        kept.email = address
        (lowered if plain else changed).append(kept)
    try:
        with transaction.atomic(using=invitations.db):
            # What the database does by itself takes a third of the time, and most are of this kind.
            invitations.filter(pk__in=[row.pk for row in lowered]).update(email=Lower("email"))
            invitations.bulk_update(changed, ["email", "created"])
    except IntegrityError:
        for row in (*lowered, *changed):
            rename(invitations, row)


def merge(apps: Any, schema_editor: Any, merged: list[Any], kept: Any) -> None:
    """Let one invitation stand for others too: their audit is its, and its date is the earliest."""
    ids = [row.pk for row in merged]
    for name in ("ManualEnrollmentAudit", "HistoricalManualEnrollmentAudit"):
        manager(apps, schema_editor, name).filter(enrollment_allowed__in=ids).update(enrollment_allowed=kept.pk)
    manager(apps, schema_editor, "LearningPathEnrollmentAllowed").filter(pk__in=ids).delete()
    kept.created = min(kept.created, *(row.created for row in merged))


def rename(invitations: Any, row: Any) -> None:
    """Give an invitation its address, unless MySQL takes it for that of one that was left as it is."""
    try:
        with transaction.atomic(using=invitations.db):
            row.save(update_fields=["email", "created"])
    except IntegrityError:
        log.warning("Learning paths: invitation %s keeps its address as it is; there is one like it", row.pk)


def normalize_audit(apps: Any, schema_editor: Any) -> None:
    """Bring the addresses in the audit into the same form."""
    audits = manager(apps, schema_editor, "ManualEnrollmentAudit")
    for chunk in chunks(audits, "enrolled_email"):
        rows = [
            audits.model(pk=pk, enrolled_email=address)
            for pk, email in chunk
            if (address := normalized(email)) is not None and address != email
        ]
        audits.bulk_update(rows, ["enrolled_email"])


def begin_history(apps: Any, schema_editor: Any) -> None:
    """Give each enrollment and audit row without history its first row there: what it is now, as of its creation."""
    if not getattr(settings, "SIMPLE_HISTORY_ENABLED", True):
        return
    quote = schema_editor.quote_name
    for name in ("LearningPathEnrollment", "ManualEnrollmentAudit"):
        rows = manager(apps, schema_editor, name)
        history = manager(apps, schema_editor, f"Historical{name}").model._meta
        columns = ", ".join(quote(field.column) for field in rows.model._meta.concrete_fields)
        sql = (
            f"INSERT INTO {quote(history.db_table)} ({columns}, history_date, history_type, history_change_reason) "  # noqa: S608 - names
            f"SELECT {columns}, created, '+', %s FROM {quote(rows.model._meta.db_table)} AS moved "
            "WHERE id > %s AND id <= %s AND NOT EXISTS "
            f"(SELECT 1 FROM {quote(history.db_table)} AS known WHERE known.id = moved.id) ORDER BY id"
        )
        for after, last in ranges(rows):
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(sql, [REASON, after, last])


def rename_permissions(apps: Any, schema_editor: Any) -> None:
    """Let whoever had a permission on the audit have it on the model that the audit has become."""
    rename_in(apps, schema_editor, "learningpathenrollmentaudit", "manualenrollmentaudit")


def name_permissions_as_before(apps: Any, schema_editor: Any) -> None:
    """Let them have it on the model that the audit was, on a site that goes back."""
    rename_in(apps, schema_editor, "manualenrollmentaudit", "learningpathenrollmentaudit")


def rename_in(apps: Any, schema_editor: Any, old: str, new: str) -> None:
    """Let the permissions on one model be those on another, unless there are some."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    ours = permissions.filter(content_type__app_label="learning_paths")
    for action in ("add", "change", "delete", "view"):
        if not ours.filter(codename=f"{action}_{new}").exists():
            ours.filter(codename=f"{action}_{old}").update(codename=f"{action}_{new}")


def normalized(email: str) -> str | None:
    """Return the form of an address that is stored, or None for one that can't be stored now, which stays as it is."""
    local, _, domain = email.strip().rpartition("@")
    try:
        if not domain.isascii():
            encoded = domain.encode("idna")
            if encoded.decode("idna") != domain.lower():
                return None  # it would be read as another domain
            domain = encoded.decode()
        return normalize_email(f"{local}@{domain}")
    except (InvalidEmail, UnicodeError):
        return None


def manager(apps: Any, schema_editor: Any, name: str) -> Any:
    """Return all rows of a model in the database that is migrated."""
    return apps.get_model("learning_paths", name).objects.using(schema_editor.connection.alias)


def chunks(rows: Any, field: str) -> Iterator[list[tuple[int, str]]]:
    """Go through one column of a table by primary key, some rows at a time."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", field)[:ROWS]):
        yield chunk
        last = chunk[-1][0]


def ranges(rows: Any) -> Iterator[tuple[int, int]]:
    """Cut the primary keys of a table into ranges with so many rows each: after which, and up to which."""
    after, last = 0, rows.aggregate(last=Max("pk"))["last"] or 0
    while after < last:
        [*until] = rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[COPIED - 1 : COPIED]
        yield after, (end := until[0] if until else last)
        after = end


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("learning_paths", "0010_schema_of_moved_sites"),
        ("auth", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(normalize_invitations, migrations.RunPython.noop),
        migrations.RunPython(normalize_audit, migrations.RunPython.noop),
        migrations.RunPython(begin_history, migrations.RunPython.noop),
        migrations.RunPython(rename_permissions, name_permissions_as_before),
    ]
