from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("problems", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="problem",
            name="stage",
            field=models.CharField(
                choices=[
                    ("reported", "待派遣"),
                    ("dispatched", "处置中"),
                    ("resolved", "等核查"),
                    ("verified", "已结案"),
                    ("settled", "当场处置"),
                    ("withdrawn", "已撤回"),
                ],
                default="reported",
                max_length=10,
                verbose_name="环节",
            ),
        ),
        migrations.RemoveConstraint(model_name="problem", name="problem_handler_fits_stage"),
        migrations.AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at", None), ("handler", None), ("stage__in", ["reported", "settled", "withdrawn"])),
                    models.Q(
                        ("due_at__isnull", False),
                        ("handler__isnull", False),
                        ("stage__in", ["dispatched", "resolved", "verified"]),
                    ),
                    _connector="OR",
                ),
                name="problem_handler_fits_stage",
            ),
        ),
    ]
