"""Assets' numbers and given names, tags by query, and custom patch URLs."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models import Q

import tenants.models
from core.walls import scheduler_sees, wall

# The owner is held by the walls too, and has no customer here: they are down for this table until the end.
FILL = [
    "SET CONSTRAINTS ALL IMMEDIATE",
    "ALTER TABLE inventory_asset NO FORCE ROW LEVEL SECURITY",
    """
    UPDATE inventory_asset SET number = counted.number, reported_name = name, reported_timezone = timezone
    FROM (SELECT id, row_number() OVER (PARTITION BY customer_id ORDER BY id) AS number FROM inventory_asset) counted
    WHERE counted.id = inventory_asset.id
    """,
    """
    INSERT INTO inventory_counter (customer_id, name, last)
    SELECT customer_id, 'assets', max(number) FROM inventory_asset GROUP BY customer_id
    """,
    "SET CONSTRAINTS ALL IMMEDIATE",
    "ALTER TABLE inventory_asset FORCE ROW LEVEL SECURITY",
]


class Migration(migrations.Migration):
    dependencies = [("inventory", "0003_catalogue"), ("tenants", "0002_walls")]

    operations = [
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        choices=[("assets", "Assets"), ("custompatchurls", "Custom Patch Urls")], max_length=32
                    ),
                ),
                ("last", models.IntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "name"), name="one_counter_of_a_name_per_customer")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomPatchUrl",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("name", models.CharField(blank=True, max_length=200)),
                ("url", models.CharField(max_length=2000)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "created_by",
                    tenants.models.SameCustomerKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.user",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "number"), name="one_custom_patch_url_of_a_number"),
                    models.UniqueConstraint(fields=("customer", "url"), name="one_custom_patch_url_of_an_address"),
                ],
            },
        ),
        migrations.AddField("asset", "number", models.IntegerField(null=True)),
        migrations.AddField("asset", "name_is_given", models.BooleanField(default=False)),
        migrations.AddField(
            "asset", "reported_name", models.CharField(default="", max_length=255), preserve_default=False
        ),
        migrations.AddField("asset", "timezone_is_given", models.BooleanField(default=False)),
        migrations.AddField("asset", "reported_timezone", models.CharField(blank=True, max_length=64)),
        migrations.AddField("assettag", "by_hand", models.BooleanField(default=True)),
        migrations.AddField("assettag", "by_query", models.BooleanField(default=False)),
        migrations.AddField("tag", "query", models.TextField(blank=True)),
        migrations.AddField("tag", "members_told_at", models.DateTimeField(null=True)),
        migrations.RunSQL(FILL, reverse_sql=migrations.RunSQL.noop),
        migrations.AlterField("asset", "number", models.IntegerField()),
        migrations.AddConstraint(
            "asset", models.UniqueConstraint(fields=("customer", "number"), name="one_asset_of_a_number")
        ),
        migrations.AddConstraint(
            "assettag",
            models.CheckConstraint(condition=Q(by_hand=True) | Q(by_query=True), name="somebody_put_the_tag_there"),
        ),
        migrations.AddConstraint(
            "tag",
            models.CheckConstraint(
                condition=Q(query="", members_told_at=None) | (~Q(query="") & Q(members_told_at__isnull=False)),
                name="a_tag_with_a_query_has_told_members",
            ),
        ),
        migrations.AddIndex(
            "tag",
            models.Index(
                fields=["members_told_at"], condition=Q(members_told_at__isnull=False), name="tag_by_members_told"
            ),
        ),
        *wall("inventory_counter"),
        *wall("inventory_custompatchurl", references={"created_by_id": "tenants_user"}),
        # The sweep of tags by query.
        *scheduler_sees("inventory_tag", columns=["id", "customer_id", "members_told_at"]),
    ]
