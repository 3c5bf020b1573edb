import django.db.models.deletion
import gongzhi.ground.keys
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0001_stored"),
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="file",
            field=gongzhi.ground.keys.ScopedFK(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="files.stored",
                verbose_name="结果文件",
            ),
        ),
    ]
