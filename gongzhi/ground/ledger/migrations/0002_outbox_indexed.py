from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="outbox",
            name="indexed",
            field=models.BooleanField(default=False, verbose_name="已编入索引"),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(condition=models.Q(("indexed", False)), fields=["district"], name="outbox_to_index"),
        ),
    ]
