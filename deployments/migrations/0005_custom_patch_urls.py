"""A job's custom patch URL becomes a row of the same customer. The column held nothing so far: it was refused."""

import django.db.models.deletion
from django.db import migrations

import tenants.models
from core.walls import references


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_actions"), ("inventory", "0004_assets")]

    operations = [
        migrations.RemoveField("job", "custom_patch_url_id"),
        migrations.AddField(
            "job",
            "custom_patch_url",
            tenants.models.SameCustomerKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="jobs",
                to="inventory.custompatchurl",
            ),
        ),
        *references("deployments_job", {"custom_patch_url_id": "inventory_custompatchurl"}),
    ]
