"""Make accounts by the model itself, which sends its signals, and save them more than once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import migrations


def make_users(apps: Any, schema_editor: Any) -> None:
    for name in ("discovery_worker", "ecommerce_worker"):
        user = User.objects.create_user(name, f"{name}@example.com")
        user.is_staff = True
        user.save()


class Migration(migrations.Migration):
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(make_users)]
