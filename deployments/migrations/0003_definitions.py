"""What the tick reads of a job's schedule, runs that a run of the parent started, and shares to be told."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.models
from core.walls import references, scheduler_reads_more

SCHEDULE = [
    "schedule_type",
    "start_local",
    "recurring_week_days",
    "day_of_month",
    "recurring_last_day_of_month",
    "recurring_day_of_month",
    "recurring_week_day_of_month",
    "monthly_recurring_type",
    "patch_tuesday_plus_x_days",
    "recurrence_interval",
    "do_not_run_until",
    "timezone_type",
    "timezone",
]


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0002_walls'),
        ('inventory', '0002_walls'),
        ('tenants', '0002_walls'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='note',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='run',
            name='parent_run',
            field=tenants.models.SameCustomerKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='started_runs', to='deployments.run'),
        ),
        migrations.AddField(
            model_name='run',
            name='share_told_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='tells_at_share',
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='hosttask',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share')], max_length=32),
        ),
        migrations.AlterField(
            model_name='jobpatch',
            name='patch',
            field=tenants.models.SameCustomerKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='job_links', to='inventory.patch'),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, choices=[('done', 'Done'), ('verified', 'Verified'), ('excluded', 'Excluded'), ('other_platform', 'Other Platform'), ('no_patch_missing', 'No Patch Missing'), ('nothing_to_roll_back', 'Nothing To Roll Back'), ('no_patch_applied', 'No Patch Applied'), ('pre_action_failed', 'Pre Action Failed'), ('patch_failed', 'Patch Failed'), ('post_action_failed', 'Post Action Failed'), ('not_verified', 'Not Verified'), ('manifest_refused', 'Manifest Refused'), ('window_over', 'Window Over'), ('never_came', 'Never Came'), ('job_deleted', 'Job Deleted'), ('job_disabled', 'Job Disabled'), ('agent_reinstalled', 'Agent Reinstalled'), ('no_hosts', 'No Hosts'), ('parent_share', 'Parent Share')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('share_told_at', None), ('tells_at_share__isnull', False), models.Q(('state__in', ['Canceled', 'Completed', 'Frozen', 'Missed', 'Skipped']), _negated=True)), fields=['id'], name='run_tells_share'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(fields=('customer', 'job', 'parent_run'), name='a_run_starts_a_child_once'),
        ),
        *references("deployments_run", {"parent_run_id": "deployments_run"}),
        # The tick reads the schedule, the sweep which shares are to be told.
        *scheduler_reads_more("deployments_job", columns=SCHEDULE),
        *scheduler_reads_more("deployments_run", columns=["started_at", "tells_at_share", "share_told_at"]),
    ]
