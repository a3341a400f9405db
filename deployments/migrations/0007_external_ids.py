"""A job is found by its external id, a deleted one too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0006_lists")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["customer", "external_id"], name="job_by_external_id"),
        ),
    ]
