"""By when a host must have begun, since when a job has been disabled, and why starts are missed."""

from django.db import migrations, models

from core.walls import scheduler_reads_more


class Migration(migrations.Migration):

    dependencies = [('deployments', '0007_external_ids')]

    operations = [
        migrations.RemoveIndex(
            model_name='hosttask',
            name='host_task_deadlines',
        ),
        migrations.AddField(
            model_name='hosttask',
            name='start_before',
            field=models.DateTimeField(null=True),
        ),
        # Rewritten so, because an UPDATE would see no rows behind their wall: all that wait may wait until their deadline.
        migrations.RunSQL(
            [
                'ALTER TABLE deployments_hosttask ALTER COLUMN start_before TYPE timestamptz USING deadline',
                'ALTER TABLE deployments_hosttask ALTER COLUMN start_before SET NOT NULL',
            ],
            reverse_sql=migrations.RunSQL.noop,
            state_operations=[
                migrations.AlterField(model_name='hosttask', name='start_before', field=models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='job',
            name='disabled_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='disabled_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='hosttask',
            index=models.Index(condition=models.Q(('state', 'Pending')), fields=['start_before'], name='host_task_starts'),
        ),
        migrations.AddIndex(
            model_name='hosttask',
            index=models.Index(condition=models.Q(('state__in', ['AwaitingReboot', 'Leased', 'Lost', 'Running', 'Verifying'])), fields=['deadline'], name='host_task_deadlines'),
        ),
        migrations.AddConstraint(
            model_name='hosttask',
            constraint=models.CheckConstraint(condition=models.Q(('start_before__lte', models.F('deadline'))), name='a_start_is_missed_by_the_deadline_at_the_latest'),
        ),
        *scheduler_reads_more(
            'deployments_job', columns=['missed_run_policy', 'missed_run_within', 'disabled_until']
        ),
        *scheduler_reads_more('deployments_hosttask', columns=['start_before']),
    ]
