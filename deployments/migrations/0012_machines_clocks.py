"""When the tick looks at a job that starts by its machines' clocks: at its next start, and once its first machine's comes."""

from django.db import migrations, models

from core.walls import scheduler_changes_more, scheduler_reads_more


class Migration(migrations.Migration):

    dependencies = [('deployments', '0011_frozen_runs')]

    operations = [
        migrations.RemoveIndex(
            model_name='job',
            name='job_due',
        ),
        migrations.AddField(
            model_name='job',
            name='due_at',
            field=models.DateTimeField(null=True),
        ),
        # Rewritten so, because an UPDATE would see no rows behind their wall.
        migrations.RunSQL(
            ['ALTER TABLE deployments_job ALTER COLUMN due_at TYPE timestamptz USING next_run_at'],
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'Enabled')), fields=['due_at'], name='job_due'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at', None), ('next_run_at', None)), models.Q(('due_at__isnull', False), ('next_run_at__isnull', False)), _connector='OR'), name='a_job_is_due_if_and_only_if_it_has_a_next_run'),
        ),
        *scheduler_reads_more('deployments_job', columns=['due_at']),
        *scheduler_changes_more('deployments_job', columns=['due_at']),
    ]
