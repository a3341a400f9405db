"""Detection scripts of actions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0003_definitions")]

    operations = [
        migrations.AddField("jobaction", "detection_script", models.BinaryField(null=True)),
        migrations.AddField("jobaction", "detection_script_type", models.CharField(max_length=8, null=True)),
    ]
