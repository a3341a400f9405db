"""The whole catalogue: what a patch is, what it supersedes, and which vulnerabilities it closes."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import uuid

from django.db import migrations, models

import tenants.models
from core.walls import wall
from inventory.versions import version_key


# The owner is held by the walls too, and has no customer here: they are down for this table until the end.
OPEN = ["SET CONSTRAINTS ALL IMMEDIATE", "ALTER TABLE inventory_patch NO FORCE ROW LEVEL SECURITY"]
CLOSE = ["SET CONSTRAINTS ALL IMMEDIATE", "ALTER TABLE inventory_patch FORCE ROW LEVEL SECURITY"]


def fill_version_keys(apps, schema_editor):
    """Of the patches that are there."""
    patches = apps.get_model("inventory", "Patch").objects.using(schema_editor.connection.alias)
    for patch in patches.filter(package_manager__in=["apt", "dnf"]).iterator():
        patch.version_key = version_key(patch.package_manager, patch.version)
        patch.save(update_fields=["version_key"])


def _texts(length):
    return django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=length), size=None)


def _told_or(told, otherwise, kind):
    alone = models.Func(
        models.F(otherwise), function="ARRAY", output_field=kind, template="%(function)s[%(expressions)s]"
    )
    whole = models.Case(models.When(models.Q((told, [])), then=alone), default=models.F(told), output_field=kind)
    return models.GeneratedField(db_persist=True, expression=whole, output_field=kind)


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_walls"),
        ("tenants", "0003_customer_of_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="Closing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("told", models.BooleanField(db_default=False, default=False)),
            ],
        ),
        migrations.CreateModel(
            name="Fix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("package_manager", models.CharField(max_length=16)),
                ("package", models.CharField(max_length=255)),
                ("system", models.CharField(blank=True, max_length=255)),
                ("version", models.CharField(max_length=255)),
                ("version_key", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Supersedence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
        ),
        migrations.CreateModel(
            name="Vulnerability",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("reference", models.CharField(max_length=255)),
                ("qid", models.BigIntegerField(null=True)),
                ("title", models.CharField(blank=True, max_length=600)),
                (
                    "cves",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), default=list, size=None
                    ),
                ),
                ("severity", models.SmallIntegerField(null=True)),
                (
                    "vuln_type",
                    models.CharField(
                        choices=[
                            ("Confirmed", "Confirmed"),
                            ("Potential", "Potential"),
                            ("Information", "Information"),
                        ],
                        default="Confirmed",
                        max_length=16,
                    ),
                ),
                ("detected_at", models.DateTimeField(null=True)),
                ("published_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("modified_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name="patch",
            name="app_families",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="told_architectures",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="bulletin",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="patch",
            name="category",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="patch",
            name="deleted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="patch",
            name="description",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="download_method",
            field=models.CharField(
                choices=[("Automatic", "Automatic"), ("AcquireFromVendor", "Acquire From Vendor")],
                default="Automatic",
                max_length=32,
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="enabled",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="is_rollback",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="told_security",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="kb",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="patch",
            name="package_details",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="patch",
            name="told_products",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="published_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="reboot_required",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="source_package",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="patch",
            name="supported_os",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="synced_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="type",
            field=models.CharField(default="Package", max_length=64),
        ),
        migrations.AddField(
            model_name="patch",
            name="vendor",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="patch",
            name="vendor_id",
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddField(
            model_name="patch",
            name="vendor_link",
            field=models.CharField(blank=True, max_length=2000),
        ),
        migrations.AddField(
            model_name="patch",
            name="version_key",
            field=models.BinaryField(null=True),
        ),
        migrations.AddIndex(
            model_name="patch",
            index=models.Index(
                fields=["customer", "package_manager", "package", "architecture", "version_key"],
                name="patch_by_version",
            ),
        ),
        migrations.AddIndex(
            model_name="patch",
            index=models.Index(
                fields=["customer", "package_manager", "source_package"], name="patch_by_source_package"
            ),
        ),
        migrations.AddConstraint(
            model_name="patch",
            constraint=models.UniqueConstraint(
                fields=("customer", "platform", "package_manager", "vendor_id"), name="one_patch_per_vendor_id"
            ),
        ),
        migrations.AddField(
            model_name="closing",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.customer"
            ),
        ),
        migrations.AddField(
            model_name="closing",
            name="patch",
            field=tenants.models.SameCustomerKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="closing_links",
                to="inventory.patch",
            ),
        ),
        migrations.AddField(
            model_name="fix",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.customer"
            ),
        ),
        migrations.AddField(
            model_name="supersedence",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.customer"
            ),
        ),
        migrations.AddField(
            model_name="supersedence",
            name="newer",
            field=tenants.models.SameCustomerKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="supersedes_links",
                to="inventory.patch",
            ),
        ),
        migrations.AddField(
            model_name="supersedence",
            name="older",
            field=tenants.models.SameCustomerKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="superseded_links",
                to="inventory.patch",
            ),
        ),
        migrations.AddField(
            model_name="vulnerability",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.customer"
            ),
        ),
        migrations.AddField(
            model_name="fix",
            name="vulnerability",
            field=tenants.models.SameCustomerKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="fixes",
                to="inventory.vulnerability",
            ),
        ),
        migrations.AddField(
            model_name="closing",
            name="vulnerability",
            field=tenants.models.SameCustomerKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="closing_links",
                to="inventory.vulnerability",
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="architectures",
            field=_told_or("told_architectures", "architecture", _texts(32)),
        ),
        migrations.AddField(
            model_name="patch",
            name="is_security",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.comparison.Coalesce(
                    models.F("told_security"),
                    models.Case(
                        models.When(models.Q(("severity", "None"), ("cves", [])), then=models.Value(False)),
                        default=models.Value(True),
                    ),
                ),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddField(
            model_name="patch",
            name="products",
            field=_told_or("told_products", "package", _texts(255)),
        ),
        migrations.AddIndex(
            model_name="supersedence",
            index=models.Index(fields=["customer", "newer", "older"], name="supersedence_by_newer"),
        ),
        migrations.AddConstraint(
            model_name="supersedence",
            constraint=models.UniqueConstraint(
                fields=("customer", "older", "newer"), name="a_patch_supersedes_another_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="supersedence",
            constraint=models.CheckConstraint(
                condition=models.Q(("newer", models.F("older")), _negated=True),
                name="a_patch_does_not_supersede_itself",
            ),
        ),
        migrations.AddIndex(
            model_name="vulnerability",
            index=models.Index(models.F("customer"), models.F("cves__0"), name="vulnerability_by_first_cve"),
        ),
        migrations.AddConstraint(
            model_name="vulnerability",
            constraint=models.UniqueConstraint(
                fields=("customer", "reference"), name="one_vulnerability_per_reference"
            ),
        ),
        migrations.AddConstraint(
            model_name="vulnerability",
            constraint=models.UniqueConstraint(fields=("customer", "qid"), name="one_vulnerability_per_qid"),
        ),
        migrations.AddConstraint(
            model_name="vulnerability",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity", None), ("severity__range", (1, 5)), _connector="OR"),
                name="vulnerability_severity_is_1_to_5",
            ),
        ),
        migrations.AddIndex(
            model_name="fix",
            index=models.Index(fields=["customer", "package_manager", "package"], name="fix_by_package"),
        ),
        migrations.AddConstraint(
            model_name="fix",
            constraint=models.UniqueConstraint(
                fields=("customer", "vulnerability", "package_manager", "package", "system"),
                name="a_package_is_fixed_from_one_version_on",
            ),
        ),
        migrations.AddIndex(
            model_name="closing",
            index=models.Index(fields=["customer", "vulnerability", "patch"], name="closing_by_vulnerability"),
        ),
        migrations.AddConstraint(
            model_name="closing",
            constraint=models.UniqueConstraint(
                fields=("customer", "patch", "vulnerability"), name="a_patch_closes_a_vulnerability_once"
            ),
        ),
        migrations.RunSQL(OPEN, migrations.RunSQL.noop),
        migrations.RunPython(fill_version_keys, migrations.RunPython.noop),
        migrations.RunSQL(CLOSE, migrations.RunSQL.noop),
        *wall("inventory_supersedence", references={"newer_id": "inventory_patch", "older_id": "inventory_patch"}),
        *wall("inventory_vulnerability"),
        *wall("inventory_fix", references={"vulnerability_id": "inventory_vulnerability"}),
        *wall(
            "inventory_closing",
            references={"vulnerability_id": "inventory_vulnerability", "patch_id": "inventory_patch"},
        ),
    ]
