from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("problems", "0010_routes")]

    operations = [
        migrations.AddField("pause", "planned", models.DateTimeField(null=True, verbose_name="原定止")),
        migrations.RunPython(
            lambda apps, editor: apps.get_model("problems", "Pause").objects.update(planned=F("until")),
            migrations.RunPython.noop,
        ),
        migrations.AlterField("pause", "planned", models.DateTimeField(verbose_name="原定止")),
        migrations.AddIndex("dispatch", models.Index(fields=["district", "due_at"], name="dispatch_due")),
    ]
