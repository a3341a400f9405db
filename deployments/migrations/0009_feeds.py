"""Addresses under which calendar programs read when jobs start."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenants.models
from core.walls import lookup, wall


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0008_missed_starts'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('secret_digest', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('created_by', tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.user')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer')),
                ('job', tenants.models.SameCustomerKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='feeds', to='deployments.job')),
            ],
            options={
                'indexes': [models.Index(fields=['customer', 'id'], name='feed_of_customer')],
            },
        ),
        *wall('deployments_feed', references={'created_by_id': 'tenants_user', 'job_id': 'deployments_job'}),
        *lookup(
            'deployments_customer_of_feed',
            argument='text',
            table='deployments_feed',
            key='secret_digest',
            reads=['customer_id', 'secret_digest'],
        ),
    ]
