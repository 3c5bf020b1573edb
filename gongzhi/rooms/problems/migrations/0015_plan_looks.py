"""Removals verified in the last 90 days, before looks were planned, are looked at again too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import migrations

from gongzhi.ground import today

ROUNDS = (("first", 30), ("second", 90))


def plan(apps: Any, schema_editor: Any) -> None:
    watches, resolutions = apps.get_model("problems", "Watch"), apps.get_model("problems", "Resolution")
    passed = apps.get_model("problems", "Verification").objects.filter(
        passed=True,
        problem__stage="verified",
        problem__category__in=("0101", "0121"),
        fact__day__gte=today() - timedelta(days=90),
    )
    for one in passed.select_related("fact").order_by("id").iterator():
        made = resolutions.objects.filter(problem=one.problem_id).order_by("-id").first()
        if made is None or made.mode not in ("voluntary", "assisted"):
            continue
        for number, days in ROUNDS:
            watches.objects.get_or_create(
                district=one.district,
                problem_id=one.problem_id,
                since=one.fact.day,
                round=number,
                defaults={
                    "due_on": one.fact.day + timedelta(days=days),
                    "rule_version": f"problems.watch.{number}@2020-01-01",
                },
            )


class Migration(migrations.Migration):
    dependencies = [("problems", "0014_handing_back")]

    operations = [migrations.RunPython(plan, migrations.RunPython.noop)]
