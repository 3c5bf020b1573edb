"""A line says in which period it counts; of a half-day that is its day."""

from django.db import migrations, models
from django.db.models import F


def half_days(apps, schema_editor):
    apps.get_model("activities", "Patrol").objects.update(since=F("day"))


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0002_withdrawn"),
        ("ledger", "0002_outbox_indexed"),
        ("places", "0002_map"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="patrol", name="patrol_one_line"),
        migrations.AlterField(
            model_name="patrol",
            name="slot",
            field=models.CharField(
                choices=[
                    ("morning", "早巡"),
                    ("evening", "晚巡"),
                    ("second", "二级路长巡查"),
                    ("first", "一级路长巡查"),
                    ("general", "总路长巡查"),
                ],
                max_length=8,
                verbose_name="时段",
            ),
        ),
        migrations.AddField(
            model_name="patrol",
            name="since",
            field=models.DateField(null=True, verbose_name="本期起"),
        ),
        migrations.RunPython(half_days, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="patrol",
            name="since",
            field=models.DateField(verbose_name="本期起"),
        ),
        migrations.AddConstraint(
            model_name="patrol",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn", False)),
                fields=("district", "section", "since", "slot"),
                name="patrol_one_line",
            ),
        ),
    ]
