"""How often a step was tried, where that is more than once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0019_waves")]

    operations = [
        migrations.AddField("step", "tries", models.PositiveSmallIntegerField(db_default=0)),
    ]
