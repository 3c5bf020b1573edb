"""A demo takes data from the first: also one made before there was a row that says so."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def open_demo(apps: Any, schema_editor: Any) -> None:
    Opening = apps.get_model("people", "Opening")
    for one in apps.get_model("ledger", "Installation").objects.filter(kind="demo"):
        Opening.objects.get_or_create(district=one.district, defaults={"opened_at": one.created_at})


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_outbox_indexed"), ("people", "0004_opening")]
    operations = [migrations.RunPython(open_demo, migrations.RunPython.noop)]
