"""What running steps have printed so far."""

import django.db.models.deletion
import tenants.models
from django.db import migrations, models

from core.walls import wall


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0003_contacts'),
        ('deployments', '0017_causes'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='LiveOutput',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField()),
                ('received', models.BigIntegerField(default=0)),
                ('head', models.TextField(blank=True)),
                ('tail', models.TextField(blank=True)),
                ('is_cut', models.BooleanField(default=False)),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer')),
                ('step', tenants.models.SameCustomerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='deployments.step')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'step'), name='one_live_output_per_step')],
            },
        ),
        *wall("agents_liveoutput", references={"step_id": "deployments_step"}),
    ]
