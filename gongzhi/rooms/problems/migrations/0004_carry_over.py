from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import OuterRef, Subquery


def carry_over(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """What was public stays so, and what was dispatched had been filed by that."""
    problem, dispatch = apps.get_model("problems", "Problem"), apps.get_model("problems", "Dispatch")
    first = dispatch.objects.filter(problem=OuterRef("pk")).order_by("id").values("fact__at")[:1]
    problem.objects.filter(fact__audience="public").update(public=True)
    problem.objects.update(filed_at=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("problems", "0003_whole_flow")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
