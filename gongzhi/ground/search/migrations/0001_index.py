from __future__ import annotations

from django.db import migrations, models

import gongzhi.ground.keys


def build(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE search_entry ADD COLUMN pieces tsvector NOT NULL DEFAULT ''")
        schema_editor.execute("CREATE INDEX search_pieces ON search_entry USING gin (pieces) WITH (fastupdate = off)")
        # What is frequent is found by order, what is rare by the index: the planner must know which is which.
        schema_editor.execute("ALTER TABLE search_entry ALTER COLUMN pieces SET STATISTICS 1000")
    else:
        schema_editor.execute(
            "CREATE VIRTUAL TABLE search_pieces USING fts5(pieces, tokenize = 'unicode61', detail = 'none')"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute("DROP TABLE search_pieces")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("district", gongzhi.ground.keys.DistrictField(max_length=6, verbose_name="区县租户号")),
                ("kind", models.CharField(max_length=12, verbose_name="种类")),
                ("target", models.UUIDField(verbose_name="对象")),
                ("digest", models.CharField(max_length=32, verbose_name="摘要")),
            ],
            options={
                "verbose_name": "索引条目",
                "indexes": [models.Index(fields=["kind", "id"], name="search_entry_kind")],
                "constraints": [
                    models.UniqueConstraint(fields=("district", "kind", "target"), name="search_entry_once")
                ],
            },
        ),
        migrations.RunPython(build, drop),
    ]
