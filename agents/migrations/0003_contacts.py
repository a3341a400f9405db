"""Tokens by which an agent is told from a copy of it, and quarantine."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0002_walls'),
        ('inventory', '0004_assets'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.AddField(
            model_name='agent',
            name='contact_sequence',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='agent',
            name='contact_token',
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name='agent',
            name='previous_mark',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='agent',
            name='previous_token',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='agent',
            name='protocol',
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name='agent',
            name='quarantine_reason',
            field=models.CharField(blank=True, db_default='', max_length=500),
        ),
        migrations.AddField(
            model_name='agent',
            name='quarantined_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='agent',
            name='released_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='agent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('quarantine_reason', ''), ('quarantined_at', None)), models.Q(('quarantined_at__isnull', False), models.Q(('quarantine_reason', ''), _negated=True)), _connector='OR'), name='quarantine_has_a_reason'),
        ),
    ]
