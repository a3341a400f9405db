"""Who let which plan of a job run."""

import django.db.models.deletion
import tenants.models
from django.db import migrations, models

from core.walls import wall


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0013_retries'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='plan_hash',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused'), ('not_approved', 'Not Approved')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused'), ('not_approved', 'Not Approved')], max_length=32),
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('plan_hash', models.CharField(max_length=64)),
                ('approved_at', models.DateTimeField()),
                ('voided_at', models.DateTimeField(null=True)),
                ('approved_by', tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.user')),
                ('author', tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.user')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer')),
                ('editor', tenants.models.SameCustomerKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.user')),
                ('job', tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='deployments.job')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('voided_at', None)), fields=('customer', 'job'), name='one_approval_of_a_job_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('approved_by', models.F('author')), _negated=True), models.Q(('editor', None), models.Q(('approved_by', models.F('editor')), _negated=True), _connector='OR')), name='nobody_approves_a_plan_of_their_own')],
            },
        ),
        *wall(
            'deployments_approval',
            references={
                'job_id': 'deployments_job',
                'approved_by_id': 'tenants_user',
                'author_id': 'tenants_user',
                'editor_id': 'tenants_user',
            },
        ),
    ]
