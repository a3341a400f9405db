"""Feeds ask what a customer's jobs did lately, whether these start again or not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0015_early_children"), ("tenants", "0003_customer_of_name")]

    operations = [
        migrations.AddIndex("run", models.Index(fields=["customer", "scheduled_for"], name="run_by_start")),
    ]
