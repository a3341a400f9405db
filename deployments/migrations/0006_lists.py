"""Lists of jobs in the orders that people ask for most are read from an index, wherever their pages are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0005_custom_patch_urls")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["Disabled", "Enabled"])),
                fields=["customer", "name", "id"],
                name="job_live_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["Disabled", "Enabled"])),
                fields=["customer", "created_at", "id"],
                name="job_live_by_creation",
            ),
        ),
        migrations.RemoveIndex(model_name="job", name="job_by_name"),
        migrations.RemoveIndex(model_name="job", name="job_live"),
    ]
