"""People who are removed and kept, and API keys."""

import django.db.models.deletion
import tenants.models
import uuid
from django.db import migrations, models

from core.walls import lookup, wall


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('role', models.CharField(choices=[('viewer', 'Viewer'), ('operator', 'Operator'), ('approver', 'Approver'), ('admin', 'Admin')], max_length=16)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('ending', models.CharField(max_length=8)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='user',
            name='removed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('removed_at', None), ('is_active', False), _connector='OR'), name='who_was_removed_may_not_sign_in'),
        ),
        migrations.AddField(
            model_name='apikey',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer'),
        ),
        migrations.AddField(
            model_name='apikey',
            name='user',
            field=tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='api_keys', to='tenants.user'),
        ),
        migrations.AddIndex(
            model_name='apikey',
            index=models.Index(condition=models.Q(('revoked_at', None)), fields=['customer', 'user'], name='api_key_by_user'),
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['viewer', 'operator', 'approver', 'admin'])), name='api_key_has_a_known_role'),
        ),
        *wall("tenants_apikey", references={"user_id": "tenants_user"}),
        *lookup(
            "tenants_customer_of_api_key",
            argument="text",
            table="tenants_apikey",
            key="digest",
            reads=["customer_id", "digest"],
        ),
    ]
