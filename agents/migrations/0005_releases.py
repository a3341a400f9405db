"""Releases of the agent, and whom they are for."""

import django.db.models.deletion
from django.db import migrations, models

from core.walls import wall


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0004_live_output'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=32, unique=True)),
                ('rank', models.BigIntegerField(unique=True)),
                ('manifest', models.TextField()),
                ('key_id', models.CharField(max_length=64)),
                ('signature', models.BinaryField()),
                ('archive', models.BinaryField()),
                ('for_all', models.BooleanField()),
                ('published_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ReleaseForCustomer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.release')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'release'), name='one_release_once_for_a_customer')],
            },
        ),
        *wall("agents_releaseforcustomer"),
        # Whoever takes over the web's process publishes nothing.
        migrations.RunSQL(
            [
                "GRANT SELECT ON agents_release TO patch_web, patch_worker",
                "GRANT INSERT, UPDATE, DELETE ON agents_release TO patch_worker",
                "REVOKE INSERT, UPDATE, DELETE ON agents_releaseforcustomer FROM patch_web",
            ],
            migrations.RunSQL.noop,
        ),
    ]
