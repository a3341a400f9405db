"""Runs in waves, so many hosts at once, halted where too much fails."""

import django.db.models.deletion
import tenants.models
from django.db import migrations, models

from core.walls import scheduler_reads_more, wall


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0018_restarts'),
        ('inventory', '0004_assets'),
        ('tenants', '0003_customer_of_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunHalt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('halted_at', models.DateTimeField()),
                ('wave', models.SmallIntegerField()),
                ('failed', models.IntegerField()),
                ('sampled', models.IntegerField()),
                ('percent', models.SmallIntegerField()),
                ('min_sample', models.IntegerField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ending', models.CharField(blank=True, choices=[('resumed', 'Resumed'), ('canceled', 'Canceled'), ('run_ended', 'Run Ended')], max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name='RunWave',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.SmallIntegerField()),
                ('hosts', models.IntegerField()),
                ('soak_minutes', models.IntegerField()),
                ('state', models.CharField(choices=[('Waiting', 'Waiting'), ('Open', 'Open'), ('Soaking', 'Soaking'), ('Closed', 'Closed'), ('Skipped', 'Skipped')], max_length=16)),
                ('state_changed_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='hosttask',
            name='wave',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='open_wave',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='sample_from',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='jobasset',
            name='part',
            field=models.CharField(choices=[('include', 'Include'), ('match_all', 'Match All'), ('exclude', 'Exclude'), ('wave', 'Wave')], max_length=16),
        ),
        migrations.AlterField(
            model_name='jobtag',
            name='part',
            field=models.CharField(choices=[('include', 'Include'), ('match_all', 'Match All'), ('exclude', 'Exclude'), ('wave', 'Wave')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='hosttask',
            index=models.Index(condition=models.Q(('wave__isnull', False), models.Q(('state__in', ['Canceled', 'Failed', 'Missed', 'NotApplicable', 'Skipped', 'Succeeded', 'TimedOut']), _negated=True)), fields=['run', 'wave'], name='host_task_open_of_wave'),
        ),
        migrations.AddIndex(
            model_name='hosttask',
            index=models.Index(condition=models.Q(('state__in', ['AwaitingReboot', 'Leased', 'Running', 'Verifying']), ('wave__isnull', False)), fields=['run'], name='host_task_at_work'),
        ),
        migrations.AddIndex(
            model_name='hosttask',
            index=models.Index(condition=models.Q(('state__in', ['Failed', 'Lost', 'TimedOut']), ('wave__isnull', False)), fields=['run'], name='host_task_failed'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('open_wave__isnull', False), ('state', 'Running')), fields=['id'], name='run_in_waves'),
        ),
        migrations.AddField(
            model_name='runhalt',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer'),
        ),
        migrations.AddField(
            model_name='runhalt',
            name='ended_by',
            field=tenants.models.SameCustomerKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.user'),
        ),
        migrations.AddField(
            model_name='runhalt',
            name='run',
            field=tenants.models.SameCustomerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='halts', to='deployments.run'),
        ),
        migrations.AddField(
            model_name='runwave',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.customer'),
        ),
        migrations.AddField(
            model_name='runwave',
            name='run',
            field=tenants.models.SameCustomerKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='waves', to='deployments.run'),
        ),
        migrations.AddIndex(
            model_name='runhalt',
            index=models.Index(fields=['run', 'halted_at'], name='halt_of_run'),
        ),
        migrations.AddConstraint(
            model_name='runhalt',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('customer', 'run'), name='one_halt_of_a_run_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='runhalt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ending', '')), models.Q(('ended_at__isnull', False), models.Q(('ending', ''), _negated=True)), _connector='OR'), name='a_halt_has_ended_if_and_only_if_it_says_how'),
        ),
        migrations.AddConstraint(
            model_name='runhalt',
            constraint=models.CheckConstraint(condition=models.Q(('ended_by', None), ('ending__in', ['resumed', 'canceled']), _connector='XOR'), name='a_person_resumes_or_cancels_a_halted_run'),
        ),
        migrations.AddConstraint(
            model_name='runwave',
            constraint=models.UniqueConstraint(fields=('customer', 'run', 'number'), name='one_wave_per_number_of_a_run'),
        ),
        migrations.AddConstraint(
            model_name='runwave',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['Open', 'Soaking'])), fields=('customer', 'run'), name='one_wave_of_a_run_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='runwave',
            constraint=models.CheckConstraint(condition=models.Q(('closed_at', None), ('state__in', ['Closed', 'Skipped']), _connector='XOR'), name='a_wave_is_closed_if_and_only_if_it_says_when'),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('reboot_pending', 'Reboot Pending'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused'), ('not_approved', 'Not Approved'), ('run_halted', 'Run Halted'), ('wave_not_opened', 'Wave Not Opened'), ('no_room', 'No Room')], max_length=32),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('reboot_pending', 'Reboot Pending'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share'), ('start_missed', 'Start Missed'), ('job_was_disabled', 'Job Was Disabled'), ('job_changed', 'Job Changed'), ('frozen', 'Frozen'), ('host_away', 'Host Away'), ('earlier_run', 'Earlier Run'), ('run_canceled', 'Run Canceled'), ('run_paused', 'Run Paused'), ('not_approved', 'Not Approved'), ('run_halted', 'Run Halted'), ('wave_not_opened', 'Wave Not Opened'), ('no_room', 'No Room')], max_length=32),
        ),
        *wall('deployments_runwave', references={'run_id': 'deployments_run'}),
        *wall('deployments_runhalt', references={'run_id': 'deployments_run', 'ended_by_id': 'tenants_user'}),
        *scheduler_reads_more('deployments_run', columns=['open_wave']),
    ]
