"""Children that start before the run that they wait for has ended."""

from django.db import migrations, models

from core.walls import scheduler_reads_more


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0014_approvals'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='children_wait',
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('children_wait', True), models.Q(('state__in', ['Canceled', 'Completed', 'Missed', 'Skipped']), _negated=True)), fields=['id'], name='run_children_wait'),
        ),
        *scheduler_reads_more('deployments_run', columns=['children_wait']),
    ]
