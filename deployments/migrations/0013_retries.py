"""Runs that try again where another one failed; hosts and runs that people hold back or end."""

import django.db.models.deletion
import tenants.models
from django.db import migrations, models

from core.walls import references


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0012_machines_clocks'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='retry_of',
            field=tenants.models.SameCustomerKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='retries', to='deployments.run'),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='trigger',
            field=models.CharField(choices=[('schedule', 'Schedule'), ('enabled', 'Enabled'), ('user', 'User'), ('parent', 'Parent'), ('retry', 'Retry')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('retry_of', None), ('trigger', 'retry'), _connector='XOR'), name='a_retry_says_of_which_run'),
        ),
        *references("deployments_run", {"retry_of_id": "deployments_run"}),
    ]
