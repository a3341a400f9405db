"""Hosts that restart are held by a lease as well, and some end with a restart still to come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0017_causes"),
        ("inventory", "0004_assets"),
        ("tenants", "0003_customer_of_name"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="hosttask",
            name="held_work_has_a_lease",
        ),
        migrations.RemoveIndex(
            model_name="hosttask",
            name="host_task_leases",
        ),
        migrations.AlterField(
            model_name="hosttask",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done"),
                    ("verified", "Verified"),
                    ("reboot_pending", "Reboot Pending"),
                    ("excluded", "Excluded"),
                    ("other_platform", "Other Platform"),
                    ("no_patch_missing", "No Patch Missing"),
                    ("nothing_to_roll_back", "Nothing To Roll Back"),
                    ("no_patch_applied", "No Patch Applied"),
                    ("pre_action_failed", "Pre Action Failed"),
                    ("patch_failed", "Patch Failed"),
                    ("post_action_failed", "Post Action Failed"),
                    ("not_verified", "Not Verified"),
                    ("manifest_refused", "Manifest Refused"),
                    ("window_over", "Window Over"),
                    ("never_came", "Never Came"),
                    ("job_deleted", "Job Deleted"),
                    ("job_disabled", "Job Disabled"),
                    ("agent_reinstalled", "Agent Reinstalled"),
                    ("no_hosts", "No Hosts"),
                    ("parent_share", "Parent Share"),
                    ("start_missed", "Start Missed"),
                    ("job_was_disabled", "Job Was Disabled"),
                    ("job_changed", "Job Changed"),
                    ("frozen", "Frozen"),
                    ("host_away", "Host Away"),
                    ("earlier_run", "Earlier Run"),
                    ("run_canceled", "Run Canceled"),
                    ("run_paused", "Run Paused"),
                    ("not_approved", "Not Approved"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done"),
                    ("verified", "Verified"),
                    ("reboot_pending", "Reboot Pending"),
                    ("excluded", "Excluded"),
                    ("other_platform", "Other Platform"),
                    ("no_patch_missing", "No Patch Missing"),
                    ("nothing_to_roll_back", "Nothing To Roll Back"),
                    ("no_patch_applied", "No Patch Applied"),
                    ("pre_action_failed", "Pre Action Failed"),
                    ("patch_failed", "Patch Failed"),
                    ("post_action_failed", "Post Action Failed"),
                    ("not_verified", "Not Verified"),
                    ("manifest_refused", "Manifest Refused"),
                    ("window_over", "Window Over"),
                    ("never_came", "Never Came"),
                    ("job_deleted", "Job Deleted"),
                    ("job_disabled", "Job Disabled"),
                    ("agent_reinstalled", "Agent Reinstalled"),
                    ("no_hosts", "No Hosts"),
                    ("parent_share", "Parent Share"),
                    ("start_missed", "Start Missed"),
                    ("job_was_disabled", "Job Was Disabled"),
                    ("job_changed", "Job Changed"),
                    ("frozen", "Frozen"),
                    ("host_away", "Host Away"),
                    ("earlier_run", "Earlier Run"),
                    ("run_canceled", "Run Canceled"),
                    ("run_paused", "Run Paused"),
                    ("not_approved", "Not Approved"),
                ],
                max_length=32,
            ),
        ),
        migrations.AddIndex(
            model_name="hosttask",
            index=models.Index(
                condition=models.Q(("state__in", ["Leased", "Running", "AwaitingReboot", "Verifying"])),
                fields=["lease_until"],
                name="host_task_leases",
            ),
        ),
        migrations.AddIndex(
            model_name="hosttask",
            index=models.Index(
                condition=models.Q(("reason", "reboot_pending")), fields=["asset"], name="host_task_pending_reboots"
            ),
        ),
        migrations.AddConstraint(
            model_name="hosttask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lease_until__isnull", False),
                    models.Q(("state__in", ["Leased", "Running", "AwaitingReboot", "Verifying"]), _negated=True),
                    _connector="OR",
                ),
                name="held_work_has_a_lease",
            ),
        ),
    ]
