"""A frozen run waits for the end of its freeze."""

from django.db import migrations, models

from core.walls import scheduler_reads_more


class Migration(migrations.Migration):

    dependencies = [('deployments', '0010_calendars')]

    operations = [
        migrations.RemoveConstraint(
            model_name='run',
            name='a_run_has_an_end_and_a_reason_if_and_only_if_final',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_open',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_tells_share',
        ),
        migrations.AddField(
            model_name='run',
            name='resumes_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('state__in', ['Canceled', 'Completed', 'Missed', 'Skipped']), _negated=True), fields=['deadline'], name='run_open'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('state', 'Frozen')), fields=['resumes_at'], name='run_resumes'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('share_told_at', None), ('tells_at_share__isnull', False), models.Q(('state__in', ['Canceled', 'Completed', 'Missed', 'Skipped']), _negated=True)), fields=['id'], name='run_tells_share'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('resumes_at', None), ('state', 'Frozen'), _connector='XOR'), name='a_run_resumes_if_and_only_if_frozen'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('reason', ''), models.Q(('state__in', ['Canceled', 'Completed', 'Missed', 'Skipped']), _negated=True)), models.Q(('finished_at__isnull', False), ('state__in', ['Canceled', 'Completed', 'Missed', 'Skipped']), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='a_run_has_an_end_and_a_reason_if_and_only_if_final'),
        ),
        # The tick: whose freeze has ended.
        *scheduler_reads_more('deployments_run', columns=['resumes_at']),
    ]
